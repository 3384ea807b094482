/**
 * What a document may say, written once: a shape reads located values, tells editors the same as JSON
 * Schema, and gives what was written back as plain JSON with every default in it.
 *
 *     text ── readYaml, readJson ──> Located ── shape.read ───> value, or problems with their places
 *                                       └───── plainOf ───────> JSON that reads as the same value
 *
 * A shape never throws. It adds what is wrong to the problems and gives `undefined`, so that one run
 * finds everything.
 */
import { isNull, type Located, type LocatedScalar, type Offset } from "./located.js";
import type { Problems } from "./problems.js";

export type JsonSchema = Readonly<Record<string, unknown>>;

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

export interface Shape<T> {
  readonly schema: JsonSchema;
  /** @param where the path to it, for messages: `services.web.health` */
  read(node: Located, where: string, problems: Problems): T | undefined;
  /** See `plainOf`; absent: as it stands. Only asked for what was read without a problem. */
  plain?(node: Located): unknown;
  /** Its long form, when it was written in a short one. */
  expand?(node: Located): Located;
  /** For maps: what stands under a key, so that another map can be laid over it. */
  child?(key: string): Shape<unknown> | undefined;
  /** For maps with just these keys. */
  readonly keys?: readonly string[];
  /** What holds in an `object` that does not have it, as it would be written. */
  readonly fallback?: Located;
}

/**
 * What a shape reads.
 *
 * @example
 * import { object, whole, withDefault, yesNo, type ValueOf } from "@propagit/shapes";
 * const port = object({ number: whole(1, 65_535), tls: withDefault(yesNo, false) }, ["number"]);
 * const written: ValueOf<typeof port> = { number: 443, tls: true };
 */
export type ValueOf<S> = S extends Shape<infer T> ? T : never;

/** A value and where it stands, for checks that need more than the value itself. */
export interface Placed<T> {
  readonly value: T;
  readonly at: Offset;
}

/**
 * What stands there as plain JSON, with every default that its shape has: the same shape reads it as the
 * same value, today and when the defaults have changed.
 */
export function plainOf(shape: Shape<unknown>, node: Located): unknown {
  return shape.plain ? shape.plain(node) : asWritten(node);
}

function asWritten(node: Located): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(asWritten);
    case "map":
      return Object.fromEntries(
        [...node.entries].map(([key, { value }]) => [key, asWritten(value)]),
      );
    default:
      return node satisfies never;
  }
}

/**
 * A scalar as JSON says it: `1.10` and `0x10` stay as they were written where texts are taken, as JSON's
 * numbers would be others to whoever reads the letters.
 */
export function plainScalar(schema: JsonSchema, { value, source }: LocatedScalar): unknown {
  return String(value) === source || !takesText(schema) ? value : source;
}

function takesText({ type, enum: words }: JsonSchema): boolean {
  if (Array.isArray(words)) return words.some((word) => typeof word === "string");
  return type === "string" || (Array.isArray(type) && type.includes("string"));
}

/** The path of an entry, for messages. */
export function below(where: string, key: string): string {
  const name = key.length > 60 ? `${key.slice(0, 60)}…` : key;
  return where === "" ? name : `${where}.${name}`;
}

/** How messages call what is at a path. */
export function named(where: string): string {
  return where === "" ? "it" : `\`${where}\``;
}

/** What stands there, for messages that wanted something else. */
export function kindOf(node: Located): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  if (isNull(node)) return "empty";
  if (typeof node.value === "string") return "text";
  return typeof node.value === "number" ? "a number" : String(node.value);
}

/** Tells that something else is wanted there; gives what a shape gives then. */
export function refuseKind(
  node: Located,
  where: string,
  { wanted, problems }: { readonly wanted: string; readonly problems: Problems },
): undefined {
  problems.add(node.at, `${named(where)} is ${kindOf(node)}, not ${wanted}`);
  return undefined;
}
