/** The table as `registry show` prints it: by commit, then by service. */
import type { Endpoint } from "@propagit/protocol";

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Commit → service → places; records without a commit are under `-`. */
export type ShownTable = Readonly<Record<string, Readonly<Record<string, readonly Place[]>>>>;

/** Where records without a commit are shown. */
const noCommit = "-";

/**
 * `{ commit: { service: [ { host, port } ] } }`, each level sorted (commit, service, host, port), so that
 * the same records always look the same; `-`, for records without a commit, comes first.
 *
 * @example
 * showTable([{ id: "a", service: "web", version: "1.0.0", host: "127.0.0.1", port: 8000, meta: {} }]);
 * // { "-": { web: [{ host: "127.0.0.1", port: 8000 }] } }
 */
export function showTable(endpoints: readonly Endpoint[]): ShownTable {
  const byCommit = groupBy(endpoints, ({ commit }) => commit ?? noCommit);
  return mapValues(byCommit, (group) =>
    mapValues(
      groupBy(group, ({ service }) => service),
      (members) => members.map(({ host, port }) => ({ host, port })).sort(comparePlaces),
    ),
  );
}

function groupBy(
  endpoints: readonly Endpoint[],
  keyOf: (endpoint: Endpoint) => string,
): Map<string, Endpoint[]> {
  const groups = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const key = keyOf(endpoint);
    const group = groups.get(key);
    if (group) group.push(endpoint);
    else groups.set(key, [endpoint]);
  }
  return groups;
}

function mapValues<T>(
  groups: Map<string, Endpoint[]>,
  change: (group: Endpoint[]) => T,
): Record<string, T> {
  const sorted = [...groups].sort(([left], [right]) => compare(left, right));
  return Object.fromEntries(sorted.map(([key, group]) => [key, change(group)]));
}

function comparePlaces(left: Place, right: Place): number {
  return compare(left.host, right.host) || left.port - right.port;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
