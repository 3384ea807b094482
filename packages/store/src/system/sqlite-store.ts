/**
 * The embedded store: one SQLite file, write-ahead log, synchronous=FULL: what was acknowledged is on
 * disk, whatever kills the process or the machine.
 *
 * Transactions that are asked for in the same turn of the event loop share one SQLite transaction and so
 * one sync of the disk; each is still checked and written as a whole, in the order they came.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { assert, PropagitError, toPropagitError } from "@propagit/protocol";
import { checkSince } from "../core/history.js";
import { encodeWrites, findConflict, type EncodedWrite } from "../core/transaction.js";
import { Watchers } from "../core/watchers.js";
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
} from "../store.js";
import { openDatabase, type Database, type Statement } from "./sqlite.js";

/** Raised with each change of the tables; a newer file is refused. */
const schemaVersion = 1;

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS changes (
    position INTEGER PRIMARY KEY, revision INTEGER NOT NULL, key TEXT NOT NULL, value TEXT
  );
  CREATE INDEX IF NOT EXISTS changes_by_revision ON changes (revision);
  CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT OR IGNORE INTO state VALUES ('revision', 0);
`;

interface EntryRow {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}
type ChangeRow = Omit<EntryRow, "value"> & { readonly value: string | null };

interface Waiting {
  readonly transaction: Transaction;
  readonly writes: readonly EncodedWrite[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: PropagitError) => void;
}

/**
 * Opens the store in a file, which is made if need be.
 *
 * @throws DATA_UNUSABLE when the file cannot be made or written, is damaged, or of a newer version
 */
export async function openSqliteStore(path: string): Promise<Store> {
  let database: Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    database = openDatabase(path);
    prepareDatabase(database, path);
    return new SqliteStore(database, path);
  } catch (thrown) {
    database?.close();
    throw unusable(path, thrown);
  }
}

class SqliteStore implements Store {
  readonly #database: Database;
  readonly #path: string;
  readonly #watchers = new Watchers();
  readonly #waiting: Waiting[] = [];
  readonly #statements: ReturnType<typeof prepareStatements>;
  #revision: number;
  #isClosed = false;

  constructor(database: Database, path: string) {
    this.#database = database;
    this.#path = path;
    this.#statements = prepareStatements(database);
    const { value } = this.#statements.readRevision.get() as { value: number };
    this.#revision = value;
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#assertOpen();
    const row = this.#statements.getEntry.get(key) as EntryRow | undefined;
    return row && toEntry(row);
  }

  async list(prefix: string): Promise<{ entries: readonly Entry[]; revision: number }> {
    this.#assertOpen();
    // Not LIKE or GLOB: prefixes may hold any character. No key goes on with the last code point.
    const rows = this.#statements.listEntries.all(prefix, `${prefix}\u{10ffff}`) as EntryRow[];
    return { entries: rows.map(toEntry), revision: this.#revision };
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    this.#assertOpen();
    const writes = encodeWrites(transaction);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ transaction, writes, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#commitWaiting());
    });
  }

  watch(options: WatchOptions): Watch {
    this.#assertOpen();
    const oldest = this.#statements.oldestChange.get() as { revision: number } | undefined;
    checkSince(options.since, oldest?.revision, this.#revision);
    const rows = this.#statements.changesSince.all(options.since) as ChangeRow[];
    return this.#watchers.add(options, rows.map(toChange));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#commitWaiting();
    this.#isClosed = true;
    this.#watchers.stopAll();
    this.#database.close();
  }

  /** Everything that waits, as one SQLite transaction; all are refused when the disk refuses. */
  #commitWaiting(): void {
    const batch = this.#waiting.splice(0);
    if (batch.length === 0) return;
    const changes: Change[] = [];
    const before = this.#revision;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const outcomes = batch.map((waiting) => this.#write(waiting, changes));
      if (this.#revision !== before) this.#finish();
      this.#database.exec("COMMIT");
      batch.forEach(({ resolve }, index) => {
        const outcome = outcomes[index];
        assert(outcome, "every transaction has an outcome");
        resolve(outcome);
      });
      this.#watchers.announce(changes);
    } catch (thrown) {
      this.#revision = before;
      rollBack(this.#database);
      for (const { reject } of batch) reject(unusable(this.#path, thrown));
    }
  }

  #write({ transaction, writes }: Waiting, changes: Change[]): Outcome {
    const conflict = findConflict(transaction, (key) => this.#revisionOf(key));
    if (conflict) return conflict;
    if (writes.length > 0) this.#revision++;
    for (const write of writes) changes.push(...this.#apply(write));
    return { ok: true, revision: this.#revision };
  }

  #apply(write: EncodedWrite): readonly Change[] {
    const { putEntry, deleteEntry, addChange } = this.#statements;
    const revision = this.#revision;
    if (write.kind === "put") {
      putEntry.run(write.key, write.json, revision);
      addChange.run(revision, write.key, write.json);
      return [{ kind: "put", entry: toEntry({ key: write.key, value: write.json, revision }) }];
    }
    if (this.#revisionOf(write.key) === 0) return [];
    deleteEntry.run(write.key);
    addChange.run(revision, write.key, null);
    return [{ kind: "delete", key: write.key, revision }];
  }

  #finish(): void {
    this.#statements.writeRevision.run(this.#revision);
    this.#statements.forgetChanges.run(changesKept);
  }

  #revisionOf(key: string): number {
    const row = this.#statements.getEntry.get(key) as EntryRow | undefined;
    return row?.revision ?? 0;
  }

  #assertOpen(): void {
    assert(!this.#isClosed, "a closed store is used");
  }
}

function prepareDatabase(database: Database, path: string): void {
  database.exec("PRAGMA busy_timeout = 5000");
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  const { user_version: found } = database.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (found > schemaVersion) {
    throw new PropagitError(
      "DATA_UNUSABLE",
      `${path} was written by a newer version (schema ${found}, this program knows ${schemaVersion})`,
      { hint: "run the newer version, or give another folder with --data" },
    );
  }
  database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

function prepareStatements(database: Database): Readonly<Record<StatementName, Statement>> {
  return {
    readRevision: database.prepare("SELECT value FROM state WHERE name = 'revision'"),
    writeRevision: database.prepare("UPDATE state SET value = ? WHERE name = 'revision'"),
    getEntry: database.prepare("SELECT key, value, revision FROM entries WHERE key = ?"),
    listEntries: database.prepare(
      "SELECT key, value, revision FROM entries WHERE key >= ? AND key < ? ORDER BY key",
    ),
    putEntry: database.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)"),
    deleteEntry: database.prepare("DELETE FROM entries WHERE key = ?"),
    addChange: database.prepare("INSERT INTO changes (revision, key, value) VALUES (?, ?, ?)"),
    changesSince: database.prepare(
      "SELECT key, value, revision FROM changes WHERE revision > ? ORDER BY position",
    ),
    oldestChange: database.prepare("SELECT revision FROM changes ORDER BY position LIMIT 1"),
    forgetChanges: database.prepare(
      "DELETE FROM changes WHERE position <= (SELECT max(position) FROM changes) - ?",
    ),
  };
}

type StatementName =
  | "readRevision"
  | "writeRevision"
  | "getEntry"
  | "listEntries"
  | "putEntry"
  | "deleteEntry"
  | "addChange"
  | "changesSince"
  | "oldestChange"
  | "forgetChanges";

function toEntry({ key, value, revision }: EntryRow): Entry {
  return { key, value: JSON.parse(value) as Json, revision };
}

function toChange({ key, value, revision }: ChangeRow): Change {
  if (value === null) return { kind: "delete", key, revision };
  return { kind: "put", entry: toEntry({ key, value, revision }) };
}

function rollBack(database: Database): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself, as it does when the disk is full.
  }
}

function unusable(path: string, thrown: unknown): PropagitError {
  if (thrown instanceof PropagitError) return thrown;
  const reason = toPropagitError(thrown).message;
  return new PropagitError("DATA_UNUSABLE", `${path} cannot be used: ${reason}`, { cause: thrown });
}
