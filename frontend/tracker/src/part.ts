// A module beside the core: it stands on what the core gives it, once, and never throws into the page.
import type { Assay, Inner } from "./core";

export function part(name: string, work: (assay: Assay, inner: Inner) => void): void {
  const assay = window.assay;
  const inner = assay && assay._;
  if (!inner || inner.parts[name]) return;
  inner.parts[name] = 1;
  inner.safe(() => work(assay!, inner))();
}
