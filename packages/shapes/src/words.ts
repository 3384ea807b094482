/** Shapes of small things that many documents have: times, sizes, percentages, commands. */
import { list } from "./collections.js";
import { parsed, text, verbatim } from "./scalars.js";
import type { Result, Shape } from "./shape.js";
import { durationPattern, parseDuration, parseSize, sizePattern } from "./units.js";

const weekMs = 7 * 86_400_000;

/**
 * `500ms`, `10s`, `1.5h`, `7d`; in milliseconds.
 *
 * @param maxMs default a week
 * @param lowMs default 0
 */
export function duration(maxMs = weekMs, lowMs = 0): Shape<number> {
  const schema = { type: "string", pattern: durationPattern };
  return parsed("a duration such as 10s", schema, ({ source }) => {
    const result = parseDuration(source);
    if (!result.ok) return result;
    if (result.value > maxMs) return { ok: false, why: `is longer than ${maxMs / 86_400_000}d` };
    return result.value < lowMs ? { ok: false, why: `is shorter than ${lowMs}ms` } : result;
  });
}

/** `512M`, `1.5G`, or a number of bytes; in bytes. */
export const size: Shape<number> = parsed(
  "a size such as 512M",
  { type: ["string", "integer"], pattern: sizePattern },
  ({ source }) => parseSize(source),
);

const percentPattern = /^(\d{1,3}(?:\.\d{1,3})?)\s?%?$/;

/** `20%` or 20; from 0 to 100. */
export const percent: Shape<number> = parsed(
  "a percentage",
  { type: ["string", "number"], pattern: percentPattern.source, minimum: 0, maximum: 100 },
  ({ source }): Result<number> => {
    const value = Number(percentPattern.exec(source)?.[1] ?? Number.NaN);
    if (value <= 100) return { ok: true, value };
    return { ok: false, why: "is not a percentage such as 20%" };
  },
);

const commandCharsMax = 16_384;
const shellLine = text({
  wanted: "a command",
  max: commandCharsMax,
  pattern: "\\S",
  why: "is blank",
});
const words = list(verbatim(commandCharsMax), 200);

/** Program and arguments: a string runs in a shell; a list is what it says. */
export const command: Shape<readonly string[]> = {
  schema: {
    anyOf: [
      { type: "string", minLength: 1, maxLength: commandCharsMax },
      {
        type: "array",
        items: { type: "string", maxLength: commandCharsMax },
        minItems: 1,
        maxItems: 200,
      },
    ],
    description: "A string is run by /bin/sh; a list is a program and its arguments.",
  },
  read(node, where, problems) {
    if (node.kind !== "list") {
      const line = shellLine.read(node, where, problems);
      return line === undefined ? undefined : ["/bin/sh", "-c", line];
    }
    if (node.items.length > 0) return words.read(node, where, problems);
    problems.add(node.at, `\`${where}\` is an empty list`);
    return undefined;
  },
  plain: (node) => (node.kind === "list" ? words.plain?.(node) : shellLine.plain?.(node)),
};
