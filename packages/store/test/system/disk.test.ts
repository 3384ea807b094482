/** Full and read-only disks: real ones of a few megabytes, where the test may mount them. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { openSqliteStore, type Change, type Store } from "../../src/index.js";
import { failsWith, follow, put, settled } from "../support/values.js";

const writer = fileURLToPath(new URL("../support/endless-writer.js", import.meta.url));
const holder = fileURLToPath(new URL("../support/holder.js", import.meta.url));
const isFull = failsWith("DATA_UNUSABLE", /ledger\.db cannot be used: the disk is full/);

it("refuses writes on a full disk, keeps answering, loses nothing and works again when there is space", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return;
  const path = join(disk, "ledger.db");
  const store = await openSqliteStore(path);
  const { seen } = follow(store, 0);
  await store.transact({ writes: [put("before", "kept")] });
  const kept = await writeUntilFull(store, disk);
  assert.equal((await store.get("before"))?.value, "kept");
  const { entries, revision } = await store.list("");
  assert.deepEqual(
    entries.map(({ key }) => key),
    ["before", ...kept].sort(),
    "there is what was acknowledged and nothing else",
  );
  rmSync(join(disk, "ballast"));
  assert.deepEqual(await store.transact({ writes: [put("after")] }), {
    ok: true,
    revision: revision + 1,
  });
  await settled();
  assert.deepEqual(seen.map(keyOfPut), ["before", ...kept, "after"]);
  await store.close();
  const again = await openSqliteStore(path);
  assert.equal((await again.list("")).entries.length, kept.length + 2);
  await again.close();
});

it("lets what fits on the disk not fail for what was asked for beside it", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return;
  const store = await openSqliteStore(join(disk, "ledger.db"));
  await store.transact({ writes: [put("first")] });
  fill(disk, 200 * 1024);
  const results = await Promise.allSettled([
    store.transact({ writes: [put("small/1")] }),
    store.transact({ writes: [put("large", "v".repeat(900_000))] }),
    store.transact({ writes: [put("small/2")] }),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.equal((await store.list("small/")).entries.length, 2);
  assert.equal(await store.get("large"), undefined);
  await store.close();
});

it("keeps what was acknowledged when its process dies of a full disk", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return;
  const path = join(disk, "ledger.db");
  fill(disk, 600 * 1024);
  const { status, stdout, stderr } = spawnSync(process.execPath, [writer, path, "0"], {
    timeout: 30_000,
  });
  assert.notEqual(status, 0);
  assert.match(stderr.toString(), /the disk is full/);
  const acknowledged = stdout.toString().split("\n").slice(0, -1);
  assert.ok(acknowledged.length > 0, "some fitted");
  rmSync(join(disk, "ballast"));
  const store = await openSqliteStore(path);
  const { entries } = await store.list("left/");
  const there = new Set(entries.map(({ key }) => key.slice("left/".length)));
  for (const number of acknowledged) assert.ok(there.has(number), `write ${number} is there`);
  assert.equal((await store.list("right/")).entries.length, there.size);
  await store.close();
});

it("refuses to begin on a full disk with the reason", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return;
  fill(disk, 0);
  await assert.rejects(openSqliteStore(join(disk, "ledger.db")), isFull);
});

it("refuses a read-only disk with the reason, with or without a file on it", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return;
  // Made by another process: a disk is busy as long as libsql holds files on it.
  const { stdout } = spawnSync(process.execPath, [holder, join(disk, "old", "ledger.db")]);
  assert.equal(stdout.toString(), "opened\n");
  execFileSync("mount", ["-o", "remount,ro", disk]);
  const isReadOnly = failsWith("DATA_UNUSABLE", /ledger\.db cannot be used: .*read-only/);
  await assert.rejects(openSqliteStore(join(disk, "old", "ledger.db")), isReadOnly);
  await assert.rejects(openSqliteStore(join(disk, "ledger.db")), isReadOnly);
  await assert.rejects(openSqliteStore(join(disk, "new", "ledger.db")), isReadOnly);
});

it("refuses a folder whose mode forbids writing", async (t) => {
  if (process.getuid?.() === 0) return t.skip("nothing is forbidden to root");
  const folder = mkdtempSync(join(tmpdir(), "propagit-store-"));
  t.after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o500);
  const refusal = failsWith("DATA_UNUSABLE", /its mode or that of its folder forbids it/);
  await assert.rejects(openSqliteStore(join(folder, "ledger.db")), refusal);
});

/** Writes until the disk is full; the keys that were acknowledged. */
async function writeUntilFull(store: Store, disk: string): Promise<readonly string[]> {
  fill(disk, 600 * 1024);
  const kept: string[] = [];
  for (let index = 100; index < 1_000; index++) {
    const key = `filler/${index}`;
    try {
      await store.transact({ writes: [put(key, "v".repeat(20_000))] });
      kept.push(key);
    } catch (thrown) {
      assert.ok(isFull(thrown), String(thrown));
      assert.ok(kept.length > 0, "some fitted");
      return kept;
    }
  }
  throw new Error("the disk never got full");
}

/** Leaves `bytesFree` or a little less on the disk. */
function fill(disk: string, bytesFree: number): void {
  const ballast = join(disk, "ballast");
  const step = Buffer.alloc(16 * 1024);
  try {
    for (;;) appendFileSync(ballast, step);
  } catch {
    const size = Math.max(0, statSync(ballast).size - bytesFree);
    truncateSync(ballast, size);
  }
}

/** A disk of 4 MB, or undefined after skipping the test where none can be made. */
function smallDisk(t: TestContext): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), "propagit-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], { stdio: "ignore" });
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

function keyOfPut(change: Change): string {
  assert.equal(change.kind, "put");
  return change.entry.key;
}
