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

type Params = { dataIndex: number; dataInsideLength: number; itemPayload: { flat?: boolean }; context: { done?: boolean };
  coordSys: { x: number; y: number; width: number; height: number } };
type Api = {
  value(dim: number, index?: number): number;
  coord(at: [number, number]): [number, number];
  size(of: [number, number]): [number, number];
  visual(name: string): string;
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
function cell(_: Params, api: Api): unknown {
  const [cx, cy] = api.coord([api.value(0), api.value(1)]);
  const [width, height] = api.size([1, 1]);
  return {
    type: "rect", style: { fill: api.visual("color") },
    shape: { x: cx - width / 2 + 1, y: cy - height / 2 + 1, width: Math.max(width - 2, 1), height: Math.max(height - 2, 1), r: 3 },
    textConfig: { position: "inside" },
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

const shapes: Record<string, unknown> = { whisker, span, cell, band };

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
  if (width < 560) narrow(made, width);
  return made;
}

/** On a phone: names take a third, labels at line ends are cut shorter, marks stand along their lines. */
function narrow(option: any, width: number): void {
  for (const axis of [option.yAxis].flat()) {
    if (axis?.type === "category") axis.axisLabel.width = Math.round(width * 0.3);
    else if (axis) axis.splitNumber = 3;
  }
  for (const axis of [option.xAxis].flat()) if (axis?.type === "value") axis.splitNumber = 3;
  for (const grid of [option.grid].flat()) if (grid && grid.right > 100 && grid.right !== "auto") grid.right = 78;
  for (const series of option.series) {
    if (series.endLabel?.width) series.endLabel.width = 66;
    if (series.type === "sankey") { series.right = Math.round(width * 0.3); series.label.width = Math.round(width * 0.28); }
    if (series.markLine?.role === "marks") {
      for (const mark of series.markLine.data) {
        Object.assign(mark.label, { position: "insideEndTop", rotate: 90, distance: 2, align: "right", width: 120, overflow: "truncate" });
      }
    }
  }
}

export const echarts = core;
