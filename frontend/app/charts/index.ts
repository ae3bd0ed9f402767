// Finds <figure class="chart" data-chart>, draws its chart and keeps it right: theme, width, pages that htmx swaps in.

import { echarts, ready } from "./engine";

type Chart = { kind: string; option: any; title: string; subtitle: string; alt: string; height: number };
type Drawn = { chart: Chart; plot: HTMLElement; engine: any };

const drawn = new Map<HTMLElement, Drawn>();
const step = 40; // heights are rounded up to these, so that the page can keep the place free by a class
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const scheme = matchMedia("(prefers-color-scheme: dark)");

function colours(of: Element): (token: string) => string {
  const style = getComputedStyle(of);
  return (token) => style.getPropertyValue(`--${token}`).trim() || "currentColor";
}

async function read(figure: HTMLElement): Promise<Chart | null> {
  const inside = figure.querySelector<HTMLScriptElement>('script[type="application/json"]');
  if (inside) return JSON.parse(inside.textContent || "null") as Chart | null;
  const source = figure.dataset.src;
  if (!source) return null;
  const answer = await fetch(source, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as Chart | null;
}

function place(figure: HTMLElement, height: number): HTMLElement {
  let plot = figure.querySelector<HTMLElement>(".chart-plot");
  if (!plot) {
    plot = document.createElement("div");
    plot.className = "chart-plot";
    const caption = figure.querySelector("figcaption");
    if (caption) caption.after(plot);
    else figure.prepend(plot);
  }
  plot.style.height = `${Math.ceil(height / step) * step}px`;
  return plot;
}

async function draw(figure: HTMLElement): Promise<void> {
  if (drawn.has(figure) || figure.dataset.state === "drawing") return;
  figure.dataset.state = "drawing";
  try {
    const chart = await read(figure);
    if (!chart) { figure.dataset.state = "none"; return; }
    const plot = place(figure, chart.height);
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", chart.alt);
    const font = getComputedStyle(figure).fontFamily.replace(/"/g, "'"); // stands in attributes when saved
    const engine = echarts.init(plot, { textStyle: { fontFamily: font } }, { renderer: "svg" });
    const one: Drawn = { chart, plot, engine };
    drawn.set(figure, one);
    paint(one, true);
    widths.observe(plot);
    picture(figure, one);
    figure.dataset.state = "drawn";
  } catch {
    figure.dataset.state = "failed"; // the table is there all the same
  }
}

function paint(one: Drawn, first = false): void {
  const { chart, plot, engine } = one;
  const colour = colours(plot);
  const option = ready(chart.option, colour, plot.clientWidth);
  option.animation = first && !calm.matches;
  option.animationDuration = 250;
  option.animationDurationUpdate = 0;
  option.tooltip = { ...option.tooltip, ...pointing(colour), formatter: said };
  engine.setOption(option, { notMerge: true });
}

function pointing(colour: (token: string) => string): object {
  return {
    confine: true, transitionDuration: 0, backgroundColor: colour("surface"), borderColor: colour("axis"), borderWidth: 1,
    padding: [8, 12], textStyle: { color: colour("text"), fontSize: 13 }, extraCssText: "box-shadow:none;max-width:min(420px,90vw);white-space:normal",
    axisPointer: { type: "line", lineStyle: { color: colour("axis"), type: "solid", width: 1 } },
  };
}

/** What stands in a tooltip: the numbers in words, as the server wrote them. */
function said(given: any): HTMLElement {
  const all = (Array.isArray(given) ? given : [given]).filter((one: any) => one.data?.words && one.data.value !== null);
  const box = document.createElement("div");
  const head = all[0]?.name && all[0].dataType !== "edge" && all[0].dataType !== "node" ? String(all[0].name) : "";
  if (head) box.append(line("strong", head));
  const seen = new Set<string>();
  for (const one of all) {
    const name = Array.isArray(given) && new Set(all.map((o: any) => o.seriesName)).size > 1 ? `${one.seriesName}: ` : "";
    const text = name + one.data.words;
    if (!seen.has(text)) box.append(line("div", text));
    seen.add(text);
  }
  return box;
}

function line(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** A button that saves the picture with its sentence above, as PNG. */
function picture(figure: HTMLElement, one: Drawn): void {
  const button = figure.querySelector<HTMLButtonElement>("button[data-png]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => void save(figure, one));
}

async function save(figure: HTMLElement, { chart, plot, engine }: Drawn): Promise<void> {
  const [width, top, scale] = [plot.clientWidth, 64, 2];
  const height = plot.clientHeight + top;
  const canvas = document.createElement("canvas");
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const colour = colours(plot);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(engine.renderToSVGString())}`;
  await image.decode();
  pen.scale(scale, scale);
  pen.fillStyle = colour("surface");
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = colour("text");
  pen.font = `600 15px ${getComputedStyle(figure).fontFamily}`;
  pen.fillText(chart.title, 8, 24, width - 16);
  pen.fillStyle = colour("muted");
  pen.font = `13px ${getComputedStyle(figure).fontFamily}`;
  pen.fillText(chart.subtitle, 8, 46, width - 16);
  pen.drawImage(image, 0, top, width, height - top);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${figure.dataset.name || chart.kind}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

let waiting = 0;
const widths = new ResizeObserver((changes) => {
  cancelAnimationFrame(waiting);
  const changed = new Set(changes.map((one) => one.target));
  waiting = requestAnimationFrame(() => {
    for (const one of drawn.values()) {
      if (changed.has(one.plot) && one.plot.clientWidth && one.engine.getWidth() !== one.plot.clientWidth) {
        one.engine.resize();
        paint(one);
      }
    }
  });
});

const near = new IntersectionObserver((seen) => {
  for (const one of seen) {
    if (one.isIntersecting) {
      near.unobserve(one.target);
      void draw(one.target as HTMLElement);
    }
  }
}, { rootMargin: "300px" });

function look(): void {
  for (const [figure, one] of drawn) {
    if (!figure.isConnected) {
      widths.unobserve(one.plot);
      one.engine.dispose();
      drawn.delete(figure);
    }
  }
  document.querySelectorAll<HTMLElement>("figure.chart[data-chart]").forEach((figure) => {
    if (!drawn.has(figure)) near.observe(figure);
  });
}

const again = (): void => drawn.forEach((one) => paint(one));

new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
scheme.addEventListener("change", again);
matchMedia("print").addEventListener("change", again); // paper is light
document.addEventListener("htmx:after:settle", look);
window.addEventListener("beforeprint", () =>
  document.querySelectorAll<HTMLElement>("figure.chart[data-chart]").forEach((figure) => void draw(figure)));
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", look);
else look();
