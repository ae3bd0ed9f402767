// Draws a chart as SVG text without a page, for reports. The same engine as in the browser.

import { echarts, ready } from "./engine";
import { themes } from "./themes";

type Drawing = { option: Record<string, unknown>; theme: string; width: number; height: number; font: string };

(globalThis as any).assayDraw = (text: string): string => {
  const { option, theme, width, height, font } = JSON.parse(text) as Drawing;
  const colours = themes[theme];
  if (!colours) throw new Error(`no theme ${theme}`);
  const chart = echarts.init(null as unknown as HTMLElement, { textStyle: { fontFamily: font } }, { renderer: "svg", ssr: true, width, height });
  try {
    const made = ready(option, (token) => colours[token] ?? "#000000", width);
    chart.setOption({ ...made, animation: false, tooltip: { show: false } });
    return chart.renderToSVGString({ useViewBox: true });
  } finally {
    chart.dispose();
  }
};
