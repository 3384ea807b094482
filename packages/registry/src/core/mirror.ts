/** A watcher's copy of the registry's table, made of nothing but the updates. */
import type { Endpoint, EndpointUpdate, Position } from "@propagit/protocol";

export interface Mirror {
  readonly at: Position | undefined;
  /** False while the registry waits for owners: what is missing may still come. */
  readonly isSettled: boolean;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export const emptyMirror: Mirror = { at: undefined, isSettled: false, endpoints: new Map() };

export function mirror(before: Mirror, update: EndpointUpdate): Mirror {
  const { at } = update;
  switch (update.kind) {
    case "snapshot": {
      const endpoints = new Map(update.endpoints.map((endpoint) => [endpoint.id, endpoint]));
      return { at, isSettled: update.settled, endpoints };
    }
    case "up": {
      const endpoints = new Map(before.endpoints).set(update.endpoint.id, update.endpoint);
      return { ...before, at, endpoints };
    }
    case "down": {
      const endpoints = new Map(before.endpoints);
      endpoints.delete(update.endpoint.id);
      return { ...before, at, endpoints };
    }
    case "settled":
      return { ...before, at, isSettled: true };
    default:
      return update satisfies never;
  }
}
