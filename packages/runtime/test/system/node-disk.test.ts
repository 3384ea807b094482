import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { nodeDisk, SimDisk } from "../../src/index.js";
import { startScript } from "../support/children.js";
import { temporaryFolder, temporaryMount } from "../support/folders.js";

describe("an atomic write", () => {
  it("leaves the old content or the new when the process is killed in the middle", async (test) => {
    const folder = await temporaryFolder(test);
    const path = join(folder, "state");
    const size = 200_000;
    for (let round = 0; round < 4; round++) {
      const child = startScript(
        test,
        `console.log("go");
         for (let i = 0; ; i++) await runtime.nodeDisk.writeAtomic(${JSON.stringify(path)}, String(i % 10).repeat(${size}));`,
      );
      await child.line();
      // Somewhere in its writes, not at a chosen place.
      await untilWritten(path);
      await child.kill("SIGKILL");
      const content = await readFile(path, "utf8");
      assert.equal(content.length, size);
      assert.equal(new Set(content).size, 1);
    }
  });

  it("leaves no other file behind, and cleans up after a killed one", async (test) => {
    const folder = await temporaryFolder(test);
    await writeFile(join(folder, "state.new"), "half-writ");
    await nodeDisk.writeAtomic(join(folder, "state"), "whole");
    assert.deepEqual(await readdir(folder), ["state"]);
  });

  it("gives the file the mode it was asked for, whatever lay there before", async (test) => {
    const folder = await temporaryFolder(test);
    await writeFile(join(folder, "secret.new"), "", { mode: 0o644 });
    await nodeDisk.writeAtomic(join(folder, "secret"), "beepboop", { mode: 0o600 });
    assert.equal((await stat(join(folder, "secret"))).mode & 0o777, 0o600);
  });

  it("fails with DATA_UNUSABLE where a folder is a file, and says which and why", async (test) => {
    const folder = await temporaryFolder(test);
    await writeFile(join(folder, "file"), "");
    const path = join(folder, "file/state");
    await assert.rejects(nodeDisk.writeAtomic(path, "x"), {
      code: "DATA_UNUSABLE",
      message: new RegExp(`^${path} cannot be used: E(EXIST|NOTDIR)$`),
    });
    await assert.rejects(nodeDisk.read(path), { code: "DATA_UNUSABLE" });
  });

  it("fails with DATA_UNUSABLE on a read-only disk, and so does a removal", async (test) => {
    const mounted = await temporaryMount(test, "size=1m");
    if (!mounted) return test.skip("this user may not mount file systems");
    const path = join(mounted.folder, "state");
    await nodeDisk.writeAtomic(path, "old");
    mounted.remount("ro");
    await assert.rejects(nodeDisk.writeAtomic(path, "new"), {
      code: "DATA_UNUSABLE",
      message: /EROFS/,
    });
    await assert.rejects(nodeDisk.remove(path), { code: "DATA_UNUSABLE", message: /EROFS/ });
    assert.equal(await nodeDisk.read(path), "old");
  });

  it("keeps the old content and leaves nothing half-written on a full disk, as the simulated one does", async (test) => {
    const mounted = await temporaryMount(test, "size=64k");
    if (!mounted) return test.skip("this user may not mount file systems");
    const path = join(mounted.folder, "state");
    await nodeDisk.writeAtomic(path, "old");
    const full = nodeDisk.writeAtomic(path, "x".repeat(1_000_000));
    await assert.rejects(full, { code: "DATA_UNUSABLE", message: /ENOSPC/ });
    assert.equal(await nodeDisk.read(path), "old");
    assert.deepEqual(await readdir(mounted.folder), ["state"]);
    await nodeDisk.writeAtomic(path, "room for this");
    const simulated = new SimDisk();
    simulated.isFull = true;
    await assert.rejects(simulated.writeAtomic(path, "x"), {
      code: "DATA_UNUSABLE",
      message: /ENOSPC/,
    });
  });
});

/** Until the file was replaced a few times since now. */
async function untilWritten(path: string): Promise<void> {
  const seen = new Set<number>();
  const deadline = Date.now() + 90_000;
  while (seen.size < 4) {
    if (Date.now() > deadline) throw new Error(`${path} was not written within 90 s`);
    const found = await stat(path).catch(() => undefined);
    if (found) seen.add(found.ino);
    await new Promise(setImmediate);
  }
}
