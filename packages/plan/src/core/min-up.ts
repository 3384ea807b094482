/**
 * Groups of hosts that may be down together while at least M of N stay up.
 *
 *     N = 10, at least 7 up: 3 may be down, so ⌈10 / 3⌉ = 4 groups, evenly: 3 3 2 2
 *
 * The rule is deployerlib's, which made it explicit for every service: who does not say how many must stay up
 * finds out in production.
 */
import { assert } from "@propagit/protocol";

export type Grouping =
  | { readonly kind: "groups"; readonly sizes: readonly number[] }
  /** Nothing may be down: `force` takes them one by one. */
  | { readonly kind: "impossible"; readonly why: string };

/**
 * @param count N, how many there are
 * @param minUp M, how many must be up at any time
 */
export function groupsFor(count: number, minUp: number, { force = false } = {}): Grouping {
  assert(Number.isInteger(count) && count >= 0, "hosts are counted");
  assert(Number.isInteger(minUp) && minUp >= 0, "hosts that stay up are counted");
  if (count === 0) return { kind: "groups", sizes: [] };
  const downMax = count - minUp;
  if (downMax >= 1) return { kind: "groups", sizes: evenly(count, Math.ceil(count / downMax)) };
  if (force) return { kind: "groups", sizes: evenly(count, count) };
  return {
    kind: "impossible",
    why: `at least ${minUp} of ${count} must stay up, so none may be replaced`,
  };
}

/** @example inGroups(["a", "b", "c"], [2, 1]) is [["a", "b"], ["c"]] */
export function inGroups<T>(
  items: readonly T[],
  sizes: readonly number[],
): readonly (readonly T[])[] {
  let from = 0;
  return sizes.map((size) => items.slice(from, (from += size)));
}

/** The larger ones first. */
export function evenly(count: number, groups: number): readonly number[] {
  const least = Math.floor(count / groups);
  const larger = count % groups;
  return Array.from({ length: groups }, (_, index) => least + (index < larger ? 1 : 0));
}
