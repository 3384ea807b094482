/** Shapes of lists and maps. */
import { quote, suggestion } from "@propagit/protocol";
import type { Located, LocatedMap } from "./located.js";
import { below, named, plainOf, refuseKind } from "./shape.js";
import type { Placed, Shape, ValueOf } from "./shape.js";

/** @param max entries */
export function list<T>(item: Shape<T>, max: number): Shape<readonly T[]> {
  return {
    schema: { type: "array", items: item.schema, maxItems: max },
    read(node, where, problems) {
      if (node.kind !== "list") return refuseKind(node, where, { wanted: "a list", problems });
      if (node.items.length > max) {
        problems.add(node.at, `${named(where)} has more than ${max} entries`);
        return undefined;
      }
      const values = node.items.map((one, index) => item.read(one, `${where}[${index}]`, problems));
      return allThere(values) ? values : undefined;
    },
    plain: (node) => (node.kind === "list" ? node.items.map((one) => plainOf(item, one)) : []),
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
    plain: (node) => plainOf(node.kind === "list" ? many : item, node),
  };
}

type Fields = Readonly<Record<string, Shape<unknown>>>;
type HasDefault = { readonly fallback: Located };
type AlwaysThere<F extends Fields, Needed extends keyof F> = {
  [K in keyof F]: K extends Needed ? K : F[K] extends HasDefault ? K : never;
}[keyof F];
type Read<F extends Fields, Needed extends keyof F> = {
  readonly [K in AlwaysThere<F, Needed>]: ValueOf<F[K]>;
} & { readonly [K in Exclude<keyof F, AlwaysThere<F, Needed>>]?: ValueOf<F[K]> };

/**
 * A map with just these keys. What is left out has its default (`withDefault`) or is absent; an empty value
 * is a mistake.
 *
 * @param needed keys that must be there
 *
 * @example
 * const copy = object(
 *   { from: text(), to: text(), mode: choice("copy", "link"), overwrite: withDefault(yesNo, false) },
 *   ["from", "to"],
 * );
 * // ValueOf<typeof copy>: { from: string; to: string; overwrite: boolean; mode?: "copy" | "link" }
 */
export function object<F extends Fields, Needed extends keyof F & string = never>(
  fields: F,
  needed: readonly Needed[] = [],
): Shape<Read<F, Needed>> {
  const known = new Map(Object.entries(fields));
  const isNeeded = new Set<string>(needed);
  const defaults = [...known].flatMap(([key, { fallback }]) =>
    fallback && !isNeeded.has(key) ? [{ key, fallback }] : [],
  );
  const keys = [...known.keys()];
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries([...known].map(([key, { schema }]) => [key, schema])),
      additionalProperties: false,
      ...(needed.length > 0 && { required: [...needed] }),
    },
    read(node, where, problems) {
      if (node.kind !== "map") return refuseKind(node, where, { wanted: "a map", problems });
      const values: Record<string, unknown> = {};
      let isWhole = true;
      for (const [key, { keyAt, value, inside = where }] of node.entries) {
        const shape = known.get(key);
        const read = shape?.read(value, below(inside, key), problems);
        if (!shape) problems.add(keyAt, unknownKey(inside, key, keys));
        if (read === undefined) isWhole = false;
        else values[key] = read;
      }
      for (const key of needed.filter((one) => !node.entries.has(one))) {
        problems.add(node.at, `${named(where)} has no \`${key}\``);
        isWhole = false;
      }
      for (const { key, fallback } of defaults) {
        if (!node.entries.has(key)) values[key] = known.get(key)?.read(fallback, key, problems);
      }
      return isWhole ? (values as Read<F, Needed>) : undefined;
    },
    plain(node) {
      const absent = defaults.filter(({ key }) => node.kind === "map" && !node.entries.has(key));
      return Object.fromEntries([
        ...plainEntries(node, (key) => known.get(key)),
        ...absent.map(({ key, fallback }) => [key, plainAt(known.get(key), fallback)] as const),
      ]);
    },
    child: (key) => known.get(key),
    keys,
  };
}

/** What names of a `record` are like. */
export interface NameRules {
  /** Anchored at both ends. */
  readonly pattern: string;
  /** What a name that does not fit it is not, and what fits: `is not …`. */
  readonly why: string;
  /** How many there may be. */
  readonly max: number;
}

/** A map with names of one kind and values of one kind. */
export function record<T>(name: NameRules, value: Shape<T>): Shape<ReadonlyMap<string, Placed<T>>> {
  const expression = new RegExp(name.pattern, "u");
  return {
    schema: {
      type: "object",
      propertyNames: { pattern: name.pattern },
      additionalProperties: value.schema,
      maxProperties: name.max,
    },
    read(node, where, problems) {
      if (node.kind !== "map") return refuseKind(node, where, { wanted: "a map", problems });
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
    plain: (node) => Object.fromEntries(plainEntries(node, () => value)),
    child: () => value,
  };
}

type Maps = Readonly<Record<string, Shape<unknown>>>;

/** Which of the maps it was, and what that one read. */
export type Variant<M extends Maps> = {
  [K in keyof M & string]: { readonly kind: K; readonly value: ValueOf<M[K]> };
}[keyof M & string];

/**
 * One of several maps; each is known by the key that gives it its name, which only it has.
 *
 * @example
 * const looksUp = variants({
 *   http: object({ http: text(), status: withDefault(whole(100, 599), 200) }, ["http"]),
 *   port: object({ port: whole(1, 65_535) }, ["port"]),
 * });
 */
export function variants<M extends Maps>(maps: M): Shape<Variant<M>> {
  const kinds = Object.keys(maps);
  const kindsOf = (node: LocatedMap) => kinds.filter((kind) => node.entries.has(kind));
  return {
    schema: { anyOf: Object.values(maps).map(({ schema }) => schema) },
    read(node, where, problems) {
      if (node.kind !== "map") return refuseKind(node, where, { wanted: "a map", problems });
      const [kind, other] = kindsOf(node);
      if (kind === undefined || other !== undefined) {
        const why =
          kind === undefined ? noVariant(node, kinds) : `has both \`${kind}\` and \`${other}\``;
        problems.add(node.at, `${named(where)} ${why}`);
        return undefined;
      }
      const value = maps[kind]?.read(node, where, problems);
      return value === undefined ? undefined : ({ kind, value } as Variant<M>);
    },
    plain(node) {
      const [kind = ""] = node.kind === "map" ? kindsOf(node) : [];
      return plainAt(maps[kind], node);
    },
  };
}

function noVariant(node: LocatedMap, kinds: readonly string[]): string {
  const near = [...node.entries.keys()].map((key) => suggestion(key, kinds));
  const names = kinds.map((kind) => `\`${kind}\``).join(", ");
  return `has none of ${names}${near.find((one) => one !== "") ?? ""}`;
}

/** What is told of a key that is not among the known ones. */
export function unknownKey(where: string, key: string, known: Iterable<string>): string {
  const place = where === "" ? "here" : `in \`${where}\``;
  return `${quote(key)} is not known ${place}${suggestion(key, known)}`;
}

function plainEntries(
  node: Located,
  shapeOf: (key: string) => Shape<unknown> | undefined,
): (readonly [string, unknown])[] {
  if (node.kind !== "map") return [];
  return [...node.entries].map(([key, { value }]) => [key, plainAt(shapeOf(key), value)] as const);
}

function plainAt(shape: Shape<unknown> | undefined, node: Located): unknown {
  return shape && plainOf(shape, node);
}

function allThere<T>(values: readonly (T | undefined)[]): values is readonly T[] {
  return !values.includes(undefined);
}
