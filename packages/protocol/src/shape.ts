/**
 * Checks of foreign values against a schema: the value, or the first reason it is wrong.
 *
 * Of typebox only the schemas' own checks and, by names and not through its `Type`, what makes schemas: the
 * rest of it, not to be shaken off otherwise, makes each daemon 3 MB larger.
 */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { Check, Compile, Errors, type Validator } from "typebox/schema";

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Of the place of a mistake, as names in it may be foreign and long. */
const pathCharsMax = 200;

/** Schemas of what may hold thousands of items, with their checks once they are made. */
const large = new Map<TSchema, Validator | undefined>();

/**
 * Says that values of a schema may be large: their check is compiled at its first use, which takes some
 * 10 ms, and checks 10,000 routes in 20 ms instead of 250 (measured).
 */
export function forLargeValues<S extends TSchema>(schema: S): S {
  large.set(schema, undefined);
  return schema;
}

export function check<S extends TSchema>(schema: S, value: unknown): Checked<Static<S>> {
  if (isValid(schema, value)) return { ok: true, value: value as Static<S> };
  const [, [first]] = Errors(schema, value);
  const path = (first?.instancePath ?? "").slice(1, 1 + pathCharsMax).replaceAll("/", ".");
  const where = path && `${path} `;
  // The schema's own words for a property that nobody asked for are "schema is false".
  const message = first?.keyword === "boolean" ? "is not known here" : first?.message;
  return { ok: false, reason: `${where}${message ?? "is not of the expected shape"}` };
}

function isValid(schema: TSchema, value: unknown): boolean {
  if (!large.has(schema)) return Check(schema, value);
  const validator = large.get(schema) ?? Compile(schema);
  large.set(schema, validator);
  return validator.Check(value);
}

/** JSON text to a value, or undefined; `JSON.parse` never lets a prototype through as own state. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const strict = { additionalProperties: false } as const;

/** An object with just these properties. */
export const exact = <P extends Record<string, TSchema>>(properties: P) =>
  Type.Object(properties, strict);
/** A text of at most `max` characters. */
export const text = (max: number) => Type.String({ maxLength: max });
export const list = <S extends TSchema>(item: S, max: number) =>
  Type.Array(item, { maxItems: max });
export const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** 7 days at most. */
export const milliseconds = Type.Integer({ minimum: 0, maximum: 7 * 86_400_000 });
export const port = Type.Integer({ minimum: 1, maximum: 65535 });
export const commit = Type.String({ pattern: "^(?:[0-9a-f]{40}|[0-9a-f]{64})$" });
export const name = Type.String({ minLength: 1, maxLength: 63 });
export const oneOf = <const V extends readonly string[]>(...values: V) =>
  Type.Unsafe<V[number]>({ type: "string", enum: [...values] });
