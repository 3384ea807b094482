/** In which order drones get a release, and how much of a service stays up meanwhile: `waves`, `minUp`. */
import {
  isRising,
  minUpOf,
  parseDroneName,
  parseWaveLabel,
  parseWavePercent,
  type MinUp,
  type Service,
  type WaveRulesSaid,
} from "@propagit/protocol";
import {
  described,
  duration,
  mapped,
  object,
  oneOrMany,
  orJust,
  parsed,
  type Result,
  type Shape,
} from "@propagit/shapes";

type WaveBy = NonNullable<WaveRulesSaid["by"]>;

/** One word of `by`: what kind of waves, or a part of the drones. */
const word: Shape<WaveBy | number> = parsed(
  "zone, label:KEY or a percentage",
  {
    anyOf: [
      { type: "string", pattern: "^(?:zone|label:[A-Za-z0-9][A-Za-z0-9._-]{0,62}|\\d{1,3} ?%?)$" },
      { type: "integer", minimum: 1, maximum: 100 },
    ],
  },
  ({ source }): Result<WaveBy | number> => {
    const value = parseWaveLabel(source) ?? parseWavePercent(source);
    if (value !== undefined) return { ok: true, value };
    const why =
      "does not say which drones come together: `zone`, `label:KEY`, or parts such as 25%";
    return { ok: false, why };
  },
);

const by: Shape<WaveBy> = mapped(oneOrMany(word, 50), (words, at, where, problems) => {
  const [first] = words;
  if (words.length === 1 && typeof first === "object") return first;
  const steps = words.filter((one) => typeof one === "number");
  if (steps.length < words.length) {
    problems.add(at, `\`${where}\` is one of \`zone\`, \`label:KEY\`, and a list of percentages`);
    return undefined;
  }
  if (isRising(steps) && steps.length > 0) return { kind: "percent", steps: [...steps] };
  problems.add(at, `\`${where}\`: the percentages do not rise`);
  return undefined;
});

const droneName: Shape<string> = parsed("a drone's name", { type: "string" }, ({ source }) => {
  try {
    return { ok: true, value: parseDroneName(source) };
  } catch {
    return { ok: false, why: "cannot be the name of a drone" };
  }
});

export const wavesShape: Shape<WaveRulesSaid> = mapped(
  orJust(
    object({
      by: described("zone, label:KEY, or parts of all drones: [10%, 50%, 100%] (all at once).", by),
      canary: described("Name of the drone that goes alone, before all others.", droneName),
      after: described("Time between the end of a wave and the next one (0s).", duration()),
    }),
    "by",
  ),
  ({ by: said, canary, after }, at, where, problems): WaveRulesSaid | undefined => {
    if (said === undefined && canary === undefined) {
      problems.add(at, `\`${where}\` says neither \`by\` nor \`canary\``);
      return undefined;
    }
    return {
      ...(said && { by: said }),
      ...(canary !== undefined && { canary }),
      ...(after !== undefined && { afterMs: after }),
    };
  },
);

export const minUpShape: Shape<MinUp> = parsed(
  "a number of instances or a percentage",
  {
    anyOf: [
      { type: "integer", minimum: 0, maximum: 1_000 },
      { type: "string", pattern: "^\\d{1,2} ?%$" },
    ],
  },
  ({ source }): Result<MinUp> => {
    const match = /^(\d{1,4})( ?%)?$/.exec(source);
    const value = Number(match?.[1]);
    if (!match || (match[2] === undefined && value > 1_000)) {
      return { ok: false, why: "is not a number of instances, or a percentage such as 75%" };
    }
    if (match[2] === undefined) return { ok: true, value: { instances: value } };
    if (value < 100) return { ok: true, value: { percent: value } };
    return { ok: false, why: "leaves none that may be replaced; at most 99% can stay up" };
  },
);

/** Why so many can never stay up, however many drones there are; undefined when that depends on them. */
export function whyNeverUp(minUp: MinUp, { count, per }: Service["instances"]): string | undefined {
  if (per === "drone" || count === 0 || minUpOf(minUp, count) < count) return undefined;
  return `keeps ${minUpOf(minUp, count)} of ${count} instances up, so none may ever be replaced`;
}
