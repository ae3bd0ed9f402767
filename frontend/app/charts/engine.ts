// ECharts with the few parts that assay's charts use, and the three shapes that ECharts has not.

import { BarChart, CustomChart, LineChart, SankeyChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendPlainComponent, MarkLineComponent, TitleComponent, TooltipComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import * as core from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

core.use([
  BarChart, CustomChart, LineChart, SankeyChart, ScatterChart,
  GridComponent, LegendPlainComponent, MarkLineComponent, TitleComponent, TooltipComponent,
  LabelLayout, SVGRenderer,
]);

type Params = { dataIndex: number; dataInsideLength: number; itemPayload: { flat?: boolean; texts?: string[]; inks?: string[] }; context: { done?: boolean };
  coordSys: { x: number; y: number; width: number; height: number } };
type Api = {
  value(dim: number, index?: number): number;
  coord(at: [number, number]): [number, number];
  size(of: [number, number]): [number, number];
  visual(name: string): string;
  getWidth(): number;
  font(of: { fontSize: number }): string;
};
type Point = [number, number];

const there = (value: number): boolean => typeof value === "number" && !Number.isNaN(value);

/** A thin line with caps between two values; one cap only where the other end is open. */
function whisker(params: Params, api: Api): unknown {
  const [place, low, high] = [api.value(0), api.value(1), api.value(2)];
  const flat = params.itemPayload.flat === true;
  const { x, y, width, height } = params.coordSys;
  const at = (value: number): Point => api.coord(flat ? [value, place] : [place, value]);
  const inside = (point: Point): Point => [
    Math.min(Math.max(point[0], x), x + width), Math.min(Math.max(point[1], y), y + height)];
  const open = (end: number): Point => {
    const [px, py] = at(there(low) ? low : high);
    return flat ? [end < 0 ? x : x + width, py] : [px, end < 0 ? y + height : y];
  };
  const a = there(low) ? inside(at(low)) : open(-1);
  const b = there(high) ? inside(at(high)) : open(1);
  const style = { stroke: api.visual("color"), lineWidth: 1.5, fill: "none" };
  const line = (from: Point, to: Point): unknown => ({
    type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style });
  const cap = (p: Point): unknown => flat ? line([p[0], p[1] - 4], [p[0], p[1] + 4]) : line([p[0] - 4, p[1]], [p[0] + 4, p[1]]);
  const caps = [there(low) && cap(a), there(high) && cap(b)].filter(Boolean);
  return { type: "group", children: [line(a, b), ...caps] };
}

/** A bar from one value to another. */
function span(params: Params, api: Api): unknown {
  const [place, from, to] = [api.value(0), api.value(1), api.value(2)];
  const flat = params.itemPayload.flat === true;
  const a = api.coord(flat ? [from, place] : [place, from]);
  const b = api.coord(flat ? [to, place] : [place, to]);
  const thick = Math.min(18, (flat ? api.size([0, 1])[1] : api.size([1, 0])[0]) * 0.62);
  const shape = flat
    ? { x: Math.min(a[0], b[0]), y: a[1] - thick / 2, width: Math.max(Math.abs(b[0] - a[0]), 1), height: thick, r: 2 }
    : { x: a[0] - thick / 2, y: Math.min(a[1], b[1]), width: thick, height: Math.max(Math.abs(b[1] - a[1]), 1), r: 2 };
  return { type: "rect", shape, style: { fill: api.visual("color") } };
}

/** A cell of a grid with its number. */
function cell({ dataIndex, itemPayload: { texts = [], inks = [] } }: Params, api: Api): unknown {
  const [cx, cy] = api.coord([api.value(0), api.value(1)]);
  const [width, height] = api.size([1, 1]);
  const size = width < 26 ? 8 : width < 34 ? 9 : 12;
  return {
    type: "rect", style: { fill: api.visual("color") },
    shape: { x: cx - width / 2 + 1, y: cy - height / 2 + 1, width: Math.max(width - 2, 1), height: Math.max(height - 2, 1), r: 3 },
    textConfig: { position: "inside" },
    textContent: { type: "text", style: { text: texts[dataIndex], fill: inks[dataIndex], font: api.font({ fontSize: size }) } },
  };
}

/** The area between low and high, drawn once for the whole series; it breaks where there is no interval. */
function band(params: Params, api: Api): unknown {
  if (params.context.done) return undefined;
  params.context.done = true;
  const pieces: { low: Point[]; high: Point[] }[] = [];
  let going = false;
  for (let i = 0; i < params.dataInsideLength; i++) {
    const [place, low, high] = [api.value(0, i), api.value(1, i), api.value(2, i)];
    if (!there(low) || !there(high)) { going = false; continue; }
    if (!going) pieces.push({ low: [], high: [] });
    going = true;
    const piece = pieces[pieces.length - 1]!;
    piece.low.push(clipped(params, api.coord([place, low])));
    piece.high.push(clipped(params, api.coord([place, high])));
  }
  const style = { fill: api.visual("color"), opacity: 0.16 };
  const children = pieces.map(({ low, high }) => low.length > 1
    ? { type: "polygon", shape: { points: [...high, ...low.reverse()] }, style }
    : { type: "line", shape: { x1: low[0]![0], y1: low[0]![1], x2: high[0]![0], y2: high[0]![1] },
        style: { stroke: api.visual("color"), lineWidth: 6, opacity: 0.16 } });
  return { type: "group", children };
}

function clipped({ coordSys }: Params, [x, y]: Point): Point {
  return [x, Math.min(Math.max(y, coordSys.y), coordSys.y + coordSys.height)];
}

/** Names of lines at their ends, moved apart where they would lie on each other. */
function ends(params: Params, api: Api): unknown {
  if (params.context.done) return undefined;
  params.context.done = true;
  const { texts = [], inks = [] } = params.itemPayload;
  const { y, height } = params.coordSys;
  const [step, room] = [15, api.getWidth() < phone ? 70 : 106];
  const named = texts.map((text, i) => ({ text, ink: inks[i], at: api.coord([api.value(0, i), api.value(1, i)]), y: 0 }));
  named.sort((a, b) => a.at[1] - b.at[1]);
  named.forEach((one, i) => { one.y = Math.max(one.at[1], (named[i - 1]?.y ?? -step) + step); });
  let floor = y + height;
  for (const one of [...named].reverse()) {
    one.y = Math.min(one.y, floor);
    floor = one.y - step;
  }
  const children = named.flatMap((one) => {
    const [x, from] = one.at;
    const text = { type: "text", x: x + 12, y: one.y, silent: true, style: {
      text: one.text, fill: one.ink, font: api.font({ fontSize: 12 }), width: room - 12, overflow: "truncate", verticalAlign: "middle" } };
    const far = Math.abs(one.y - from) > 4;
    const leader = { type: "line", shape: { x1: x + 4, y1: from, x2: x + 10, y2: one.y }, style: { stroke: one.ink, opacity: 0.5, lineWidth: 1 } };
    return far ? [leader, text] : [text];
  });
  return { type: "group", children };
}

const shapes: Record<string, unknown> = { whisker, span, cell, band, ends };
const phone = 480; // px

/** Option with tokens such as ``@accent`` replaced, shapes by name put in, and sizes for narrow places. */
export function ready(option: unknown, colour: (token: string) => string, width: number): any {
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return value.startsWith("@") ? colour(value.slice(1)) : value;
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) =>
      [key, key === "renderItem" && typeof one === "string" ? shapes[one] : key === "words" || key === "formatter" ? one : walk(one)]));
  };
  const made = walk(option) as any;
  for (const series of made.series) if (series.markLine?.role === "marks") marks(series.markLine, made, width);
  if (width < phone) narrow(made, width);
  return made;
}

/** On a phone: names take a third, labels at line ends are cut shorter, marks stand along their lines. */
function narrow(option: any, width: number): void {
  for (const axis of [option.yAxis].flat()) {
    if (axis?.type === "category") Object.assign(axis.axisLabel, { width: Math.round(width * 0.32), overflow: "break", lineHeight: 13, height: 26, lineOverflow: "truncate", fontSize: 11 });
    else if (axis) axis.splitNumber = 3;
  }
  for (const axis of [option.xAxis].flat()) if (axis?.type === "value") axis.splitNumber = 3;
  for (const grid of [option.grid].flat()) if (grid && grid.right > 100 && grid.right !== "auto") grid.right = 78;
  for (const series of option.series) {
    if (series.type === "scatter") for (const one of series.data) if (one.label) one.label.width = Math.round(width * 0.3);
    if (series.type === "sankey") { series.right = Math.round(width * 0.3); series.label.width = Math.round(width * 0.28); }
  }
}

/** Labels of marks stand in rows above the plot; along their lines where there is no room for that. */
function marks(lines: any, option: any, width: number): void {
  const across = [option.xAxis].flat()[0].data.length - 1 || 1;
  const plot = width - 50 - ([option.grid].flat()[0].right ?? 0);
  const allowed = lines.rows as number;
  const rows: number[] = [];
  for (const mark of lines.data) {
    const [at, long] = [(mark.xAxis / across) * plot, String(mark.label.formatter).length * 6.2];
    const right = at + long <= plot + 12;
    const begin = right ? at : at - long;
    let row = rows.findIndex((taken) => taken < begin);
    if (row < 0) row = rows.length;
    rows[row] = (right ? at + long : at) + 6;
    Object.assign(mark.label, { align: right ? "left" : "right", distance: [0, 2 + 15 * row] });
  }
  const outside = lines.data.some((mark: any) => mark.label.align === "right" && (mark.xAxis / across) * plot + 36 < String(mark.label.formatter).length * 6.2);
  if (rows.length <= allowed && !outside) return;
  for (const mark of lines.data) Object.assign(mark.label, { position: "insideEndTop", rotate: 90, distance: 2, align: "right" });
}

export const echarts = core;
