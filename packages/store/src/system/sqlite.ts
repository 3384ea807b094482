/**
 * The two SQLite bindings behind one small shape: `node:sqlite` where Node has it (from 22.13), libsql
 * (prebuilt, as synchronous) before.
 */
import { createRequire } from "node:module";

/** Values that the store binds and reads. */
export type Cell = string | number | null;

export interface Statement {
  get(...cells: Cell[]): unknown;
  all(...cells: Cell[]): unknown[];
  run(...cells: Cell[]): unknown;
}

export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

type OpenDatabase = new (path: string) => Database;

const require = createRequire(import.meta.url);

export function openDatabase(path: string): Database {
  const Binding = nodeSqlite() ?? libsql();
  return new Binding(path);
}

/** Undefined where Node has none, or was told not to have one. */
function nodeSqlite(): OpenDatabase | undefined {
  const warn = process.emitWarning.bind(process);
  // Node warns once that the module is experimental; a user of the hub cannot do anything about that.
  process.emitWarning = () => undefined;
  try {
    return (require("node:sqlite") as { DatabaseSync: OpenDatabase }).DatabaseSync;
  } catch {
    return undefined;
  } finally {
    process.emitWarning = warn;
  }
}

function libsql(): OpenDatabase {
  return require("libsql") as OpenDatabase;
}

/**
 * SQLite's primary result code of an error (https://www.sqlite.org/rescode.html), or undefined; libsql and
 * node:sqlite have it under different names.
 */
export function resultCodeOf(thrown: unknown): number | undefined {
  const { errcode, rawCode } = (thrown ?? {}) as { errcode?: unknown; rawCode?: unknown };
  const extended = errcode ?? rawCode;
  return typeof extended === "number" ? extended & 0xff : undefined;
}
