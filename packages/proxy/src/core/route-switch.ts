/**
 * What a route was before it changed. The hub says who gets visitors, the registry where they listen, and
 * nobody says which of the two is heard first: until the first endpoint of the new shares is known, visitors
 * go where they went before, so that a switch loses nobody.
 *
 *     book: all to B      registry: B listens
 *     |<-- still to A -->|<-- to B
 */
import type { RouteBook, Share } from "@propagit/protocol";
import { placeKey } from "./route-table.js";

interface Former {
  readonly shares: readonly Share[];
  /** Monotonic, in ms: longer nobody waits, since then the new one is simply not there. */
  readonly until: number;
}

/** By environment of a repository; the last ones first. */
export type FormerShares = ReadonlyMap<string, readonly Former[]>;

/** A guess: many times what a record takes from the registry to here. */
const formerMs = 5_000;
/** Changes in a row that are remembered. */
const formerMax = 3;

export function switchRoutes(
  former: FormerShares,
  before: RouteBook | undefined,
  after: RouteBook,
  now: number,
): FormerShares {
  const sharesBefore = new Map(before?.routes.map((route) => [placeKey(route), route.shares]));
  const kept = new Map<string, readonly Former[]>();
  for (const route of after.routes) {
    const key = placeKey(route);
    const left = (former.get(key) ?? []).filter(({ until }) => until > now);
    const shares = sharesBefore.get(key);
    const isNew = shares !== undefined && !isSame(shares, route.shares);
    const all = isNew ? [{ shares, until: now + formerMs }, ...left] : left;
    if (all.length > 0) kept.set(key, all.slice(0, formerMax));
  }
  return kept;
}

function isSame(left: readonly Share[], right: readonly Share[]): boolean {
  return (
    left.length === right.length &&
    left.every(
      ({ commit, deployment }, at) =>
        right[at]?.commit === commit && right[at]?.deployment === deployment,
    )
  );
}
