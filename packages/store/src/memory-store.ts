/** The store without a disk: for the simulator, and for a registry that keeps nothing. */
import { assert } from "@propagit/protocol";
import { checkSince } from "./core/history.js";
import { encodeWrites, findConflict, type EncodedWrite } from "./core/transaction.js";
import { revisionOf, Watchers } from "./core/watchers.js";
import {
  changesKept,
  type Change,
  type Entry,
  type Json,
  type Outcome,
  type Store,
  type Transaction,
  type Watch,
  type WatchOptions,
} from "./store.js";

export function openMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #entries = new Map<string, Entry>();
  readonly #changes: Change[] = [];
  readonly #watchers = new Watchers();
  #revision = 0;
  #isClosed = false;

  async get(key: string): Promise<Entry | undefined> {
    this.#assertOpen();
    return this.#entries.get(key);
  }

  async list(prefix: string): Promise<{ entries: readonly Entry[]; revision: number }> {
    this.#assertOpen();
    const entries = [...this.#entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .sort((left, right) => (left.key < right.key ? -1 : 1));
    return { entries, revision: this.#revision };
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    this.#assertOpen();
    const writes = encodeWrites(transaction);
    const conflict = findConflict(transaction, (key) => this.#entries.get(key)?.revision ?? 0);
    if (conflict) return conflict;
    if (writes.length === 0) return { ok: true, revision: this.#revision };
    this.#revision++;
    const changes = writes.flatMap((write) => this.#apply(write));
    this.#changes.push(...changes);
    this.#changes.splice(0, Math.max(0, this.#changes.length - changesKept));
    this.#watchers.announce(changes);
    return { ok: true, revision: this.#revision };
  }

  watch(options: WatchOptions): Watch {
    this.#assertOpen();
    const [oldest] = this.#changes;
    checkSince(options.since, oldest && revisionOf(oldest), this.#revision);
    const missed = this.#changes.filter((change) => revisionOf(change) > options.since);
    return this.#watchers.add(options, missed);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watchers.stopAll();
  }

  #apply(write: EncodedWrite): readonly Change[] {
    const revision = this.#revision;
    if (write.kind === "delete") {
      const existed = this.#entries.delete(write.key);
      return existed ? [{ kind: "delete", key: write.key, revision }] : [];
    }
    // Parsed anew, so that nobody changes the store through a value he still holds.
    const entry = { key: write.key, value: JSON.parse(write.json) as Json, revision };
    this.#entries.set(write.key, entry);
    return [{ kind: "put", entry }];
  }

  #assertOpen(): void {
    assert(!this.#isClosed, "a closed store is used");
  }
}
