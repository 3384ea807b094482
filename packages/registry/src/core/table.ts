/**
 * The table of leases and of the records that they hold.
 *
 *     lease:   (grant) --> confirmed --renew--> confirmed --deadline or revoke--> gone, its records with it
 *              (restart) --> unconfirmed --renew--> confirmed
 *                                        \--deadline--> gone
 *
 * Records of an unconfirmed lease are there but hidden: after a restart nobody knows yet whether their
 * owner still lives, and a service that may be dead is not shown.
 *
 * `decide` (in decide.ts) is pure and says what would change; `Table` is the one place where changes
 * happen. The table is not copied for each step: 10,000 owners renew 2,000 times a second.
 */
import type { Endpoint } from "@propagit/protocol";

export interface Lease {
  /** 32 hex characters; whoever knows them is the owner, so they are never shown to anybody else. */
  readonly id: string;
  readonly ttlMs: number;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  /** False after a restart until the owner renews. */
  readonly isConfirmed: boolean;
}

export interface HeldRecord {
  readonly lease: string;
  readonly endpoint: Endpoint;
}

export type GoneReason = "freed" | "expired";

export type TableChange =
  | { readonly kind: "lease-kept"; readonly lease: Lease }
  | { readonly kind: "lease-gone"; readonly lease: string }
  | { readonly kind: "record-put"; readonly record: HeldRecord }
  | { readonly kind: "record-gone"; readonly id: string; readonly reason: GoneReason }
  | { readonly kind: "waits-until"; readonly deadlineMs: number }
  | { readonly kind: "settled" };

/** What a change means for those who watch. */
export type VisibleChange =
  | { readonly kind: "up"; readonly endpoint: Endpoint }
  | { readonly kind: "down"; readonly endpoint: Endpoint; readonly reason: GoneReason }
  | { readonly kind: "settled" };

export class Table {
  readonly #leases = new Map<string, Lease>();
  readonly #records = new Map<string, HeldRecord>();
  readonly #byLease = new Map<string, Set<string>>();
  readonly #byPlace = new Map<string, Set<string>>();
  #unconfirmed = 0;
  #chars = 0;
  #settled = false;
  #waitsUntilMs = 0;

  get isSettled(): boolean {
    return this.#settled;
  }

  /** Until when owners that are not known of may still come. */
  get waitsUntilMs(): number {
    return this.#waitsUntilMs;
  }

  get unconfirmedLeases(): number {
    return this.#unconfirmed;
  }

  get leaseCount(): number {
    return this.#leases.size;
  }

  get recordCount(): number {
    return this.#records.size;
  }

  /** Rough size of all records, in characters. */
  get chars(): number {
    return this.#chars;
  }

  lease(id: string): Lease | undefined {
    return this.#leases.get(id);
  }

  leases(): IterableIterator<Lease> {
    return this.#leases.values();
  }

  record(id: string): HeldRecord | undefined {
    return this.#records.get(id);
  }

  recordsOf(lease: string): readonly HeldRecord[] {
    return this.#pick(this.#byLease.get(lease));
  }

  recordsAt(host: string, port: number): readonly HeldRecord[] {
    return this.#pick(this.#byPlace.get(placeKey(host, port)));
  }

  /** What everybody may see, in the order of registration. */
  visible(): Endpoint[] {
    const endpoints: Endpoint[] = [];
    for (const record of this.#records.values()) {
      if (this.isVisible(record)) endpoints.push(record.endpoint);
    }
    return endpoints;
  }

  isVisible(record: HeldRecord): boolean {
    return this.#leases.get(record.lease)?.isConfirmed === true;
  }

  /** Makes a change; returns what watchers see of it. */
  apply(change: TableChange): readonly VisibleChange[] {
    switch (change.kind) {
      case "lease-kept":
        return this.#keepLease(change.lease);
      case "lease-gone":
        return this.#dropLease(change.lease);
      case "record-put":
        return this.#putRecord(change.record);
      case "record-gone":
        return this.#dropRecord(change.id, change.reason);
      case "waits-until":
        this.#waitsUntilMs = change.deadlineMs;
        return [];
      case "settled":
        this.#settled = true;
        return [{ kind: "settled" }];
      default:
        return change satisfies never;
    }
  }

  #keepLease(lease: Lease): readonly VisibleChange[] {
    const before = this.#leases.get(lease.id);
    this.#leases.set(lease.id, lease);
    this.#unconfirmed += unconfirmed(lease) - unconfirmed(before);
    if (!lease.isConfirmed || !before || before.isConfirmed) return [];
    return this.recordsOf(lease.id).map(({ endpoint }) => ({ kind: "up", endpoint }));
  }

  #dropLease(id: string): readonly VisibleChange[] {
    this.#unconfirmed -= unconfirmed(this.#leases.get(id));
    this.#leases.delete(id);
    return [];
  }

  #putRecord(record: HeldRecord): readonly VisibleChange[] {
    const { endpoint, lease } = record;
    const before = this.#records.get(endpoint.id);
    if (before) this.#unlink(before);
    this.#records.set(endpoint.id, record);
    addTo(this.#byLease, lease, endpoint.id);
    addTo(this.#byPlace, placeKey(endpoint.host, endpoint.port), endpoint.id);
    this.#chars += sizeOf(endpoint);
    if (!this.isVisible(record)) return [];
    if (before && JSON.stringify(before.endpoint) === JSON.stringify(endpoint)) return [];
    return [{ kind: "up", endpoint }];
  }

  #dropRecord(id: string, reason: GoneReason): readonly VisibleChange[] {
    const record = this.#records.get(id);
    if (!record) return [];
    const wasVisible = this.isVisible(record);
    this.#unlink(record);
    this.#records.delete(id);
    return wasVisible ? [{ kind: "down", endpoint: record.endpoint, reason }] : [];
  }

  #unlink({ endpoint, lease }: HeldRecord): void {
    removeFrom(this.#byLease, lease, endpoint.id);
    removeFrom(this.#byPlace, placeKey(endpoint.host, endpoint.port), endpoint.id);
    this.#chars -= sizeOf(endpoint);
  }

  #pick(ids: ReadonlySet<string> | undefined): readonly HeldRecord[] {
    return [...(ids ?? [])].flatMap((id) => this.#records.get(id) ?? []);
  }
}

/** Rough size of a record, in characters. */
export function sizeOf(endpoint: Endpoint): number {
  return JSON.stringify(endpoint).length;
}

function placeKey(host: string, port: number): string {
  return `${host} ${port}`;
}

function unconfirmed(lease: Lease | undefined): number {
  return lease && !lease.isConfirmed ? 1 : 0;
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  ids?.delete(id);
  if (ids?.size === 0) index.delete(key);
}
