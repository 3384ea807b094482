/** What a file says, as plain values that remember where they stand. */

/** Offset of a value's first character in its text. */
export type Offset = number;

export interface LocatedScalar {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** As written, without quotes: `1.10` stays `1.10`. */
  readonly source: string;
  readonly at: Offset;
}

export interface LocatedList {
  readonly kind: "list";
  readonly items: readonly Located[];
  readonly at: Offset;
}

export interface LocatedEntry {
  readonly keyAt: Offset;
  readonly value: Located;
  /** The path of the map in which it was written, when that was laid over another one. */
  readonly inside?: string;
}

export interface LocatedMap {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, LocatedEntry>;
  readonly at: Offset;
}

export type Located = LocatedScalar | LocatedList | LocatedMap;

export function mapAt(at: Offset, entries: Iterable<readonly [string, LocatedEntry]>): LocatedMap {
  return { kind: "map", entries: new Map(entries), at };
}

/** A map with one entry that stands where its value stands: what a short form means. */
export function shortFor(key: string, value: Located): LocatedMap {
  return mapAt(value.at, [[key, { keyAt: value.at, value }]]);
}

export function isNull(node: Located): boolean {
  return node.kind === "scalar" && node.value === null;
}
