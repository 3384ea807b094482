/** What only a store with a disk can promise: kill -9, restarts, broken files and full disks. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { PropagitError } from "@propagit/protocol";
import { openSqliteStore, type Change } from "../../src/index.js";
import { openDatabase } from "../../src/system/sqlite.js";

const writer = fileURLToPath(new URL("../support/endless-writer.js", import.meta.url));
const kills = 8;
const isUnusable = (error: unknown) =>
  error instanceof PropagitError && error.code === "DATA_UNUSABLE";

describe("a store in a file", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "propagit-store-"));
    path = join(folder, "data", "ledger.db");
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("keeps every acknowledged write, whole, through kill -9", async () => {
    const acknowledged: number[] = [];
    for (let round = 0; round < kills; round++) {
      acknowledged.push(await writeUntilKilled(round));
      const store = await openSqliteStore(path);
      for (const [before, last] of acknowledged.entries()) {
        for (const twin of ["x", "y"]) {
          const left = await store.list(`${twin}/left/${before}/`);
          const right = await store.list(`${twin}/right/${before}/`);
          assert.ok(left.entries.length > last, `round ${before}: ${last + 1} were acknowledged`);
          assert.equal(left.entries.length, right.entries.length, "half a transaction is there");
        }
      }
      await store.close();
    }
    assert.ok(acknowledged.reduce((sum, last) => sum + last, 0) > 0, "something was written");
  });

  it("goes on after a restart: revisions rise, watches resume", async () => {
    const first = await openSqliteStore(path);
    await first.transact({ writes: [{ kind: "put", key: "a", value: 1 }] });
    await first.transact({ writes: [{ kind: "put", key: "b", value: 2 }] });
    await first.close();
    const second = await openSqliteStore(path);
    const seen: Change[] = [];
    second.watch({ prefix: "", since: 1, onChange: (change) => seen.push(change) });
    const outcome = await second.transact({ writes: [{ kind: "delete", key: "a" }] });
    await second.close();
    assert.deepEqual(outcome, { ok: true, revision: 3 });
    assert.deepEqual(seen[0], { kind: "put", entry: { key: "b", value: 2, revision: 2 } });
  });

  it("acknowledges what was asked for before close", async () => {
    const store = await openSqliteStore(path);
    const asked = store.transact({ writes: [{ kind: "put", key: "a", value: 1 }] });
    await store.close();
    assert.equal((await asked).ok, true);
    const again = await openSqliteStore(path);
    assert.equal((await again.get("a"))?.value, 1);
    await again.close();
  });

  it("refuses a file that is damaged or newer than the program, and leaves it alone", async () => {
    mkdirSync(join(folder, "data"));
    writeFileSync(
      path,
      "this is no database, but it is long enough to be taken for one".repeat(100),
    );
    await assert.rejects(openSqliteStore(path), isUnusable);
    const newer = join(folder, "newer.db");
    const database = openDatabase(newer);
    database.exec("PRAGMA user_version = 99");
    database.close();
    await assert.rejects(openSqliteStore(newer), /written by a newer version/);
  });

  it("refuses a folder that cannot be made", async () => {
    writeFileSync(join(folder, "file"), "");
    await assert.rejects(openSqliteStore(join(folder, "file", "ledger.db")), isUnusable);
  });

  it("refuses writes on a full disk, keeps what it has, and works again when there is space", async (t) => {
    const disk = smallDisk(t);
    if (!disk) return;
    const store = await openSqliteStore(join(disk, "ledger.db"));
    await store.transact({ writes: [{ kind: "put", key: "before", value: "kept" }] });
    const ballast = join(disk, "ballast");
    assert.throws(() => writeFileSync(ballast, Buffer.alloc(64 * 1024 * 1024)));
    const big = "v".repeat(500_000);
    const write = () => store.transact({ writes: [{ kind: "put", key: "big", value: big }] });
    await assert.rejects(write(), isUnusable);
    assert.equal((await store.get("before"))?.value, "kept");
    assert.equal(await store.get("big"), undefined);
    rmSync(ballast);
    assert.equal((await write()).ok, true);
    await store.close();
  });

  it("refuses a read-only disk with the reason", async (t) => {
    const disk = smallDisk(t);
    if (!disk) return;
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await assert.rejects(openSqliteStore(join(disk, "ledger.db")), isUnusable);
  });

  /** Index of the last write that the writer saw acknowledged before it was killed. */
  function writeUntilKilled(round: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [writer, path, String(round)]);
      let output = "";
      let errors = "";
      child.stderr.on("data", (chunk: Buffer) => {
        errors += chunk.toString();
      });
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        // Each round dies at another moment, in the middle of some write.
        if (output.split("\n").length > 5 + round * 7) child.kill("SIGKILL");
      });
      child.once("exit", () => {
        const whole = output.slice(0, output.lastIndexOf("\n")).split("\n");
        if (output === "") reject(new Error(errors));
        else resolve(Number(whole.at(-1)));
      });
    });
  }
});

/** A disk of 8 MB, or undefined after skipping the test where none can be made. */
function smallDisk(t: TestContext): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), "propagit-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    rmSync(disk, { recursive: true });
    t.skip("mounting a small disk needs root");
    return undefined;
  }
  t.after(() => {
    // Lazily: libsql gives its files back only when its statements are collected.
    execFileSync("umount", ["--lazy", disk]);
    rmSync(disk, { recursive: true });
  });
  return disk;
}
