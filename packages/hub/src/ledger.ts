/**
 * The ledger: what the cluster should be and what happened, kept in the store.
 *
 * The hub is the only writer while it runs, so the rows are also in memory and read from there. Changes
 * are made one after the other; each is one transaction together with its events, and is in memory only
 * when it is on disk. Events that go with no change are collected while another transaction is under way
 * and written together, so that a thousand drones that get ready do not cost a thousand syncs.
 */
import {
  check,
  PropagitError,
  type ClusterEvent,
  type Deployment,
  type Route,
} from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import { storeLimits, type Json, type Store, type Write } from "@propagit/store";
import { deploymentOf } from "./core/book.js";
import {
  eventKey,
  eventRow,
  eventsKept,
  tables,
  type Edit,
  type LedgerChange,
  type NewEvent,
  type Row,
  type TableName,
} from "./core/rows.js";

/** An edit that was written, with what was there before. */
export type Written = Edit & { readonly before: unknown };

export interface LedgerListener {
  /** Something was written; `tables` are those with edits. */
  readonly changed: (tables: ReadonlySet<TableName>, edits: readonly Written[]) => void;
  readonly happened: (event: ClusterEvent) => void;
}

type Rows = { readonly [T in TableName]: Map<string, Row<T>> };

/** Events of one transaction: each writes one key and deletes another. */
const eventsPerWrite = Math.floor(storeLimits.writes / 2) - 32;
/** Events that may wait to be written before new ones are dropped; a guess. */
const eventsWaitingMax = 10_000;

export class Ledger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #rows = Object.fromEntries(
    Object.keys(tables).map((table) => [table, new Map()]),
  ) as unknown as Rows;
  readonly #listeners = new Set<LedgerListener>();
  #lastEvent = 0;
  #revision = 0;
  #waitingEvents: NewEvent[] = [];
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws DATA_UNUSABLE when what is there is not what a hub writes */
  static async open(store: Store, clock: Clock): Promise<Ledger> {
    const ledger = new Ledger(store, clock);
    for (const table of Object.keys(tables) as TableName[]) await ledger.#load(table);
    const { entries } = await store.list("events/");
    ledger.#lastEvent = Number(entries.at(-1)?.key.slice("events/".length) ?? 0);
    return ledger;
  }

  /** Rises with every change, also across restarts. */
  get revision(): number {
    return this.#revision;
  }

  rows<T extends TableName>(table: T): ReadonlyMap<string, Row<T>> {
    return this.#rows[table];
  }

  /** Those that run, or are to. */
  get deployments(): readonly Deployment[] {
    return [...this.#rows.deployments.values()].filter(({ started }) => started).map(deploymentOf);
  }

  get routes(): readonly Route[] {
    return [...this.#rows.routes.values()];
  }

  /**
   * Makes a change; resolves when it is on disk. `decide` sees the rows as they are when its turn comes,
   * and throws when the change may not happen; undefined means that there is nothing to do. Who waits for
   * it goes on before the next change is decided, so that what he keeps in memory is up to date by then.
   */
  change(decide: () => LedgerChange | undefined): Promise<void> {
    const done = this.#queue.then(() => this.#decide(decide));
    this.#queue = done.then(nothing, nothing).then(nothing);
    return done;
  }

  /** Writes an event some time soon; a failure to do so is told by the next change that fails. */
  note(event: NewEvent): void {
    if (this.#waitingEvents.length >= eventsWaitingMax) return;
    this.#waitingEvents.push(event);
    if (this.#waitingEvents.length > 1) return;
    void this.change(() => this.#takeWaiting()).catch(() => undefined);
  }

  /** The last events, oldest first, at most `last`. */
  async events(last: number): Promise<readonly ClusterEvent[]> {
    if (last === 0) return [];
    const { entries } = await this.#store.list("events/");
    return entries.slice(-last).map(({ key, value }) => checked(eventRow, key, value));
  }

  listen(listener: LedgerListener): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => this.#listeners.delete(listener) };
  }

  /** Resolves when everything accepted is written, or has failed. */
  async settled(): Promise<void> {
    let last: Promise<unknown>;
    do {
      last = this.#queue;
      await last;
    } while (last !== this.#queue);
  }

  async #load(table: TableName): Promise<void> {
    const { entries, revision } = await this.#store.list(`${table}/`);
    for (const { key, value } of entries) {
      const row = checked(tables[table], key, value);
      (this.#rows[table] as Map<string, unknown>).set(key.slice(table.length + 1), row);
    }
    this.#revision = Math.max(this.#revision, revision);
  }

  async #decide(decide: () => LedgerChange | undefined): Promise<void> {
    const change = decide();
    if (change) await this.#write(change);
  }

  async #write({ edits, events }: LedgerChange): Promise<void> {
    const at = this.#clock.now();
    const numbered = events.map((event, index) => ({
      ...event,
      number: this.#lastEvent + index + 1,
      at,
    }));
    const writes = [...edits.map(writeOf), ...numbered.flatMap(eventWrites)];
    const outcome = await this.#store.transact({ writes });
    if (!outcome.ok) throw new PropagitError("CHANGED_MEANWHILE", "the store refused a change");
    this.#revision = outcome.revision;
    this.#lastEvent += numbered.length;
    const written = edits.map((edit) => this.#apply(edit));
    this.#announce(written, numbered);
  }

  #apply(edit: Edit): Written {
    const { table, key, row } = edit;
    const rows = this.#rows[table] as Map<string, unknown>;
    const before = rows.get(key);
    if (row === undefined) rows.delete(key);
    else rows.set(key, row);
    return { ...edit, before };
  }

  #announce(edits: readonly Written[], events: readonly ClusterEvent[]): void {
    const tables = new Set(edits.map(({ table }) => table));
    for (const listener of this.#listeners) {
      if (tables.size > 0) listener.changed(tables, edits);
      for (const event of events) listener.happened(event);
    }
  }

  #takeWaiting(): LedgerChange | undefined {
    if (this.#waitingEvents.length === 0) return undefined;
    const events = this.#waitingEvents.splice(0, eventsPerWrite);
    if (this.#waitingEvents.length > 0) {
      void this.change(() => this.#takeWaiting()).catch(() => undefined);
    }
    return { edits: [], events };
  }
}

function nothing(): void {}

function writeOf({ table, key, row }: Edit): Write {
  const path = `${table}/${key}`;
  if (row === undefined) return { kind: "delete", key: path };
  return { kind: "put", key: path, value: row as Json };
}

function eventWrites(event: ClusterEvent): readonly Write[] {
  const write: Write = { kind: "put", key: eventKey(event.number), value: event as Json };
  const oldest = event.number - eventsKept;
  return oldest < 1 ? [write] : [write, { kind: "delete", key: eventKey(oldest) }];
}

function checked<S extends Parameters<typeof check>[0]>(schema: S, key: string, value: Json) {
  const result = check<S>(schema, value);
  if (result.ok) return result.value;
  throw new PropagitError(
    "DATA_UNUSABLE",
    `the hub's ledger is damaged at ${key}: ${result.reason}`,
  );
}
