/**
 * The endpoints as the registry tells of them. Silence is never emptiness: what was known stays until the
 * registry says that it is gone.
 *
 *     known before      snapshot (not settled)      settled
 *     A B C       -->   A B confirmed, C kept  -->  C dropped, nobody came back for it
 */
import type { Endpoint, EndpointUpdate } from "@propagit/protocol";

export interface EndpointTable {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Ids of records that nobody has confirmed since the registry or this proxy was restarted. */
  readonly unconfirmed: ReadonlySet<string>;
}

export const noEndpoints: EndpointTable = { endpoints: new Map(), unconfirmed: new Set() };

/** A table of earlier knowledge: kept, but to be confirmed. */
export function rememberedTable(endpoints: readonly Endpoint[]): EndpointTable {
  const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
  return { endpoints: byId, unconfirmed: new Set(byId.keys()) };
}

export function stepEndpoints(table: EndpointTable, update: EndpointUpdate): EndpointTable {
  switch (update.kind) {
    case "snapshot":
      return takeSnapshot(table, update.endpoints, update.settled);
    case "up":
      return confirm(table.endpoints, table.unconfirmed, [update.endpoint]);
    case "down":
      return without(table, [update.endpoint.id]);
    case "settled":
      return without(table, table.unconfirmed);
    default:
      return update satisfies never;
  }
}

function takeSnapshot(
  table: EndpointTable,
  endpoints: readonly Endpoint[],
  settled: boolean,
): EndpointTable {
  if (settled) return confirm(new Map(), new Set(), endpoints);
  return confirm(table.endpoints, new Set(table.endpoints.keys()), endpoints);
}

function confirm(
  known: ReadonlyMap<string, Endpoint>,
  wasUnconfirmed: ReadonlySet<string>,
  confirmed: readonly Endpoint[],
): EndpointTable {
  const endpoints = new Map(known);
  const unconfirmed = new Set(wasUnconfirmed);
  for (const endpoint of confirmed) {
    endpoints.set(endpoint.id, endpoint);
    unconfirmed.delete(endpoint.id);
  }
  const taken = new Set(confirmed.map(({ host, port }) => `${host} ${port}`));
  // Two records cannot hold one port: an old one under another id is not coming back.
  for (const id of unconfirmed) {
    const old = endpoints.get(id);
    if (old && !taken.has(`${old.host} ${old.port}`)) continue;
    endpoints.delete(id);
    unconfirmed.delete(id);
  }
  return { endpoints, unconfirmed };
}

function without(table: EndpointTable, ids: Iterable<string>): EndpointTable {
  const endpoints = new Map(table.endpoints);
  const unconfirmed = new Set(table.unconfirmed);
  for (const id of ids) {
    endpoints.delete(id);
    unconfirmed.delete(id);
  }
  return { endpoints, unconfirmed };
}
