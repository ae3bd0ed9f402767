// Who sees which variant: the same rule as src/assay/assign, checked by tests/data/assign-vectors.json.

export interface Variant {
  name: string;
  upto: number;
}

export interface Experiment {
  name: string;
  unit: string;
  layer: boolean;
  room: { salt: string; ranges: [number, number][] };
  salt: string;
  variants: Variant[];
  exposure: { event: string; name: string; variant: string; value: string };
}

export interface Config {
  version: number;
  holdout: { salt: string; share: number } | null;
  experiments: Experiment[];
}

export interface Assignment {
  variant: string | null;
  reason: "forced" | "sticky" | "holdout" | "layer" | "traffic" | "weights";
  bucket: number | null;
}

export type Forced = Record<string, string>;

const has = (forced: Forced, name: string): boolean => Object.prototype.hasOwnProperty.call(forced, name);
const rotated = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
const scrambled = (k: number): number => Math.imul(rotated(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);

/** MurmurHash3_x86_32. */
export function murmur3(data: Uint8Array, seed = 0): number {
  const length = data.length;
  let h = seed;
  let k = 0;
  for (let at = 0; at < length; at++) {
    k |= data[at]! << (8 * (at & 3));
    if ((at & 3) === 3) {
      h = (Math.imul(rotated(h ^ scrambled(k), 13), 5) + 0xe6546b64) | 0;
      k = 0;
    }
  }
  h ^= scrambled(k) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The unit's place in [0, 1) under a salt. */
export function bucket(salt: string, unit: string): number {
  return murmur3(new TextEncoder().encode(salt + ":" + unit)) / 4294967296;
}

/** The variant of a unit; `previous`: the variants that its visitors had before it was identified, in order of time. */
export function assign(
  config: Config,
  experiment: Experiment,
  unit: string,
  forced: Forced = {},
  previous: (string | null)[] = [],
): Assignment {
  const arms = experiment.variants.map((one) => one.name);
  const name = experiment.name;
  if (has(forced, name) && arms.includes(forced[name]!)) {
    return { variant: forced[name]!, reason: "forced", bucket: null };
  }
  const kept = previous.find((one) => one !== null && arms.includes(one));
  if (kept != null) return { variant: kept, reason: "sticky", bucket: null };
  if (config.holdout) {
    const held = bucket(config.holdout.salt, unit);
    if (held < config.holdout.share) return { variant: null, reason: "holdout", bucket: held };
  }
  const place = bucket(experiment.room.salt, unit);
  if (!experiment.room.ranges.some(([low, high]) => low <= place && place < high)) {
    return { variant: null, reason: experiment.layer ? "layer" : "traffic", bucket: place };
  }
  const at = bucket(experiment.salt, unit);
  return { variant: experiment.variants.find((one) => at < one.upto)!.name, reason: "weights", bucket: at };
}

/** `?assay_variant=name:variant` of an address; the parameter may come again. */
export function forcedBy(query: string): Forced {
  const made: Forced = {};
  for (const value of new URLSearchParams(query).getAll("assay_variant")) {
    const colon = value.indexOf(":");
    if (colon > 0 && colon < value.length - 1) made[value.slice(0, colon)] = value.slice(colon + 1);
  }
  return made;
}
