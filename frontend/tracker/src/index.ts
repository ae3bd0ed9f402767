// What the tag loads: the core, started, with the calls that were made before it came.
import { start, type Assay } from "./core";

declare global {
  interface Window {
    assay?: Assay | { q?: [string, Record<string, unknown>?][] };
  }
}

const waiting = window.assay?.q ?? [];
const assay = start(window, document.currentScript as HTMLScriptElement | null);
window.assay = assay;
for (const [name, props] of waiting) assay(name, props);
