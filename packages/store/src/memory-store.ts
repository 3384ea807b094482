/** The store without a disk: for the simulator, and for a registry that keeps nothing. */
import {
  checkSince,
  historyStart,
  isOutdated,
  markAfter,
  type HistoryMark,
} from "./core/history.js";
import { refuseClosed, refuseOddPrefix } from "./core/refusals.js";
import {
  byKey,
  changesOf,
  encodeWrites,
  findConflict,
  pickEffective,
  type EncodedWrite,
} from "./core/transaction.js";
import { Watchers } from "./core/watchers.js";
import type {
  Change,
  Entry,
  Listing,
  Outcome,
  Store,
  Transaction,
  Watch,
  WatchOptions,
} from "./store.js";

interface PastTransaction {
  readonly mark: HistoryMark;
  readonly changes: readonly Change[];
}

export function openMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #entries = new Map<string, Entry>();
  readonly #history: PastTransaction[] = [];
  readonly #watchers = new Watchers();
  #newest = historyStart;
  #isClosed = false;

  async get(key: string): Promise<Entry | undefined> {
    refuseClosed(this.#isClosed);
    return this.#entries.get(key);
  }

  async list(prefix: string): Promise<Listing> {
    refuseClosed(this.#isClosed);
    refuseOddPrefix(prefix);
    const entries = [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix));
    return { entries: entries.sort(byKey), revision: this.#newest.revision };
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    refuseClosed(this.#isClosed);
    const wanted = encodeWrites(transaction);
    const revisionOf = (key: string) => this.#entries.get(key)?.revision ?? 0;
    const conflict = findConflict(transaction, revisionOf);
    if (conflict) return conflict;
    const writes = pickEffective(wanted, revisionOf);
    if (writes.length > 0) this.#apply(writes);
    return { ok: true, revision: this.#newest.revision };
  }

  watch(options: WatchOptions): Watch {
    refuseClosed(this.#isClosed);
    refuseOddPrefix(options.prefix);
    const newest = this.#newest.revision;
    checkSince(options.since, newest - this.#history.length, newest);
    const missed = this.#history.filter(({ mark }) => mark.revision > options.since);
    return this.#watchers.add(
      options,
      missed.flatMap(({ changes }) => changes),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watchers.stopAll();
  }

  #apply(writes: readonly EncodedWrite[]): void {
    const mark = markAfter(this.#newest, writes);
    const changes = changesOf(writes, mark.revision);
    this.#newest = mark;
    for (const change of changes) {
      if (change.kind === "put") this.#entries.set(change.entry.key, change.entry);
      else this.#entries.delete(change.key);
    }
    this.#history.push({ mark, changes });
    const kept = this.#history.findIndex((past) => !isOutdated(past.mark, mark));
    this.#history.splice(0, kept);
    this.#watchers.announce(changes);
  }
}
