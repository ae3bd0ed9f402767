// Draws a chart as SVG text without a page, for reports. The same engine as in the browser.

import { echarts, ready } from "./engine";
import { themes } from "./themes";

/**
 * How wide a text may become, in parts of its size. Here nothing can be measured, and who shows the picture has fonts of
 * his own: these are the widths of DejaVu Sans, one of the widest, so that no label is cut where it begins.
 */
const WIDTHS: [RegExp, number][] = [
  [/[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/, 0], [/[ijl'|]/, 0.3], [/[ ,.:;!IJ/\\\u00a0]/, 0.35],
  [/[frt()\[\]"*-]/, 0.45], [/[mMW%@œæŒÆ]/, 1], [/[wGOQDHNU+<=>~^→−–…]/, 0.84], [/[A-Z&\u00c0-\u00de]/, 0.72], [/[\u2e80-\uffff]/, 1],
];
const width = (text: string): number => [...text].reduce((sum, letter) => sum + (WIDTHS.find(([of]) => of.test(letter))?.[1] ?? 0.64), 0);
echarts.setPlatformAPI({
  measureText: (text: string, font?: string) => ({ width: width(text ?? "") * Number(/([\d.]+)px/.exec(font ?? "")?.[1] ?? 12) }),
});

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
