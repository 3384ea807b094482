/** What only a store with a file can promise: restarts, one process at a time, broken files. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openSqliteStore, type Store } from "../../src/index.js";
import { closeFile, openFile, schemaVersion } from "../../src/system/sqlite-file.js";
import { openDatabase } from "../../src/system/sqlite.js";
import { failsWith, follow, put, remove, settled } from "../support/values.js";

const holderScript = fileURLToPath(new URL("../support/holder.js", import.meta.url));

let folder: string;
let path: string;
let opened: Store[];
let holders: Holder[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "propagit-store-"));
  path = join(folder, "data", "ledger.db");
  opened = [];
  holders = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  for (const running of holders) await running.end();
  rmSync(folder, { recursive: true, force: true });
});

async function open(where = path): Promise<Store> {
  const store = await openSqliteStore(where);
  opened.push(store);
  return store;
}

describe("a restart", () => {
  it("keeps what was written, goes on with the revisions and resumes watches", async () => {
    const first = await open();
    await first.transact({ writes: [put("a", 1), put("b", 1)] });
    await first.transact({ writes: [remove("a"), put("b", 2)] });
    await first.close();
    const second = await open();
    const { seen } = follow(second, 1);
    const checks = [{ key: "b", revision: 2 }];
    const outcome = await second.transact({ checks, writes: [put("c", 3)] });
    await settled();
    assert.deepEqual(outcome, { ok: true, revision: 3 });
    assert.deepEqual(seen, [
      { kind: "delete", key: "a", revision: 2 },
      { kind: "put", entry: { key: "b", value: 2, revision: 2 } },
      { kind: "put", entry: { key: "c", value: 3, revision: 3 } },
    ]);
    assert.deepEqual(await second.get("b"), { key: "b", value: 2, revision: 2 });
  });

  it("goes on with the revisions also when nothing is left", async () => {
    const first = await open();
    await first.transact({ writes: [put("a")] });
    await first.transact({ writes: [remove("a")] });
    await first.close();
    const second = await open();
    assert.deepEqual(await second.list(""), { entries: [], revision: 2 });
    assert.deepEqual(await second.transact({ writes: [put("a")] }), { ok: true, revision: 3 });
  });

  it("finds a single file, readable by its owner alone, that can be copied", async () => {
    const store = await open();
    await store.transact({ writes: [put("a")] });
    await store.close();
    assert.deepEqual(readdirSync(dirname(path)), ["ledger.db"]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
    copyFileSync(path, join(folder, "copy.db"));
    const copy = await open(join(folder, "copy.db"));
    assert.equal((await copy.get("a"))?.value, "a");
  });
});

it("asks for a sync of the disk with every commit, which kill -9 cannot show", async () => {
  const database = await openFile(path);
  const pragma = (name: string) =>
    Object.entries(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  assert.deepEqual(pragma("journal_mode"), ["journal_mode", "wal"]);
  assert.deepEqual(pragma("synchronous"), ["synchronous", 2]);
  closeFile(database);
});

it("keeps its log small, however much is written", async () => {
  const store = await open();
  const value = "v".repeat(10_000);
  let largest = 0;
  for (let round = 0; round < 2_000; round++) {
    await store.transact({ writes: [put(`${round % 10}`, value)] });
    largest = Math.max(largest, statSync(`${path}-wal`).size);
  }
  assert.ok(largest < 8 * 1024 * 1024, `the log grew to ${largest} bytes`);
});

describe("one process at a time", () => {
  it("lets one of several in and tells the others that the data is in use", async () => {
    const all = Array.from({ length: 4 }, () => hold(path));
    const answers = await Promise.all(all.map(({ answer }) => answer));
    assert.deepEqual(answers.toSorted(), ["DATA_IN_USE", "DATA_IN_USE", "DATA_IN_USE", "opened"]);
    await assert.rejects(openSqliteStore(path), failsWith("DATA_IN_USE", /another process works/));
    for (const running of all) await running.end();
    const store = await open();
    assert.equal((await store.list("")).revision, 1);
  });

  it("refuses a second store on the same file in the same process, until the first is closed", async () => {
    const first = await open();
    await first.transact({ writes: [put("a")] });
    await assert.rejects(openSqliteStore(path), failsWith("DATA_IN_USE"));
    await first.transact({ writes: [put("b")] });
    await first.close();
    const second = await open();
    assert.equal((await second.list("")).entries.length, 2);
  });
});

describe("a file that cannot be used", () => {
  const size = 40;

  /** A closed store with `size` entries of some pages. */
  async function makeStore(): Promise<void> {
    const store = await open();
    const writes = Array.from({ length: size }, (_, index) => put(`${index}`, "v".repeat(3_000)));
    await store.transact({ writes });
    await store.close();
  }

  it("is refused when it is no database, and left as it was", async () => {
    const garbage = "this is no database, but long enough to be taken for one".repeat(100);
    mkdirSync(dirname(path));
    writeFileSync(path, garbage);
    await assert.rejects(
      open(),
      failsWith("DATA_UNUSABLE", /ledger\.db cannot be used: .*damaged/),
    );
    assert.equal(readFileSync(path, "utf8"), garbage);
  });

  it("is refused when it is the database of another program, and left as it was", async () => {
    const foreign = join(folder, "foreign.db");
    const database = openDatabase(foreign);
    database.exec("CREATE TABLE things (name TEXT)");
    database.close();
    const before = readFileSync(foreign);
    await assert.rejects(open(foreign), failsWith("DATA_UNUSABLE", /of another program/));
    assert.deepEqual(readFileSync(foreign), before);
  });

  it("is refused when a newer version wrote it, with both versions, and left as it was", async () => {
    await makeStore();
    const database = openDatabase(path);
    database.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
    database.close();
    const before = readFileSync(path);
    const text = `written by a newer version \\(schema ${schemaVersion + 1}, .* ${schemaVersion}\\)`;
    await assert.rejects(open(), failsWith("DATA_UNUSABLE", new RegExp(text)));
    assert.deepEqual(readFileSync(path), before);
  });

  it("is refused when its end is cut off", async () => {
    await makeStore();
    truncateSync(path, statSync(path).size - 3 * 4096);
    await assert.rejects(open(), failsWith("DATA_UNUSABLE", /damaged/));
  });

  it("is refused wherever a page of it is overwritten", async () => {
    await makeStore();
    const whole = readFileSync(path);
    const spared: number[] = [];
    for (let page = 0; page * 4096 < whole.length; page++) {
      const broken = Buffer.from(whole);
      broken.fill(0xa5, page * 4096, (page + 1) * 4096);
      writeFileSync(path, broken);
      const refusal = await open().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (refusal === undefined) spared.push(page);
      else assert.ok(failsWith("DATA_UNUSABLE", /damaged/)(refusal), `page ${page}`);
      await opened.pop()?.close();
      for (const log of ["-wal", "-journal"]) rmSync(path + log, { force: true });
    }
    // Pages in the middle of a long row hold nothing but its text: SQLite has no sums over those.
    assert.ok(spared.length < whole.length / 4096 / 2, `unnoticed in pages ${spared.join()}`);
  });

  it("is refused when it is a folder, or a part of its path is a file", async () => {
    mkdirSync(path, { recursive: true });
    await assert.rejects(open(), failsWith("DATA_UNUSABLE", /ledger\.db cannot be used: it/));
    writeFileSync(join(folder, "file"), "");
    const below = join(folder, "file", "ledger.db");
    await assert.rejects(open(below), failsWith("DATA_UNUSABLE", /a part of its path is a file/));
  });
});

it("says nothing of experiments to whoever runs it", async () => {
  const running = hold(path);
  assert.equal(await running.answer, "opened");
  await running.end();
  assert.equal(running.errors(), "");
});

interface Holder {
  /** What it says: `opened`, or the code it was refused with. */
  readonly answer: Promise<string>;
  errors(): string;
  end(): Promise<void>;
}

function hold(where: string): Holder {
  const child: ChildProcess = spawn(process.execPath, [holderScript, where]);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const answer = new Promise<string>((resolve) => {
    child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    void ended.then(() => resolve(`ended: ${errors}`));
  });
  const end = async () => {
    await answer;
    child.stdin?.end();
    await ended;
  };
  const holder: Holder = { answer, errors: () => errors, end };
  holders.push(holder);
  return holder;
}
