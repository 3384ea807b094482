/**
 * Waves: which drones come together, and which before which.
 *
 *     drones ──canary first──> [one]
 *            └─the others, by──> zone | a label | parts of all of them | how many must stay up
 *
 * The order is always the same for the same drones: by name, and so are zones.
 */
import { groupsFor, inGroups } from "./min-up.js";

/** A drone as far as waves are concerned. */
export interface Waver {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface WaveRules {
  /** Name of the drone that goes alone, before all others. */
  readonly canary?: string;
  readonly by: WaveBy;
}

export type WaveBy =
  | { readonly kind: "once" }
  /** By their values; drones without the label come last. */
  | { readonly kind: "label"; readonly key: string }
  /** Of the drones beside the canary, how many have it then, rising: 5, 25, 100. The last one is 100. */
  | { readonly kind: "percent"; readonly steps: readonly number[] }
  /** At least so many are up at any time. */
  | { readonly kind: "min-up"; readonly minUp: number; readonly force: boolean };

export interface Wave<D> {
  /** Unique among them: `canary web-1`, `zone b`, `25%`, `3 of 4`. */
  readonly name: string;
  readonly drones: readonly D[];
}

export type Waves<D> =
  | { readonly kind: "waves"; readonly waves: readonly Wave<D>[] }
  | { readonly kind: "refused"; readonly why: string };

/** Every drone is in exactly one wave; no wave is empty. */
export function wavesOf<D extends Waver>(drones: readonly D[], rules: WaveRules): Waves<D> {
  const sorted = drones.toSorted((left, right) => compare(left.name, right.name));
  const canary = sorted.find(({ name }) => name === rules.canary);
  if (rules.canary !== undefined && !canary) {
    return { kind: "refused", why: `the canary ${rules.canary} is not among the drones` };
  }
  const others = wavesBy(
    sorted.filter((drone) => drone !== canary),
    rules.by,
  );
  if (others.kind === "refused" || !canary) return others;
  const first = { name: `canary ${canary.name}`, drones: [canary] };
  return { kind: "waves", waves: [first, ...others.waves] };
}

function wavesBy<D extends Waver>(drones: readonly D[], by: WaveBy): Waves<D> {
  switch (by.kind) {
    case "once":
      return waves([{ name: "all", drones }]);
    case "label":
      return waves(byLabel(drones, by));
    case "percent":
      return waves(byPercent(drones, by.steps));
    case "min-up":
      return byMinUp(drones, by);
    default:
      return by satisfies never;
  }
}

function byLabel<D extends Waver>(
  drones: readonly D[],
  { key }: Extract<WaveBy, { kind: "label" }>,
): readonly Wave<D>[] {
  const groups = new Map<string | undefined, D[]>();
  for (const drone of drones) {
    const value = Object.hasOwn(drone.labels, key) ? drone.labels[key] : undefined;
    const group = groups.get(value) ?? [];
    group.push(drone);
    groups.set(value, group);
  }
  const values = [...groups.keys()].filter((value) => value !== undefined);
  return [...values.toSorted(compare), undefined].map((value) => ({
    name: value === undefined ? `no ${key}` : `${key} ${value}`,
    drones: groups.get(value) ?? [],
  }));
}

/** Rounded up, so that the first wave has somebody. */
function byPercent<D>(drones: readonly D[], steps: readonly number[]): readonly Wave<D>[] {
  let from = 0;
  return steps.map((percent) => {
    const to = Math.max(from, Math.ceil((drones.length * percent) / 100));
    const wave = { name: `${percent}%`, drones: drones.slice(from, to) };
    from = to;
    return wave;
  });
}

function byMinUp<D extends Waver>(
  drones: readonly D[],
  { minUp, force }: Extract<WaveBy, { kind: "min-up" }>,
): Waves<D> {
  const grouping = groupsFor(drones.length, minUp, { force });
  if (grouping.kind === "impossible") return { kind: "refused", why: grouping.why };
  const groups = inGroups(drones, grouping.sizes);
  return waves(
    groups.map((group, index) => ({ name: `${index + 1} of ${groups.length}`, drones: group })),
  );
}

function waves<D>(all: readonly Wave<D>[]): Waves<D> {
  return { kind: "waves", waves: all.filter(({ drones }) => drones.length > 0) };
}

/** Made once: of 10,000 names that is several times as fast. */
const byNumber = new Intl.Collator("en", { numeric: true });

/** As numbers where both have one at the same place: web-2 before web-10. */
function compare(left: string, right: string): number {
  return byNumber.compare(left, right) || (left < right ? -1 : Number(left > right));
}
