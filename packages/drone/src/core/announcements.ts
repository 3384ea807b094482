/**
 * Which records the apps made themselves, as the watch on the registry tells it.
 *
 * A record that outlives its process (a crash frees nothing, its lease must end first) is no sign that
 * the next process is up: it counts again only when it is announced again.
 */
import { processMetaKey, type Endpoint, type EndpointUpdate } from "@propagit/protocol";

interface Known {
  readonly endpoint: Endpoint;
  /** Left over from a process that ended. */
  readonly isStale: boolean;
  /** A registry that just restarted has not heard of it again yet. */
  readonly isDoubtful: boolean;
}

/** By record id. */
export type Announcements = ReadonlyMap<string, Known>;

export const noAnnouncements: Announcements = new Map();

/** @param isOwn whether the drone made a record, in this life or an earlier one */
export function applyUpdate(
  known: Announcements,
  update: EndpointUpdate,
  isOwn: (endpoint: Endpoint) => boolean,
): Announcements {
  switch (update.kind) {
    case "snapshot":
      return applySnapshot(known, update, isOwn);
    case "up": {
      const { endpoint } = update;
      if (isOwn(endpoint) || processOf(endpoint) === undefined) return known;
      return new Map(known).set(endpoint.id, {
        endpoint,
        isStale: false,
        isDoubtful: false,
      });
    }
    case "down": {
      const next = new Map(known);
      next.delete(update.endpoint.id);
      return next;
    }
    case "settled":
      return new Map([...known].filter(([, { isDoubtful }]) => !isDoubtful));
    default:
      return update satisfies never;
  }
}

/** The process has ended: its records are only waiting for their lease to end. */
export function outlive(known: Announcements, process: string): Announcements {
  return new Map(
    [...known].map(([id, entry]) => [
      id,
      { ...entry, isStale: entry.isStale || processOf(entry.endpoint) === process },
    ]),
  );
}

/** Records by which a process announces itself, the oldest known first. */
export function announcedBy(known: Announcements, process: string): readonly Endpoint[] {
  return [...known.values()]
    .filter(({ endpoint, isStale }) => !isStale && processOf(endpoint) === process)
    .map(({ endpoint }) => endpoint);
}

export function processOf(endpoint: Endpoint): string | undefined {
  return endpoint.meta[processMetaKey];
}

/** The silence of a registry that just restarted is not emptiness: what it does not know yet stays. */
function applySnapshot(
  known: Announcements,
  { endpoints, settled }: Extract<EndpointUpdate, { kind: "snapshot" }>,
  isOwn: (endpoint: Endpoint) => boolean,
): Announcements {
  const doubtful = [...known].map(([id, entry]) => [id, { ...entry, isDoubtful: true }] as const);
  const next = new Map<string, Known>(settled ? [] : doubtful);
  for (const endpoint of endpoints) {
    if (isOwn(endpoint) || processOf(endpoint) === undefined) continue;
    const isStale = known.get(endpoint.id)?.isStale ?? false;
    next.set(endpoint.id, { endpoint, isStale, isDoubtful: false });
  }
  return next;
}
