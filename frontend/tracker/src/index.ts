// What the tag loads: the core, started, with the calls that were made before it came.
import { start, type Assay } from "./core";

type Call = [string, never?, ("page" | "identify" | "consent")?];

declare global {
  interface Window {
    assay?: Assay;
  }
}

const early = window.assay as (Partial<Assay> & { q?: Call[] | { push(call: Call): void } }) | undefined;
if (!early || !early._) {
  const assay = start(document.currentScript as HTMLScriptElement | null);
  const made = ([what, more, verb]: Call): void => (verb ? (assay[verb] as Assay) : assay)(what, more);
  window.assay = assay;
  if (early) {
    ((early.q as Call[]) || []).forEach(made);
    early.q = { push: made }; // for who has kept the function that was there before
  }
}
