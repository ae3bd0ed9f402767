// Loaded after the page with data-vitals="on": how fast it was, once, when it is first out of sight.
import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import { part } from "../part";
import type { Props } from "../core";

part("vitals", (_assay, { put, on }) => {
  if (!("at" in Array.prototype)) return; // the package needs it; browsers that tell these figures have it
  const found: Props = {};
  const address = location.href;
  let told = false;
  const all = { reportAllChanges: true };
  const whole = (name: string) => (metric: { value: number }) => void (found[name] = Math.round(metric.value));
  onLCP(whole("lcp_ms"), all);
  onINP(whole("inp_ms"), all);
  onFCP(whole("fcp_ms"), all);
  onTTFB(whole("ttfb_ms"), all);
  onCLS((metric) => void (found.cls = Math.round(metric.value * 1e4) / 1e4), all);
  on.push(() => {
    if (!told && Object.keys(found).length) put("web_vitals", found, { in: false, u: address });
    told = true;
  });
});
