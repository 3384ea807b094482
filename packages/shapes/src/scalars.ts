/** Shapes of what is one word, number or line. */
import { quote, suggestion } from "@propagit/protocol";
import { isNull, type LocatedScalar } from "./located.js";
import { named, plainScalar, refuseKind } from "./shape.js";
import type { JsonSchema, Result, Shape } from "./shape.js";

/**
 * A scalar that a parser understands. `wanted` says in messages what it should be.
 *
 * @example
 * const even = parsed("an even number", { type: "integer", multipleOf: 2 }, ({ value }) =>
 *   typeof value === "number" && value % 2 === 0
 *     ? { ok: true, value }
 *     : { ok: false, why: "is not an even number" },
 * );
 */
export function parsed<T>(
  wanted: string,
  schema: JsonSchema,
  parse: (scalar: LocatedScalar) => Result<T>,
): Shape<T> {
  return {
    schema,
    read(node, where, problems) {
      if (node.kind !== "scalar" || isNull(node)) {
        return refuseKind(node, where, { wanted, problems });
      }
      const result = parse(node);
      if (result.ok) return result.value;
      problems.add(node.at, `${named(where)} ${quote(node.source)} ${result.why}`);
      return undefined;
    },
    plain: (node) => (node.kind === "scalar" ? plainScalar(schema, node) : undefined),
  };
}

export interface TextRules {
  /** What it is, for messages: `a folder`. */
  readonly wanted?: string;
  /** Characters at least. Default 1. */
  readonly min?: number;
  /** Characters at most. Default 1000. */
  readonly max?: number;
  /** Anchored at both ends. */
  readonly pattern?: string;
  /** What a text that does not fit the pattern is not, and what fits: `is not …`. */
  readonly why?: string;
  /** For editors. */
  readonly description?: string;
}

const textCharsMax = 1_000;

/**
 * One line or more of text. A number is none: `1.10` would be `1.1` to some and `1.10` to others, so it is
 * asked for in quotes.
 */
export function text(rules: TextRules = {}): Shape<string> {
  const { wanted = "text", min = 1, max = textCharsMax, pattern, description } = rules;
  const { why = `is not ${wanted}` } = rules;
  const expression = pattern === undefined ? undefined : new RegExp(pattern, "u");
  const schema = {
    type: "string",
    minLength: min,
    maxLength: max,
    ...(pattern !== undefined && { pattern }),
    ...(description !== undefined && { description }),
  };
  return parsed(wanted, schema, ({ value, source }) => {
    if (typeof value !== "string") {
      return { ok: false, why: `is not text; put it in quotes: "${source.slice(0, 40)}"` };
    }
    if (value.length < min) return { ok: false, why: value === "" ? "is empty" : "is too short" };
    if (value.length > max) return { ok: false, why: `is longer than ${max} characters` };
    if (value.includes("\0")) return { ok: false, why: "has a zero byte in it" };
    return expression && !expression.test(value) ? { ok: false, why } : { ok: true, value };
  });
}

/** The value of an environment variable: what is written, whether YAML takes it for a number or not. */
export function verbatim(max: number): Shape<string> {
  const schema = { type: ["string", "number", "boolean"], maxLength: max };
  return parsed("a value", schema, ({ source }) => {
    if (source.length > max) return { ok: false, why: `is longer than ${max} characters` };
    if (source.includes("\0")) return { ok: false, why: "has a zero byte in it" };
    return { ok: true, value: source };
  });
}

/** Both bounds belong to it. */
export function whole(low: number, high: number): Shape<number> {
  return bounded(`a whole number from ${low} to ${high}`, "integer", { low, high });
}

/** With a fraction or without; both bounds belong to it. */
export function number(low: number, high: number): Shape<number> {
  return bounded(`a number from ${low} to ${high}`, "number", { low, high });
}

function bounded(
  wanted: string,
  type: "integer" | "number",
  { low, high }: { readonly low: number; readonly high: number },
): Shape<number> {
  return parsed(wanted, { type, minimum: low, maximum: high }, ({ value }) => {
    const fits = typeof value === "number" && (type === "number" || Number.isInteger(value));
    return fits && value >= low && value <= high
      ? { ok: true, value }
      : { ok: false, why: `is not ${wanted}` };
  });
}

export const yesNo: Shape<boolean> = parsed("true or false", { type: "boolean" }, ({ value }) =>
  typeof value === "boolean"
    ? { ok: true, value }
    : { ok: false, why: "is neither true nor false" },
);

/** One of a few words; who mistypes one is told the nearest. */
export function choice<const V extends string>(...values: readonly V[]): Shape<V> {
  const wanted = `one of ${values.join(", ")}`;
  return parsed(wanted, { enum: [...values] }, ({ source }) => {
    const value = values.find((one) => one === source);
    if (value !== undefined) return { ok: true, value };
    return { ok: false, why: `is not ${wanted}${suggestion(source, values)}` };
  });
}
