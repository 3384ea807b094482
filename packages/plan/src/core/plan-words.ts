/** Shapes of the small things that a plan is made of. */
import {
  parseCommitHash,
  parseDroneName,
  parseRepoName,
  parseServiceName,
  toPropagitError,
} from "@propagit/protocol";
import { duration, list, mapped, named, parsed, text, whole } from "@propagit/shapes";
import type { Result, Shape } from "@propagit/shapes";
import { tasksMax } from "./plan-limits.js";

const dayMs = 86_400_000;

/** One line that says what something is. */
export const title = text({
  wanted: "a name",
  max: 200,
  pattern: "^[^\\n\\r]*\\S[^\\n\\r]*$",
  why: "is not a name: one line that is not blank",
});

export const droneName = checked("a drone's name", 63, parseDroneName);
export const repoName = checked("a repository's name", 54, parseRepoName);
export const serviceName = checked("a service's name", 63, parseServiceName);
export const commitHash = checked("a full commit hash", 64, parseCommitHash);
export const environmentName = text({
  wanted: "an environment's name",
  max: 30,
  pattern: "^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$",
});

/** As names of commands are, so that a word can be either. */
export const tag = text({
  wanted: "a tag",
  max: 63,
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
  why: "is no tag: letters, digits, `.`, `_` and `-`",
});

/** As ssh takes it. It becomes a word of a command line, so it never looks like one of its options. */
export const hostName = text({
  wanted: "a host such as deploy@fe001",
  max: 320,
  pattern: "^(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9_:][A-Za-z0-9._:%-]*$",
});

/** Longest wait that a plan can ask for: a quarter. */
export const wait = (lowMs = 0): Shape<number> => duration(92 * dayMs, lowMs);

/** How many of the lines of a stage: a number, or a part of them. */
export type Share = { readonly count: number } | { readonly percent: number };

const sharePattern = "^(?:\\d{1,6}|\\d{1,3}(?:\\.\\d{1,3})?%)$";

/** `3`, or `25%` of the stage's lines. */
export function share(low: 0 | 1): Shape<Share> {
  const wanted = `a number from ${low}, or a percentage such as 25%`;
  const schema = {
    anyOf: [
      { type: "integer", minimum: low, maximum: tasksMax },
      { type: "string", pattern: sharePattern },
    ],
  };
  return parsed(wanted, schema, ({ source }): Result<Share> => {
    const number = Number.parseFloat(source);
    const isPercent = source.endsWith("%");
    const fits = new RegExp(sharePattern).test(source) && number >= (isPercent ? low / 1_000 : low);
    if (!fits || number > (isPercent ? 100 : tasksMax))
      return { ok: false, why: `is not ${wanted}` };
    return { ok: true, value: isPercent ? { percent: number } : { count: number } };
  });
}

/** Each attempt waits for its number cubed, in minutes, as deploy-in-stages had it: 1, 8, 27, 64. */
export function cubedDelaysMs(attempts: number): readonly number[] {
  return Array.from({ length: attempts }, (_, index) => (index + 1) ** 3 * 60_000);
}

/** The tenth attempt waits for 17 hours. */
export const attemptsMax = 10;
const attempts = mapped(whole(0, attemptsMax), cubedDelaysMs);
const delays = list(wait(), 20);

/** How often, with growing delays; or the delay before each further attempt. In ms. */
export const retries: Shape<readonly number[]> = {
  schema: { anyOf: [attempts.schema, delays.schema] },
  read: (node, where, problems) =>
    (node.kind === "list" ? delays : attempts).read(node, where, problems),
};

/** A text that the parser of such names takes, in the words of its error. */
function checked<T extends string>(
  wanted: string,
  max: number,
  parse: (value: string) => T,
): Shape<T> {
  return mapped(text({ wanted, max }), (value, at, where, problems) => {
    try {
      return parse(value);
    } catch (thrown) {
      const { message, hint } = toPropagitError(thrown);
      problems.add(at, `${named(where)}: ${message}; ${hint}`);
      return undefined;
    }
  });
}
