/**
 * What a file may say, written once: a shape reads located values, and tells editors the same as JSON
 * Schema.
 *
 * A shape never throws. It adds what is wrong to the problems and gives `undefined`, so that one run
 * finds everything.
 */
import { quote } from "@propagit/protocol";
import { isNull, shortFor, type Located, type LocatedScalar, type Offset } from "./located.js";
import { suggestion } from "./nearest.js";
import type { Problems } from "./problems.js";

export type JsonSchema = Readonly<Record<string, unknown>>;

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

export interface Shape<T> {
  readonly schema: JsonSchema;
  /** @param where the path to it, for messages: `services.web.health` */
  read(node: Located, where: string, problems: Problems): T | undefined;
  /** Its long form, when it was written in a short one. */
  expand?(node: Located): Located;
  /** For maps: what stands under a key, so that overrides can be laid over it. */
  child?(key: string): Shape<unknown> | undefined;
}

export type ValueOf<S> = S extends Shape<infer T> ? T : never;

/** A value and where it stands, for checks that need more than the value itself. */
export interface Placed<T> {
  readonly value: T;
  readonly at: Offset;
}

/** A scalar that a parser understands. `wanted` says in messages what it should be. */
export function parsed<T>(
  wanted: string,
  schema: JsonSchema,
  parse: (scalar: LocatedScalar) => Result<T>,
): Shape<T> {
  return {
    schema,
    read(node, where, problems) {
      if (node.kind !== "scalar" || isNull(node)) {
        problems.add(node.at, `${named(where)} is ${kindOf(node)}, not ${wanted}`);
        return undefined;
      }
      const result = parse(node);
      if (result.ok) return result.value;
      problems.add(node.at, `${named(where)} ${quote(node.source)} ${result.why}`);
      return undefined;
    },
  };
}

interface TextRules {
  readonly wanted?: string;
  readonly max: number;
  /** Anchored at both ends. */
  readonly pattern?: string;
  /** What a text that does not fit the pattern is not, and what fits: `is not …`. */
  readonly why?: string;
  readonly description?: string;
}

/** One line or more of text; numbers and the like count as what was written. */
export function text(rules: TextRules): Shape<string> {
  const { wanted = "text", max, pattern, why = `is not ${wanted}`, description } = rules;
  const expression = pattern === undefined ? undefined : new RegExp(pattern, "u");
  const schema = {
    type: "string",
    minLength: 1,
    maxLength: max,
    ...(pattern !== undefined && { pattern }),
    ...(description !== undefined && { description }),
  };
  return parsed(wanted, schema, ({ value, source }) => {
    if (typeof value !== "string") {
      return { ok: false, why: `is not text; put it in quotes: "${source.slice(0, 40)}"` };
    }
    if (value === "") return { ok: false, why: "is empty" };
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

export function whole(low: number, high: number): Shape<number> {
  const wanted = `a whole number from ${low} to ${high}`;
  const schema = { type: "integer", minimum: low, maximum: high };
  return parsed(wanted, schema, ({ value }) =>
    typeof value === "number" && Number.isInteger(value) && value >= low && value <= high
      ? { ok: true, value }
      : { ok: false, why: `is not ${wanted}` },
  );
}

export const yesNo: Shape<boolean> = parsed("true or false", { type: "boolean" }, ({ value }) =>
  typeof value === "boolean"
    ? { ok: true, value }
    : { ok: false, why: "is neither true nor false" },
);

/** One of a few words. */
export function choice<const V extends string>(...values: readonly V[]): Shape<V> {
  const wanted = `one of ${values.join(", ")}`;
  return parsed(wanted, { enum: [...values] }, ({ source }) => {
    const value = values.find((one) => one === source);
    if (value !== undefined) return { ok: true, value };
    return { ok: false, why: `is not ${wanted}${suggestion(source, values)}` };
  });
}

export function list<T>(item: Shape<T>, max: number): Shape<readonly T[]> {
  return {
    schema: { type: "array", items: item.schema, maxItems: max },
    read(node, where, problems) {
      if (node.kind !== "list") {
        problems.add(node.at, `${named(where)} is ${kindOf(node)}, not a list`);
        return undefined;
      }
      if (node.items.length > max) {
        problems.add(node.at, `${named(where)} has more than ${max} entries`);
        return undefined;
      }
      const values = node.items.map((one, index) => item.read(one, `${where}[${index}]`, problems));
      return allThere(values) ? values : undefined;
    },
  };
}

/** A list, or its only entry. */
export function oneOrMany<T>(item: Shape<T>, max: number): Shape<readonly T[]> {
  const many = list(item, max);
  return {
    schema: { anyOf: [item.schema, many.schema] },
    read(node, where, problems) {
      if (node.kind === "list") return many.read(node, where, problems);
      const value = item.read(node, where, problems);
      return value === undefined ? undefined : [value];
    },
  };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type Read<F extends Fields, Needed extends keyof F> = {
  readonly [K in Needed]: ValueOf<F[K]>;
} & { readonly [K in Exclude<keyof F, Needed>]?: ValueOf<F[K]> };

/** A map with just these keys. What is left out is absent; an empty value is a mistake. */
export function object<F extends Fields, Needed extends keyof F & string = never>(
  fields: F,
  needed: readonly Needed[] = [],
): Shape<Read<F, Needed>> {
  const known = new Map(Object.entries(fields));
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries([...known].map(([key, { schema }]) => [key, schema])),
      additionalProperties: false,
      ...(needed.length > 0 && { required: [...needed] }),
    },
    read(node, where, problems) {
      if (node.kind !== "map") {
        problems.add(node.at, `${named(where)} is ${kindOf(node)}, not a map`);
        return undefined;
      }
      const values: Record<string, unknown> = {};
      let isWhole = true;
      for (const [key, { keyAt, value, inside = where }] of node.entries) {
        const shape = known.get(key);
        const read = shape?.read(value, below(inside, key), problems);
        if (!shape) problems.add(keyAt, unknownKey(inside, key, known.keys()));
        if (read === undefined) isWhole = false;
        else values[key] = read;
      }
      for (const key of needed.filter((one) => !node.entries.has(one))) {
        problems.add(node.at, `${named(where)} has no \`${key}\``);
        isWhole = false;
      }
      return isWhole ? (values as Read<F, Needed>) : undefined;
    },
    child: (key) => known.get(key),
  };
}

/** A map with names of one kind and values of one kind. */
export function record<T>(
  name: { readonly pattern: string; readonly why: string; readonly max: number },
  value: Shape<T>,
): Shape<ReadonlyMap<string, Placed<T>>> {
  const expression = new RegExp(name.pattern, "u");
  return {
    schema: {
      type: "object",
      propertyNames: { pattern: name.pattern },
      additionalProperties: value.schema,
      maxProperties: name.max,
    },
    read(node, where, problems) {
      if (node.kind !== "map") {
        problems.add(node.at, `${named(where)} is ${kindOf(node)}, not a map`);
        return undefined;
      }
      if (node.entries.size > name.max) {
        problems.add(node.at, `${named(where)} has more than ${name.max} entries`);
        return undefined;
      }
      const values = new Map<string, Placed<T>>();
      for (const [key, entry] of node.entries) {
        const path = below(entry.inside ?? where, key);
        if (!expression.test(key)) problems.add(entry.keyAt, `${quote(key)} ${name.why}`);
        const read = value.read(entry.value, path, problems);
        if (read !== undefined) values.set(key, { value: read, at: entry.keyAt });
      }
      return values;
    },
    child: () => value,
  };
}

/** A shape that may also be written shorter: `short` says how, `expand` what that means. */
export function orShort<T>(
  long: Shape<T>,
  short: JsonSchema,
  expand: (node: Located) => Located,
): Shape<T> {
  return {
    ...long,
    schema: { anyOf: [short, long.schema] },
    read: (node, where, problems) => long.read(expand(node), where, problems),
    expand,
  };
}

/** As `orShort`, for a scalar or a list that stands for one key of the map. */
export function orJust<T>(long: Shape<T>, key: string): Shape<T> {
  const only = long.child?.(key)?.schema ?? {};
  return orShort(long, only, (node) =>
    node.kind === "map" || isNull(node) ? node : shortFor(key, node),
  );
}

/** Maps with `map`, everything else with `other`. Overrides replace it whole. */
export function mapOr<A, B>(map: Shape<A>, other: Shape<B>): Shape<A | B> {
  return {
    schema: { anyOf: [other.schema, map.schema] },
    read: (node, where, problems): A | B | undefined =>
      (node.kind === "map" ? map : other).read(node, where, problems),
  };
}

/** A shape whose value is made into another one. */
export function mapped<A, B>(
  shape: Shape<A>,
  change: (value: A, at: Offset, where: string, problems: Problems) => B | undefined,
): Shape<B> {
  return {
    ...shape,
    read(node, where, problems) {
      const value = shape.read(node, where, problems);
      return value === undefined ? undefined : change(value, node.at, where, problems);
    },
  };
}

export function placed<T>(shape: Shape<T>): Shape<Placed<T>> {
  return mapped(shape, (value, at) => ({ value, at }));
}

/** With words for editors. */
export function described<S extends Shape<unknown>>(description: string, shape: S): S {
  return { ...shape, schema: { ...shape.schema, description } };
}

function unknownKey(where: string, key: string, known: Iterable<string>): string {
  const place = where === "" ? "here" : `in \`${where}\``;
  return `${quote(key)} is not known ${place}${suggestion(key, known)}`;
}

function below(where: string, key: string): string {
  const name = key.length > 60 ? `${key.slice(0, 60)}…` : key;
  return where === "" ? name : `${where}.${name}`;
}

function named(where: string): string {
  return where === "" ? "it" : `\`${where}\``;
}

function kindOf(node: Located): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  if (node.value === null) return "empty";
  if (typeof node.value === "string") return "text";
  return typeof node.value === "number" ? "a number" : String(node.value);
}

function allThere<T>(values: readonly (T | undefined)[]): values is readonly T[] {
  return !values.includes(undefined);
}
