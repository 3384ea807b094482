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

/** Takes updates in their order; many at once cost little more than one. */
export function stepEndpoints(
  { endpoints, unconfirmed }: EndpointTable,
  updates: readonly EndpointUpdate[],
): EndpointTable {
  const draft = { endpoints: new Map(endpoints), unconfirmed: new Set(unconfirmed) };
  for (const update of updates) take(draft, update);
  if (draft.unconfirmed.size > 0) dropReplaced(draft);
  return draft;
}

interface Draft {
  readonly endpoints: Map<string, Endpoint>;
  readonly unconfirmed: Set<string>;
}

function take(draft: Draft, update: EndpointUpdate): void {
  switch (update.kind) {
    case "snapshot":
      if (update.settled) draft.endpoints.clear();
      draft.unconfirmed.clear();
      for (const id of draft.endpoints.keys()) draft.unconfirmed.add(id);
      for (const endpoint of update.endpoints) confirm(draft, endpoint);
      break;
    case "up":
      confirm(draft, update.endpoint);
      break;
    case "down":
      remove(draft, update.endpoint.id);
      break;
    case "settled":
      for (const id of draft.unconfirmed) remove(draft, id);
      break;
    default:
      update satisfies never;
  }
}

function confirm({ endpoints, unconfirmed }: Draft, endpoint: Endpoint): void {
  endpoints.set(endpoint.id, endpoint);
  unconfirmed.delete(endpoint.id);
}

function remove({ endpoints, unconfirmed }: Draft, id: string): void {
  endpoints.delete(id);
  unconfirmed.delete(id);
}

/** Two owners cannot hold one port: an old record whose port is another's now is not coming back. */
function dropReplaced(draft: Draft): void {
  const confirmed = [...draft.endpoints.values()].filter(({ id }) => !draft.unconfirmed.has(id));
  const taken = new Set(confirmed.map(({ host, port }) => `${host} ${port}`));
  for (const id of draft.unconfirmed) {
    const old = draft.endpoints.get(id);
    if (old && taken.has(`${old.host} ${old.port}`)) remove(draft, id);
  }
}
