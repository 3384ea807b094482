/**
 * What a command does to the table: command and `now` in, changes out, or the reason it is refused.
 *
 * Nobody touches what another lease holds: the lease's id is the right to it, and whoever does not know
 * it gets NO_LEASE (for the lease) or NOT_OWNER (for a record under another one).
 */
import { processMetaKey, PropagitError, type Endpoint } from "@propagit/protocol";
import { leaseMsDefault } from "./lease-time.js";
import type { Meta } from "./record.js";
import { sizeOf, type HeldRecord, type Lease, type Table, type TableChange } from "./table.js";

/** Bounds of one registry: a cluster of 10,000 drones with ten records each, and what fits into memory. */
export const tableLimits = {
  leases: 50_000,
  records: 100_000,
  recordsOfLease: 4_000,
  chars: 64 * 1024 * 1024,
} as const;

/**
 * How late a tick must be for this program itself to have slept: it was stopped, or the machine was.
 * Owners could not renew meanwhile, so nothing may be concluded from their silence.
 */
const sleptMsMin = 2_000;

/** What was on disk when the registry started. */
export interface Restored {
  /** False: there is no memory at all, so nobody knows who is out there. */
  readonly hadMemory: boolean;
  readonly leases: readonly { readonly id: string; readonly ttlMs: number }[];
  readonly records: readonly HeldRecord[];
}

export type Command =
  | { readonly kind: "restore"; readonly restored: Restored }
  | { readonly kind: "grant"; readonly lease: string; readonly ttlMs: number }
  | { readonly kind: "renew"; readonly lease: string }
  | { readonly kind: "revoke"; readonly lease: string }
  | { readonly kind: "register"; readonly lease: string; readonly endpoint: Endpoint }
  | { readonly kind: "set"; readonly lease: string; readonly id: string; readonly meta: Meta }
  | { readonly kind: "free"; readonly lease: string; readonly id: string }
  /** Time passed; `lateMs` is how much later than asked for this came. */
  | { readonly kind: "tick"; readonly lateMs: number };

type Changes = readonly TableChange[];

/** @throws NO_LEASE, NO_RECORD, NOT_OWNER, PORT_TAKEN, OVERLOADED */
export function decide(table: Table, command: Command, now: number): Changes {
  switch (command.kind) {
    case "restore":
      return restore(command.restored, now);
    case "grant":
      return grant(table, command.lease, command.ttlMs, now);
    case "renew":
      return renew(liveLease(table, command.lease), now);
    case "revoke":
      return end(table, liveLease(table, command.lease), "freed");
    case "register":
      return register(table, liveLease(table, command.lease), command.endpoint, now);
    case "set":
      return set(table, ownRecord(table, command), command.meta);
    case "free":
      ownRecord(table, command);
      return [{ kind: "record-gone", id: command.id, reason: "freed" }];
    case "tick":
      return tick(table, command.lateMs, now);
    default:
      return command satisfies never;
  }
}

/** When the next tick is due: the first lease to end, or the end of waiting after a start. */
export function nextTickMs(table: Table): number {
  let next = table.isSettled ? Number.POSITIVE_INFINITY : waitOf(table);
  for (const { deadlineMs } of table.leases()) next = Math.min(next, deadlineMs);
  return next;
}

/** While leases are unconfirmed, their deadlines say when waiting can end. */
function waitOf(table: Table): number {
  return table.unconfirmedLeases > 0 ? Number.POSITIVE_INFINITY : table.waitsUntilMs;
}

function restore({ hadMemory, leases, records }: Restored, now: number): Changes {
  const waitsUntil = hadMemory ? now : now + leaseMsDefault;
  return [
    { kind: "waits-until", deadlineMs: waitsUntil },
    ...leases.map(({ id, ttlMs }): TableChange => ({
      kind: "lease-kept",
      lease: { id, ttlMs, deadlineMs: now + ttlMs, isConfirmed: false },
    })),
    ...records.map((record): TableChange => ({ kind: "record-put", record })),
    ...(hadMemory && leases.length === 0 ? [{ kind: "settled" } as const] : []),
  ];
}

function grant(table: Table, id: string, ttlMs: number, now: number): Changes {
  if (table.leaseCount >= tableLimits.leases) throw full(`${tableLimits.leases} leases`);
  const lease: Lease = { id, ttlMs, deadlineMs: now + ttlMs, isConfirmed: true };
  return [{ kind: "lease-kept", lease }];
}

function renew(lease: Lease, now: number): Changes {
  return [
    {
      kind: "lease-kept",
      lease: { ...lease, deadlineMs: now + lease.ttlMs, isConfirmed: true },
    },
  ];
}

/** Registering proves that the owner lives, so it renews as well. */
function register(table: Table, lease: Lease, endpoint: Endpoint, now: number): Changes {
  const held = table.record(endpoint.id);
  if (held && held.lease !== lease.id) {
    throw notOwner(`record ${endpoint.id} is held by another lease`);
  }
  const displaced = makeRoom(table, endpoint);
  checkRoom(table, lease, endpoint, held);
  return [
    ...displaced,
    ...renew(lease, now),
    { kind: "record-put", record: { lease: lease.id, endpoint } },
  ];
}

function set(table: Table, record: HeldRecord, meta: Meta): Changes {
  const endpoint = { ...record.endpoint, meta };
  const displaced = makeRoom(table, endpoint);
  if (table.chars + sizeOf(endpoint) > tableLimits.chars) throw full("its memory");
  return [...displaced, { kind: "record-put", record: { ...record, endpoint } }];
}

/**
 * One place, one process: a second record of the same host and port needs the same process id in its
 * metadata (one program that offers two services on a port).
 *
 * A hidden record gives way: its owner has not come back, but this one is there.
 */
function makeRoom(table: Table, endpoint: Endpoint): Changes {
  const others = table
    .recordsAt(endpoint.host, endpoint.port)
    .filter((other) => other.endpoint.id !== endpoint.id && !isSameProcess(other, endpoint));
  const holder = others.find((other) => table.isVisible(other));
  if (holder) {
    const { service, version } = holder.endpoint;
    throw new PropagitError(
      "PORT_TAKEN",
      `${endpoint.host} port ${endpoint.port} is registered for ${service}@${version}`,
    );
  }
  return others.map((other) => ({
    kind: "record-gone",
    id: other.endpoint.id,
    reason: "expired",
  }));
}

function isSameProcess(other: HeldRecord, endpoint: Endpoint): boolean {
  const process = endpoint.meta[processMetaKey];
  return process !== undefined && other.endpoint.meta[processMetaKey] === process;
}

function checkRoom(
  table: Table,
  lease: Lease,
  endpoint: Endpoint,
  held: HeldRecord | undefined,
): void {
  if (table.chars + sizeOf(endpoint) > tableLimits.chars) throw full("its memory");
  if (held) return;
  if (table.recordCount >= tableLimits.records) throw full(`${tableLimits.records} records`);
  if (table.recordsOf(lease.id).length >= tableLimits.recordsOfLease) {
    throw full(`${tableLimits.recordsOfLease} records for one lease`);
  }
}

function tick(table: Table, lateMs: number, now: number): Changes {
  if (lateMs >= sleptMsMin) return pardon(table, now);
  const ended = [...table.leases()].filter(({ deadlineMs }) => deadlineMs <= now);
  const changes = ended.flatMap((lease) => end(table, lease, "expired"));
  const left = table.unconfirmedLeases - ended.filter((lease) => !lease.isConfirmed).length;
  const isSettled = !table.isSettled && left === 0 && table.waitsUntilMs <= now;
  return isSettled ? [...changes, { kind: "settled" }] : changes;
}

/** Everybody gets a whole lease time again; nobody is confirmed by it. */
function pardon(table: Table, now: number): Changes {
  return [...table.leases()].map((lease) => ({
    kind: "lease-kept",
    lease: { ...lease, deadlineMs: now + lease.ttlMs },
  }));
}

function end(table: Table, lease: Lease, reason: "freed" | "expired"): Changes {
  const records = table.recordsOf(lease.id).map(({ endpoint }): TableChange => ({
    kind: "record-gone",
    id: endpoint.id,
    reason,
  }));
  return [...records, { kind: "lease-gone", lease: lease.id }];
}

/**
 * A lease lives until its tick has come, not until its deadline: after this program has slept, renewals
 * that were waiting are read before the tick that would pardon their owners.
 */
function liveLease(table: Table, id: string): Lease {
  const lease = table.lease(id);
  if (lease) return lease;
  throw new PropagitError("NO_LEASE", "the lease has ended or never was");
}

function ownRecord(
  table: Table,
  { lease, id }: { readonly lease: string; readonly id: string },
): HeldRecord {
  liveLease(table, lease);
  const record = table.record(id);
  if (!record) throw new PropagitError("NO_RECORD", `there is no record ${id}`);
  if (record.lease !== lease) throw notOwner(`record ${id} is held by another lease`);
  return record;
}

function notOwner(message: string): PropagitError {
  return new PropagitError("NOT_OWNER", message);
}

function full(what: string): PropagitError {
  return new PropagitError("OVERLOADED", `the registry is full: it takes no more than ${what}`, {
    hint: "free what is no longer needed",
  });
}
