/**
 * The embedded store: one SQLite file, write-ahead log, synchronous=FULL: what was acknowledged is on
 * disk, whatever kills the process or the machine.
 *
 * Transactions that are asked for in the same turn of the event loop go as a group into one SQLite
 * transaction, and so share one sync of the disk. Each is still checked and written whole, in the order
 * they came, and answered only after the sync. Where a group fails, each of it is tried alone, so that one
 * that does not fit on the disk takes no other with it.
 */
import type { PropagitError } from "@propagit/protocol";
import { checkSince, isOutdated, markAfter } from "../core/history.js";
import { refuseClosed, refuseOddPrefix } from "../core/refusals.js";
import {
  changesOf,
  encodeWrites,
  findConflict,
  pickEffective,
  type EncodedWrite,
} from "../core/transaction.js";
import { Watchers } from "../core/watchers.js";
import {
  storeLimits,
  type Change,
  type Entry,
  type Listing,
  type Outcome,
  type Store,
  type Transaction,
  type Watch,
  type WatchOptions,
} from "../store.js";
import { fileError } from "./sqlite-errors.js";
import { closeFile, openFile } from "./sqlite-file.js";
import { Tables } from "./sqlite-tables.js";
import type { Database } from "./sqlite.js";

/** Transactions of a group; larger ones hardly save any more syncs (see the README's figures). */
const groupMax = 512;

interface Waiting {
  readonly transaction: Transaction;
  readonly writes: readonly EncodedWrite[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: PropagitError) => void;
}

interface Done {
  readonly outcome: Outcome;
  readonly changes: readonly Change[];
}

/**
 * Opens the store in a file, which is made if need be. Only one process at a time can.
 *
 * @throws DATA_UNUSABLE when the file cannot be made or written, is damaged, of another program or of a
 *   newer version; DATA_IN_USE when another process has it open
 * @example
 * const store = await openSqliteStore("/var/lib/propagit/hub.db");
 */
export async function openSqliteStore(path: string): Promise<Store> {
  return new SqliteStore(await openFile(path), path);
}

class SqliteStore implements Store {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #path: string;
  readonly #watchers = new Watchers();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Resolves when what waits is done. */
  #turn: Promise<void> | undefined;
  #isClosed = false;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#tables = new Tables(database);
    this.#path = path;
  }

  async get(key: string): Promise<Entry | undefined> {
    await this.#turn;
    return this.#use(() => this.#tables.getEntry(key));
  }

  async list(prefix: string): Promise<Listing> {
    refuseOddPrefix(prefix);
    await this.#turn;
    return this.#use(() => ({
      entries: this.#tables.listEntries(prefix),
      revision: this.#tables.newestMark().revision,
    }));
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    refuseClosed(this.#isClosed);
    const writes = encodeWrites(transaction);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ transaction, writes, resolve, reject });
      for (const { bytes } of writes) this.#waitingBytes += bytes;
      const isFull =
        this.#waiting.length >= groupMax || this.#waitingBytes >= storeLimits.transactionBytes;
      if (isFull) this.#commitWaiting();
      else this.#turn ??= this.#commitSoon();
    });
  }

  watch(options: WatchOptions): Watch {
    refuseOddPrefix(options.prefix);
    const missed = this.#use(() => {
      const newest = this.#tables.newestMark().revision;
      const oldest = this.#tables.oldestMark()?.revision ?? newest + 1;
      checkSince(options.since, oldest - 1, newest);
      return this.#tables.changesAfter(options.since);
    });
    return this.#watchers.add(options, missed);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#commitWaiting();
    this.#isClosed = true;
    this.#watchers.stopAll();
    closeFile(this.#database);
  }

  /** After this turn of the event loop: whoever wants to write in it has asked by then. */
  #commitSoon(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turn = undefined;
        this.#commitWaiting();
        resolve();
      });
    });
  }

  #commitWaiting(): void {
    const group = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const problem = group.length === 0 ? undefined : this.#tryCommit(group);
    if (!problem) return;
    for (const waiting of group) {
      const error = group.length === 1 ? problem : this.#tryCommit([waiting]);
      if (error) waiting.reject(error);
    }
  }

  /** The group as one SQLite transaction; answers all of it, or returns why nothing was written. */
  #tryCommit(group: readonly Waiting[]): PropagitError | undefined {
    let done: readonly Done[];
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      done = group.map((waiting) => this.#write(waiting));
      this.#database.exec("COMMIT");
    } catch (thrown) {
      this.#rollBack();
      return fileError(this.#path, thrown);
    }
    for (const [index, { outcome, changes }] of done.entries()) {
      group[index]?.resolve(outcome);
      this.#watchers.announce(changes);
    }
    return undefined;
  }

  #write({ transaction, writes: wanted }: Waiting): Done {
    const revisionOf = (key: string) => this.#tables.revisionOf(key);
    const conflict = findConflict(transaction, revisionOf);
    if (conflict) return { outcome: conflict, changes: [] };
    const newest = this.#tables.newestMark();
    const writes = pickEffective(wanted, revisionOf);
    if (writes.length === 0) {
      return { outcome: { ok: true, revision: newest.revision }, changes: [] };
    }
    const mark = markAfter(newest, writes);
    this.#tables.applyWrites(writes, mark.revision);
    this.#tables.remember(mark, writes);
    let oldest = this.#tables.oldestMark();
    for (; oldest && isOutdated(oldest, mark); oldest = this.#tables.oldestMark()) {
      this.#tables.forget(oldest.revision);
    }
    const { revision } = mark;
    return { outcome: { ok: true, revision }, changes: changesOf(writes, revision) };
  }

  #rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }

  #use<T>(work: () => T): T {
    refuseClosed(this.#isClosed);
    try {
      return work();
    } catch (thrown) {
      throw fileError(this.#path, thrown);
    }
  }
}
