/**
 * The file of a store: made, checked, taken for this process alone, given back whole.
 *
 *   at work   ledger.db + ledger.db-wal (what is not yet moved over), locked by one process
 *   at rest   ledger.db, nothing else: can be copied and moved
 *
 * After a kill the -wal file stays behind and the next open takes it in.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, nodeClock, nodeRandom, randomBetween, sleep } from "@propagit/runtime";
import { fileError, unusable } from "./sqlite-errors.js";
import { openDatabase, type Database } from "./sqlite.js";

/** Marks a file as ours in its header: "prop" in ASCII. */
const applicationId = 0x70726f70;
/** Raised with each change of the tables; a newer file is refused. */
export const schemaVersion = 1;

/**
 * Processes that open a file at the same moment stand in each other's way: while one waits for the lock it
 * keeps what the others wait for. So each waits for a short while of its own and lets go before it tries
 * again; of up to ten that tried at once one got in every time. All tries together take about half a second.
 */
const attemptsMax = 12;
const patienceMsMax = 40;

/**
 * `entries` is what is; `history` is how the newest transactions made it so, one row each, with running
 * totals (see core/history.ts) and the writes as JSON: `[["key", value], ["deleted key"]]`.
 */
const schema = `
  CREATE TABLE entries (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE history (
    revision INTEGER PRIMARY KEY, changes INTEGER NOT NULL, bytes INTEGER NOT NULL,
    writes TEXT NOT NULL
  );
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * Opens the file, which is made (mode 0600, its folder 0700) if need be.
 *
 * @throws DATA_UNUSABLE when it cannot be made or written, is damaged, not ours, or of a newer version;
 *   DATA_IN_USE when another process has it
 */
export async function openFile(path: string): Promise<Database> {
  for (let attempt = 1; ; attempt++) {
    try {
      return openOnce(path);
    } catch (thrown) {
      const error = fileError(path, thrown);
      if (error.code !== "DATA_IN_USE" || attempt === attemptsMax) throw error;
    }
    await sleep(nodeClock, randomBetween(nodeRandom, 1, patienceMsMax));
  }
}

function openOnce(path: string): Database {
  makeFile(path);
  const database = openDatabase(path);
  try {
    takeAndCheck(database, path);
    // A log is appended to and synced once for each commit; nothing else is safe and this fast.
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    return database;
  } catch (thrown) {
    abandon(database);
    throw thrown;
  }
}

/**
 * Moves the log into the file, lets go of the lock and closes. Closing alone would not do: libsql keeps
 * file and lock until its statements are collected as garbage.
 */
export function closeFile(database: Database): void {
  try {
    database.exec("PRAGMA journal_mode = DELETE");
    letGo(database);
  } catch {
    // The log stays beside the file, as after a kill; nothing of it is lost.
  }
  database.close();
}

function makeFile(path: string): void {
  makeFolder(dirname(path));
  create(() => closeSync(openSync(path, "wx", 0o600)), dirname(path));
}

/** Not Node's own recursion: it says ENOENT of a read-only disk, and does not sync what it makes. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  create(() => mkdirSync(folder, 0o700), dirname(folder));
}

/** Makes something in a folder for good, or leaves what somebody else made there. */
function create(make: () => void, folder: string): void {
  try {
    make();
    syncFolder(folder);
  } catch (thrown) {
    if (errnoOf(thrown) !== "EEXIST") throw thrown;
  }
}

/** Without this a power cut may take a new file away. Windows has no such call. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The lock comes first and stays, so that nobody writes between our look and our work. */
function takeAndCheck(database: Database, path: string): void {
  database.exec(`PRAGMA busy_timeout = ${randomBetween(nodeRandom, 1, patienceMsMax)}`);
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("BEGIN EXCLUSIVE");
  if (isNew(database)) database.exec(schema);
  else check(database, path);
  database.exec("COMMIT");
}

function isNew(database: Database): boolean {
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as {
    tables: number;
  };
  const marks = [readHeader(database, "application_id"), readHeader(database, "user_version")];
  return tables === 0 && marks.every((mark) => mark === 0);
}

function check(database: Database, path: string): void {
  if (readHeader(database, "application_id") !== applicationId) {
    throw unusable(path, "it is a database of another program");
  }
  const found = readHeader(database, "user_version");
  if (found > schemaVersion) throw tooNew(path, found);
  const [row] = database.prepare("PRAGMA quick_check(1)").all() as { quick_check: string }[];
  if (row?.quick_check !== "ok") throw unusable(path, `it is damaged (${row?.quick_check})`);
}

function readHeader(database: Database, field: "application_id" | "user_version"): number {
  const row = database.prepare(`PRAGMA ${field}`).get() as Readonly<Record<string, number>>;
  return row[field] ?? 0;
}

function tooNew(path: string, found: number): PropagitError {
  return new PropagitError(
    "DATA_UNUSABLE",
    `${path} was written by a newer version (schema ${found}, this program knows ${schemaVersion})`,
    { hint: "run the newer version, or give another folder with --data" },
  );
}

/** Leaves a file that was refused as it was. */
function abandon(database: Database): void {
  for (const step of [() => database.exec("ROLLBACK"), () => letGo(database)]) {
    try {
      step();
    } catch {
      // Nothing was begun, or nothing is held.
    }
  }
  database.close();
}

/** SQLite gives an exclusive lock back with the next read. */
function letGo(database: Database): void {
  database.exec("PRAGMA locking_mode = NORMAL");
  database.exec("SELECT 1 FROM sqlite_schema LIMIT 1");
}
