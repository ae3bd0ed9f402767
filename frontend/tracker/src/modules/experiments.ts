// Module experiments: assay.variant("free_shipping"). The experiments that run come with the script, so the answer is
// there before the page is drawn. An exposure is told once per unit and run of the experiment.
import { assign, forcedBy, type Config, type Experiment } from "../assign";
import { part } from "../part";

interface Running extends Config {
  experiments: (Experiment & { run?: number })[];
}

part("experiments", (assay, { me, config: given, put, keep, safe }) => {
  const config = given as Running;
  const forced = forcedBy(location.search);

  const unitOf = (kind: string): string | undefined => (kind === "account" ? me.a : kind === "user" ? me.u || me.v : me.v);

  assay.variant = (name) => {
    let found: string | undefined;
    safe(() => {
      const one = config.experiments.filter((other) => other.name === name)[0];
      if (!one) return;
      const unit = unitOf(one.unit);
      // A look needs no unit; without one nobody is in a test.
      if (!unit && !forced[name]) return;
      const run = one.run + "|" + one.salt + "|";
      const before = me.x[name] || "";
      const kept = one.unit === "user" && before.indexOf(run) === 0 ? before.slice(before.lastIndexOf("|") + 1) : null;
      const made = assign(config, one, unit || "", forced, [kept]);
      if (made.variant === null || (!unit && made.reason !== "forced")) return;
      found = made.variant;
      const told = run + unit + "|" + found;
      if (made.reason === "forced" || before === told) return;
      me.x[name] = told;
      keep();
      const exposure = one.exposure;
      put(exposure.event, { [exposure.name]: exposure.value, [exposure.variant]: found }, { in: false });
    })();
    return found;
  };
});
