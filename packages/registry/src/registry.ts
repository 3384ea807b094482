/**
 * The registry: who is alive and where, held by leases, followed by watchers.
 *
 * It owns the table, the history and the clock's tick; decisions are in core/, sessions speak to it
 * through session-api.ts, HTTP through system/http-api.ts.
 */
import {
  assert,
  heartbeatMsDefault,
  PropagitError,
  type Endpoint,
  type EndpointQuery,
  type EndpointUpdate,
  type Position,
  type Registration,
} from "@propagit/protocol";
import { Conversation, type Timer, type Wire, type World } from "@propagit/runtime";
import type { Store, Write } from "@propagit/store";
import { decide, nextTickMs, type Command } from "./core/decide.js";
import { History, type NumberedUpdate } from "./core/history.js";
import { checkTtl, leaseMsDefault } from "./core/lease-time.js";
import { compileQuery } from "./core/query.js";
import { checkMeta, completeRecord, hostOfPeer, type Meta } from "./core/record.js";
import { lifeWrite, readStored, storedPrefix, writeOf } from "./core/stored.js";
import { Table, type Lease, type TableChange } from "./core/table.js";
import { Memory } from "./memory.js";
import { sessionHandlers } from "./session-api.js";

export interface RegistryOptions {
  /** Where leases and records outlive the registry; a store in memory means they do not. */
  readonly store: Store;
  /** The stretched secret; without one everybody who can connect may read and write. */
  readonly clusterKey?: string;
  readonly heartbeatMs?: number;
}

export interface GrantedLease {
  readonly lease: string;
  readonly ttlMs: number;
}

/** What is known at one moment. */
export interface RegistrySnapshot {
  readonly at: Position;
  readonly settled: boolean;
  /** A list of the receiver's own. */
  readonly endpoints: Endpoint[];
}

export class Registry {
  readonly clusterKey: string | undefined;
  readonly #world: World;
  readonly #options: RegistryOptions;
  readonly #memory: Memory;
  readonly #table = new Table();
  readonly #history: History;
  readonly #watchers = new Set<(update: NumberedUpdate) => void>();
  readonly #conversations = new Set<Conversation>();
  readonly #ready: Promise<void>;
  #timer: Timer | undefined;
  #tickAtMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(world: World, options: RegistryOptions) {
    this.#world = world;
    this.#options = options;
    this.clusterKey = options.clusterKey;
    this.#memory = new Memory(world, options.store);
    this.#history = new History(world.random.hex(16));
    this.#ready = this.#restore();
    this.#ready.catch(() => undefined);
  }

  /**
   * Resolves when what was on disk is known; nothing is answered before.
   *
   * @throws DATA_UNUSABLE
   */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** False after a start while owners may still come back: what is missing is not yet gone. */
  get isSettled(): boolean {
    return this.#table.isSettled;
  }

  /** Serves a connection; its end ends nothing that was registered through it. */
  accept(wire: Wire): void {
    if (this.#isStopped) return wire.close();
    const { clusterKey, heartbeatMs = heartbeatMsDefault } = this.#options;
    const conversation = new Conversation(this.#world, wire, {
      side: { kind: "server", clusterKey, heartbeatMs },
      handlers: sessionHandlers(this),
    });
    this.#conversations.add(conversation);
    void conversation.over.then(() => this.#conversations.delete(conversation));
  }

  /** Grants a new lease, by default of 15 s. @throws BAD_RECORD, OVERLOADED */
  async grant(ttlMs: number = leaseMsDefault): Promise<GrantedLease> {
    checkTtl(ttlMs);
    const lease = this.#world.random.hex(32);
    return this.#do({ kind: "grant", lease, ttlMs }, () => ({ lease, ttlMs }));
  }

  /** @throws NO_LEASE */
  async renew(lease: string): Promise<{ readonly ttlMs: number }> {
    return this.#do({ kind: "renew", lease }, () => ({ ttlMs: this.#held(lease).ttlMs }));
  }

  /** Ends a lease and frees its records at once. @throws NO_LEASE */
  async revoke(lease: string): Promise<void> {
    await this.#do({ kind: "revoke", lease }, () => undefined);
  }

  /**
   * Puts a record under a lease; the same id again replaces it.
   *
   * @param remoteHost the owner's address as seen here, published when the registration names no host
   * @throws NO_LEASE, NOT_OWNER, PORT_TAKEN, BAD_RECORD, BAD_NAME, OVERLOADED
   */
  async register(lease: string, registration: Registration, remoteHost: string): Promise<Endpoint> {
    const endpoint = completeRecord(registration, {
      id: this.#world.random.hex(16),
      host: hostOfPeer(remoteHost),
    });
    return this.#do({ kind: "register", lease, endpoint }, () => endpoint);
  }

  /** Replaces the metadata of a record. @throws NO_LEASE, NO_RECORD, NOT_OWNER, PORT_TAKEN, BAD_RECORD */
  async set(lease: string, id: string, meta: Meta): Promise<Endpoint> {
    return this.#do({ kind: "set", lease, id, meta: checkMeta(meta) }, () => this.#recorded(id));
  }

  /** @throws NO_LEASE, NO_RECORD, NOT_OWNER */
  async free(lease: string, id: string): Promise<void> {
    await this.#do({ kind: "free", lease, id }, () => undefined);
  }

  /** What fits, now. @throws BAD_PATTERN */
  query(query: EndpointQuery = {}): RegistrySnapshot {
    const { at, settled, endpoints } = this.#snapshot();
    return { at, settled, endpoints: endpoints.filter(compileQuery(query)) };
  }

  /** Whether a visible record is at that place: such a port is not to be given to somebody else. */
  holds(host: string, port: number): boolean {
    return this.#table.recordsAt(host, port).some((record) => this.#table.isVisible(record));
  }

  /**
   * Follows all changes: a snapshot, or what was missed since a position, then each change once.
   *
   * @returns a function that ends it
   */
  watch(since: Position | undefined, onUpdate: (update: EndpointUpdate) => void): () => void {
    const missed = since && this.#history.since(since);
    if (missed) for (const update of missed) onUpdate(update);
    else onUpdate({ kind: "snapshot", ...this.#snapshot() });
    // A function of its own, so that one function may watch twice.
    const watcher = (update: NumberedUpdate) => onUpdate(update);
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Ends connections, refuses further changes, writes what is to be written; frees nothing. */
  async stop(reason: PropagitError): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#watchers.clear();
    const over = [...this.#conversations].map((conversation) => {
      conversation.end(reason);
      return conversation.over;
    });
    await Promise.all(over);
    await this.#ready.catch(() => undefined);
    await this.#memory.stop();
  }

  async #restore(): Promise<void> {
    const { entries } = await this.#options.store.list(storedPrefix);
    const restored = readStored(entries);
    if (restored.strange > 0) {
      this.#world.log.warn(`${restored.strange} stored entries make no sense and are left out`);
    }
    await this.#memory.keep([lifeWrite(this.#history.position.epoch)]);
    this.#change({ kind: "restore", restored });
    this.#arm(nextTickMs(this.#table));
  }

  /** Changes, takes the answer out of the changed table, and gives it when all is on disk. */
  async #do<T>(command: Command, answer: () => T): Promise<T> {
    await this.#ready;
    if (this.#isStopped) throw new PropagitError("LINK_LOST", "the registry has ended");
    const writes = this.#change(command);
    const value = answer();
    await this.#memory.keep(writes);
    return value;
  }

  /** Decides, changes the table, tells watchers; returns what is to be written. */
  #change(command: Command): readonly Write[] {
    const now = this.#world.clock.monotonic();
    const changes = decide(this.#table, command, now);
    const writes = changes.flatMap((change) => this.#apply(change));
    this.#armSooner(command, now);
    return command.kind === "restore" ? [] : writes;
  }

  #apply(change: TableChange): Write[] {
    const isNewLease = change.kind === "lease-kept" && !this.#table.lease(change.lease.id);
    for (const visible of this.#table.apply(change)) {
      const update = this.#history.add(visible);
      for (const watcher of this.#watchers) watcher(update);
    }
    return [writeOf(change, isNewLease)].flatMap((write) => write ?? []);
  }

  #held(id: string): Lease {
    const lease = this.#table.lease(id);
    assert(lease, "a lease is gone in the moment it was renewed");
    return lease;
  }

  #recorded(id: string): Endpoint {
    const record = this.#table.record(id);
    assert(record, "a record is gone in the moment it was set");
    return record.endpoint;
  }

  #snapshot(): RegistrySnapshot {
    return {
      at: this.#history.position,
      settled: this.#table.isSettled,
      endpoints: this.#table.visible(),
    };
  }

  #tick(): void {
    const lateMs = this.#world.clock.monotonic() - this.#tickAtMs;
    this.#tickAtMs = Number.POSITIVE_INFINITY;
    void this.#memory.keep(this.#change({ kind: "tick", lateMs }));
    this.#arm(nextTickMs(this.#table));
  }

  /** Between ticks only these can bring the next one forward: a new lease, the last one confirmed. */
  #armSooner(command: Command, now: number): void {
    if (command.kind === "grant") this.#arm(now + command.ttlMs);
    const { isSettled, unconfirmedLeases, waitsUntilMs } = this.#table;
    if (!isSettled && unconfirmedLeases === 0) this.#arm(Math.max(now, waitsUntilMs));
  }

  #arm(atMs: number): void {
    if (this.#isStopped || atMs >= this.#tickAtMs) return;
    this.#timer?.cancel();
    const now = this.#world.clock.monotonic();
    // Never in the past: that would look as if this program had slept.
    this.#tickAtMs = Math.max(now, atMs);
    this.#timer = this.#world.clock.after(this.#tickAtMs - now, () => this.#tick());
  }
}
