/**
 * How targets are written:
 *
 *     targets:
 *       all:
 *         dc1-head: now
 *         dc2-head: { forward: all, after: 60m }
 *     relays:
 *       dc2-head:
 *         all: { "zone=dc2": now }
 *
 * and as deploy-in-stages had them in a targets.json of each machine (`disTargetsShape`):
 *
 *     { "doc": ["…"], "targets": { "all": { "dc1-head": null, "dc2-head": "all 60" } } }
 */
import {
  mapOr,
  mapped,
  object,
  parseDuration,
  parsed,
  record,
  text,
  type Placed,
  type Result,
  type Shape,
} from "@propagit/shapes";
import type { Target, TargetMember, Targets } from "./targets.js";

/** Longest wait, as the ancestor's users waited for days. */
const afterMsMax = 30 * 86_400_000;
const minuteMs = 60_000;

const targetName = {
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
  why: "cannot be a target's name: 1 to 63 letters, digits, `.`, `_` or `-`, beginning with a letter or digit",
  max: 1_000,
};
const memberName = {
  pattern: "^(?!__proto__$)\\S(?:.{0,998}\\S)?$",
  why: "cannot be a member: a drone's name, `*`, /a regular expression/, a target or a selector such as zone=b",
  max: 10_000,
};

const whenMs = parsed(
  "`now` or a duration such as 60m",
  { type: "string", description: "`now`, or a duration such as 60m" },
  ({ source }): Result<number> => {
    if (source === "now") return { ok: true, value: 0 };
    const result = parseDuration(source);
    if (!result.ok) return { ok: false, why: "is neither `now` nor a duration such as 60m" };
    return result.value <= afterMsMax ? result : { ok: false, why: "is longer than 30d" };
  },
);

const member: Shape<TargetMember> = mapped(
  mapOr(object({ after: whenMs, forward: text({ max: 63, pattern: targetName.pattern }) }), whenMs),
  (value): TargetMember =>
    typeof value === "number"
      ? { afterMs: value }
      : {
          afterMs: value.after ?? 0,
          ...(value.forward !== undefined && { forward: value.forward }),
        },
);

const target: Shape<Target> = mapped(record(memberName, member), placedMembers);

/** `targets:` of a configuration. */
export const targetsShape: Shape<Targets> = mapped(record(targetName, target), plainMap);

/** `relays:` of a configuration: what targets mean where drones hand on. */
export const relayTargetsShape: Shape<ReadonlyMap<string, Targets>> = mapped(
  record(targetName, targetsShape),
  plainMap,
);

/**
 * What stands after a host in deploy-in-stages' file: nothing or an empty text, or a target's name and minutes
 * in any order. `"all 60"`, `"60 all"`, `"30"`, 30, `"all"`.
 */
const disSpec: Shape<TargetMember> = {
  schema: {
    type: ["string", "number", "null"],
    description: "nothing, or the name of a target and minutes to wait, in any order",
  },
  read(node, where, problems) {
    if (node.kind !== "scalar") {
      problems.add(node.at, `\`${where}\` is not what deploy-in-stages has there: "all 60"`);
      return undefined;
    }
    const words = node.value === null ? [] : node.source.trim().split(/\s+/).filter(Boolean);
    const minutes = words.filter((word) => /^\d{1,5}$/.test(word));
    const names = words.filter((word) => !/^\d{1,5}$/.test(word));
    const [forward] = names;
    if (minutes.length > 1 || names.length > 1) {
      problems.add(node.at, `\`${where}\` says more than a target and minutes to wait`);
      return undefined;
    }
    const afterMs = Number(minutes[0] ?? 0) * minuteMs;
    return { afterMs, ...(forward !== undefined && { forward }) };
  },
};

/** A whole targets.json of deploy-in-stages; its `doc` is for people. */
export const disTargetsShape: Shape<Targets> = mapped(
  object(
    {
      doc: { schema: {}, read: () => true },
      targets: mapped(record(targetName, mapped(record(memberName, disSpec), placedMembers)), plainMap),
    },
    ["targets"],
  ),
  ({ targets }) => targets,
);

function plainMap<T>(values: ReadonlyMap<string, Placed<T>>): ReadonlyMap<string, T> {
  return new Map([...values].map(([name, { value }]) => [name, value]));
}

/** Each with its place, for what can be seen to be wrong only later. */
function placedMembers(members: ReadonlyMap<string, Placed<TargetMember>>): Target {
  return new Map([...members].map(([name, { value, at }]) => [name, { ...value, at }]));
}
