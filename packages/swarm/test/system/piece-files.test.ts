import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { nodeRandom } from "@propagit/runtime";
import { openPieceFiles } from "../../src/system/piece-files.js";
import { noMount, temporaryFolder, temporaryMount } from "../support/folders.js";

const artifact = "a".repeat(64);
const other = "b".repeat(64);
const isRoot = process.getuid?.() === 0;

async function filesIn(test: TestContext) {
  const folder = join(await temporaryFolder(test), "swarm/artifacts");
  return { folder, files: await openPieceFiles(folder, nodeRandom) };
}

describe("files of pieces", () => {
  it("give back what was written, in any order, also to the next life", async (test) => {
    const { folder, files } = await filesIn(test);
    const bytes = randomBytes(1_000_000);
    const file = await files.open(artifact, bytes.length);
    for (const at of [700_000, 0, 300_000]) {
      await file.write(at, bytes.subarray(at, Math.min(at + 400_000, bytes.length)));
    }
    await file.sync();
    await file.close();
    const again = await (await openPieceFiles(folder, nodeRandom)).open(artifact, bytes.length);
    const into = Buffer.alloc(bytes.length);
    await again.read(0, into);
    assert.deepEqual(into, bytes);
    const part = Buffer.alloc(10);
    await again.read(299_995, part);
    assert.deepEqual(part, bytes.subarray(299_995, 300_005));
    await again.close();
    assert.deepEqual(await readFile(again.path), bytes);
  });

  it("take no more of the disk than what was written", async (test) => {
    const { files } = await filesIn(test);
    const file = await files.open(artifact, 200 * 2 ** 20);
    await file.write(100 * 2 ** 20, Buffer.alloc(2 ** 20, 1));
    await file.sync();
    const [kept] = await files.list();
    assert.ok(kept && kept.bytes >= 2 ** 20 && kept.bytes < 2 * 2 ** 20, JSON.stringify(kept));
    await file.close();
  });

  it("may be empty, and may be of one byte", async (test) => {
    const { files } = await filesIn(test);
    const empty = await files.open(artifact, 0);
    await empty.read(0, Buffer.alloc(0));
    await empty.write(0, Buffer.alloc(0));
    await empty.close();
    const one = await files.open(other, 1);
    await one.write(0, Buffer.from([7]));
    const into = Buffer.alloc(1);
    await one.read(0, into);
    assert.deepEqual([...into], [7]);
    await one.close();
  });

  it("get the size that is asked for, whatever was there", async (test) => {
    const { files } = await filesIn(test);
    const file = await files.open(artifact, 10);
    await file.close();
    const longer = await files.open(artifact, 20);
    await longer.read(0, Buffer.alloc(20));
    await longer.close();
    const shorter = await files.open(artifact, 5);
    await assert.rejects(shorter.read(0, Buffer.alloc(6)), { code: "DATA_UNUSABLE" });
    await shorter.close();
  });

  it("belong to their owner alone", async (test) => {
    const { folder, files } = await filesIn(test);
    const file = await files.open(artifact, 10);
    await files.writeNote(artifact, "grant", "secret");
    await file.close();
    const mode = async (...path: string[]) => (await stat(join(folder, ...path))).mode & 0o777;
    assert.equal(await mode(), 0o700);
    assert.equal(await mode(artifact), 0o700);
    assert.equal(await mode(artifact, "pack"), 0o600);
    assert.equal(await mode(artifact, "grant"), 0o600);
  });

  it("have notes beside them, whole or not there", async (test) => {
    const { folder, files } = await filesIn(test);
    assert.equal(await files.readNote(artifact, "manifest"), undefined);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => files.writeNote(artifact, "manifest", `m${index}`)),
    );
    assert.equal(await files.readNote(artifact, "manifest"), "m19");
    assert.deepEqual(await readdir(join(folder, artifact)), ["manifest"]);
  });

  it("are listed with what they take and when they were used", async (test) => {
    const { folder, files } = await filesIn(test);
    assert.deepEqual(await files.list(), []);
    const file = await files.open(artifact, 8192);
    await file.write(0, Buffer.alloc(8192, 1));
    await file.close();
    await files.writeNote(other, "grant", "x");
    const long = new Date(1_600_000_000_000);
    await utimes(join(folder, artifact, "pack"), long, long);
    const before = await files.list();
    assert.deepEqual(before.map((it) => it.artifact).sort(), [artifact, other]);
    assert.equal(before.find((it) => it.artifact === artifact)?.usedAt, long.getTime());
    assert.equal(before.find((it) => it.artifact === artifact)?.bytes, 8192);
    await (await files.open(artifact, 8192)).close();
    const after = (await files.list()).find((it) => it.artifact === artifact);
    assert.ok(after && after.usedAt > Date.now() - 60_000);
  });

  it("are gone when removed, once or twice, also while somebody has them open", async (test) => {
    const { folder, files } = await filesIn(test);
    const file = await files.open(artifact, 100);
    await files.writeNote(artifact, "grant", "x");
    await files.remove(artifact);
    await files.remove(artifact);
    assert.deepEqual(await readdir(folder), []);
    await file.write(0, Buffer.alloc(100));
    await file.close();
    assert.deepEqual(await files.list(), []);
  });

  it("tidy up what a killed life left: half-removed artifacts, half-written notes, empty folders", async (test) => {
    const { folder, files } = await filesIn(test);
    await files.writeNote(artifact, "grant", "kept");
    await writeFile(join(folder, artifact, "manifest.new"), "half");
    await mkdir(join(folder, other));
    await writeFile(join(folder, other, "grant.new"), "half");
    await mkdir(join(folder, ".removed-0123456789abcdef"));
    await writeFile(join(folder, ".removed-0123456789abcdef", "pack"), "old");
    await writeFile(join(folder, "of-somebody-else"), "");
    const again = await openPieceFiles(folder, nodeRandom);
    assert.deepEqual((await readdir(folder)).sort(), [artifact, "of-somebody-else"]);
    assert.deepEqual(await readdir(join(folder, artifact)), ["grant"]);
    assert.deepEqual(
      (await again.list()).map((it) => it.artifact),
      [artifact],
    );
  });

  it("are also read where they lie elsewhere, if they are as long as they should be", async (test) => {
    const { folder, files } = await filesIn(test);
    const path = join(folder, "mine.pack");
    await writeFile(path, "0123456789");
    const file = await files.openPath(path, 10);
    const into = Buffer.alloc(3);
    await file.read(4, into);
    assert.equal(into.toString(), "456");
    await assert.rejects(file.write(0, into), { code: "DATA_UNUSABLE" });
    await file.close();
    await assert.rejects(files.openPath(path, 11), failsWith(/has 10 bytes instead of 11/));
    await assert.rejects(files.openPath(`${path}x`, 1), failsWith(/mine\.packx .*ENOENT/));
  });
});

describe("a disk", () => {
  it(
    "that has no room for an artifact is told before anything is fetched",
    { skip: noMount },
    async (test) => {
      const { folder } = await temporaryMount(test, "size=4m,mode=700");
      const files = await openPieceFiles(join(folder, "a"), nodeRandom);
      const wanted = files.open(artifact, 10 * 2 ** 20);
      await assert.rejects(
        wanted,
        failsWith(/pack needs 10 MiB more, and [34]\.\d MiB of disk are free/),
      );
    },
  );

  it(
    "that fills up on the way is named with what is free, and what was written stays",
    { skip: noMount },
    async (test) => {
      const { folder } = await temporaryMount(test, "size=4m,mode=700");
      const files = await openPieceFiles(join(folder, "a"), nodeRandom);
      const file = await files.open(artifact, 3 * 2 ** 20);
      const bytes = randomBytes(2 ** 20);
      await file.write(0, bytes);
      await writeFile(join(folder, "filler"), Buffer.alloc(5 * 2 ** 20)).catch(() => undefined);
      const failing = file.write(2 ** 20, Buffer.alloc(2 * 2 ** 20, 1));
      await assert.rejects(failing, failsWith(/disk is full \(ENOSPC\); 0 B of disk are free/));
      await assert.rejects(
        files.writeNote(artifact, "manifest", "x".repeat(2 ** 20)),
        failsWith(/manifest .*disk is full/),
      );
      const into = Buffer.alloc(bytes.length);
      await file.read(0, into);
      assert.deepEqual(into, bytes);
      await file.close();
      await files.remove(artifact);
      assert.deepEqual(await files.list(), []);
    },
  );

  it("that is read-only is named, and can still be read from", { skip: noMount }, async (test) => {
    const { folder, remount } = await temporaryMount(test, "size=4m,mode=700");
    const files = await openPieceFiles(join(folder, "a"), nodeRandom);
    await (await files.open(artifact, 10)).close();
    await files.writeNote(artifact, "grant", "x");
    remount("ro");
    await assert.rejects(files.open(other, 10), failsWith(/read-only \(EROFS\)/));
    await assert.rejects(files.open(artifact, 10), failsWith(/read-only \(EROFS\)/));
    await assert.rejects(files.writeNote(artifact, "grant", "y"), failsWith(/read-only/));
    await assert.rejects(files.remove(artifact), failsWith(/read-only/));
    assert.equal(await files.readNote(artifact, "grant"), "x");
    await assert.rejects(openPieceFiles(join(folder, "new"), nodeRandom), failsWith(/read-only/));
  });

  it(
    "that may not be written is named",
    { skip: isRoot ? "root may write everywhere" : false },
    async (test) => {
      const folder = await temporaryFolder(test);
      await chmod(folder, 0o500);
      await assert.rejects(openPieceFiles(join(folder, "a"), nodeRandom), failsWith(/EACCES/));
      await chmod(folder, 0o700);
    },
  );
});

function failsWith(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PropagitError, String(error));
    assert.equal(error.code, "DATA_UNUSABLE");
    assert.match(error.message, message);
    return true;
  };
}
