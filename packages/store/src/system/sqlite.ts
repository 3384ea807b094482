/**
 * The two SQLite bindings behind one small shape: `node:sqlite` where Node has it (from 22.13), libsql
 * (prebuilt, synchronous) before.
 */
import { createRequire } from "node:module";

export interface Statement {
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
  run(...values: unknown[]): unknown;
}

export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

type OpenDatabase = new (path: string) => Database;

const require = createRequire(import.meta.url);

export function openDatabase(path: string): Database {
  const Binding = hasNodeSqlite() ? nodeSqlite() : libsql();
  return new Binding(path);
}

function hasNodeSqlite(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

/** Node warns that the module is experimental; a user of the hub cannot do anything about that. */
function nodeSqlite(): OpenDatabase {
  const warn = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return (require("node:sqlite") as { DatabaseSync: OpenDatabase }).DatabaseSync;
  } finally {
    process.emitWarning = warn;
  }
}

function libsql(): OpenDatabase {
  return require("libsql") as OpenDatabase;
}
