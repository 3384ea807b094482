/** The two tables of a store's file: every SQL statement at work, and rows as the store's values. */
import { historyStart, type HistoryMark } from "../core/history.js";
import { byKey, isStorable, type EncodedWrite } from "../core/transaction.js";
import type { Change, Entry, Json } from "../store.js";
import type { Cell, Database, Statement } from "./sqlite.js";

interface EntryRow {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

interface HistoryRow {
  readonly revision: number;
  readonly writes: string;
}

export class Tables {
  readonly #database: Database;
  /** By their SQL: prepared once, when first used. */
  readonly #statements = new Map<string, Statement>();

  constructor(database: Database) {
    this.#database = database;
  }

  getEntry(key: string): Entry | undefined {
    if (!isStorable(key)) return undefined;
    const row = this.#first("SELECT key, value, revision FROM entries WHERE key = ?", key);
    return row === undefined ? undefined : toEntry(row as EntryRow);
  }

  /** Revision of a key without reading its value; 0 when there is none. */
  revisionOf(key: string): number {
    if (!isStorable(key)) return 0;
    const row = this.#first("SELECT revision FROM entries WHERE key = ?", key);
    return (row as EntryRow | undefined)?.revision ?? 0;
  }

  listEntries(prefix: string): readonly Entry[] {
    // Not LIKE or GLOB: prefixes may hold any character. The byte ff is in no UTF-8 text, so that every
    // text with the prefix, and only those, is below the prefix followed by it.
    const sql =
      "SELECT key, value, revision FROM entries WHERE key >= ? AND key < ? || CAST(x'ff' AS TEXT)";
    const rows = this.#all(sql, prefix, prefix) as readonly EntryRow[];
    return rows.map(toEntry).sort(byKey);
  }

  applyWrites(writes: readonly EncodedWrite[], revision: number): void {
    for (const write of writes) {
      if (write.kind === "delete") this.#run("DELETE FROM entries WHERE key = ?", write.key);
      else this.#run("REPLACE INTO entries VALUES (?, ?, ?)", write.key, write.json, revision);
    }
  }

  newestMark(): HistoryMark {
    const sql = "SELECT revision, changes, bytes FROM history ORDER BY revision DESC LIMIT 1";
    return (this.#first(sql) as HistoryMark | undefined) ?? historyStart;
  }

  oldestMark(): HistoryMark | undefined {
    const sql = "SELECT revision, changes, bytes FROM history ORDER BY revision LIMIT 1";
    return this.#first(sql) as HistoryMark | undefined;
  }

  remember(mark: HistoryMark, writes: readonly EncodedWrite[]): void {
    const { revision, changes, bytes } = mark;
    const text = `[${writes.map(toPair).join()}]`;
    this.#run("INSERT INTO history VALUES (?, ?, ?, ?)", revision, changes, bytes, text);
  }

  forget(revision: number): void {
    this.#run("DELETE FROM history WHERE revision = ?", revision);
  }

  changesAfter(revision: number): readonly Change[] {
    const sql = "SELECT revision, writes FROM history WHERE revision > ? ORDER BY revision";
    return (this.#all(sql, revision) as readonly HistoryRow[]).flatMap(toChanges);
  }

  #first(sql: string, ...cells: Cell[]): unknown {
    // One binding answers null and the other undefined for "no row".
    return this.#prepared(sql).get(...cells) ?? undefined;
  }

  #all(sql: string, ...cells: Cell[]): readonly unknown[] {
    return this.#prepared(sql).all(...cells);
  }

  #run(sql: string, ...cells: Cell[]): void {
    this.#prepared(sql).run(...cells);
  }

  #prepared(sql: string): Statement {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function toEntry({ key, value, revision }: EntryRow): Entry {
  return { key, value: JSON.parse(value) as Json, revision };
}

function toPair(write: EncodedWrite): string {
  const key = JSON.stringify(write.key);
  return write.kind === "put" ? `[${key},${write.json}]` : `[${key}]`;
}

function toChanges({ revision, writes }: HistoryRow): readonly Change[] {
  const pairs = JSON.parse(writes) as readonly (readonly [key: string, value?: Json])[];
  return pairs.map(([key, value]) =>
    value === undefined
      ? { kind: "delete", key, revision }
      : { kind: "put", entry: { key, value, revision } },
  );
}
