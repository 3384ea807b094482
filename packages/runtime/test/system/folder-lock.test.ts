import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { identifyProcess, lockFolder } from "../../src/index.js";
import { startScript } from "../support/children.js";
import { temporaryFolder, temporaryMount } from "../support/folders.js";

const holding = (folder: string) => `
  await runtime.lockFolder(${JSON.stringify(folder)});
  console.log("locked");
  setInterval(() => {}, 1000);`;

/** Tries once, says how it went, holds what it got until it is killed. */
const trying = (folder: string) => `
  try { await runtime.lockFolder(${JSON.stringify(folder)}); console.log("locked"); }
  catch (error) { console.log(error.code); }
  setInterval(() => {}, 1000);`;

describe("a locked folder", () => {
  it("is made if need be, and free again after its release", async (test) => {
    const folder = join(await temporaryFolder(test), "data/hub-6001");
    const lock = await lockFolder(folder);
    await lock.release();
    await (await lockFolder(folder)).release();
    assert.deepEqual(await readdir(folder), []);
  });

  it("is refused to a second process, with the pid of the first", async (test) => {
    const folder = await temporaryFolder(test);
    const holder = startScript(test, holding(folder));
    await holder.line();
    await assert.rejects(lockFolder(folder), {
      code: "DATA_IN_USE",
      message: `the data folder ${folder} is in use by process ${holder.pid}`,
    });
  });

  it("is refused to the same process, too", async (test) => {
    const folder = await temporaryFolder(test);
    const lock = await lockFolder(folder);
    await assert.rejects(lockFolder(folder), { code: "DATA_IN_USE" });
    await lock.release();
  });

  it("is taken over from a process that was killed", async (test) => {
    const folder = await temporaryFolder(test);
    const holder = startScript(test, holding(folder));
    await holder.line();
    await holder.kill("SIGKILL");
    await (await lockFolder(folder)).release();
    assert.deepEqual(await readdir(folder), []);
  });

  it("is taken over when the pid in it belongs to another process by now", async (test) => {
    const folder = await temporaryFolder(test);
    await writeFile(join(folder, "lock"), JSON.stringify({ pid: process.pid, startTime: "1" }));
    const lock = await lockFolder(folder);
    const content = JSON.parse(await readFile(join(folder, "lock"), "utf8")) as unknown;
    assert.deepEqual(content, await identifyProcess(process.pid));
    await lock.release();
  });

  for (const content of ["", "{", "null", '{"pid":"7"}', "7"]) {
    it(`is taken over when its lock holds ${JSON.stringify(content)}, as after a power cut`, async (test) => {
      const folder = await temporaryFolder(test);
      await writeFile(join(folder, "lock"), content);
      await (await lockFolder(folder)).release();
    });
  }

  it("is taken over although a process died while taking it over", async (test) => {
    const folder = await temporaryFolder(test);
    const stale = '{"pid":1,"startTime":"0"}';
    await writeFile(join(folder, "lock"), stale);
    const dead = startScript(
      test,
      `import { createHash } from "node:crypto";
       import { writeFileSync } from "node:fs";
       const name = createHash("sha256").update(${JSON.stringify(stale)}).digest("hex").slice(0, 16);
       const self = JSON.stringify(await runtime.identifyProcess(process.pid));
       writeFileSync(${JSON.stringify(join(folder, "lock"))} + "." + name, self);
       console.log("clearing");
       setInterval(() => {}, 1000);`,
    );
    await dead.line();
    await dead.kill("SIGKILL");
    await (await lockFolder(folder)).release();
    assert.deepEqual(await readdir(folder), []);
  });

  it("goes to exactly one of many that find the same stale lock", async (test) => {
    const folder = await temporaryFolder(test);
    for (let round = 0; round < 3; round++) {
      await writeFile(join(folder, "lock"), JSON.stringify({ pid: 1, startTime: `${round}` }));
      const children = Array.from({ length: 4 }, () => startScript(test, trying(folder)));
      const answers = await Promise.all(children.map((child) => child.line()));
      assert.deepEqual(answers.sort(), ["DATA_IN_USE", "DATA_IN_USE", "DATA_IN_USE", "locked"]);
      await Promise.all(children.map((child) => child.kill("SIGKILL")));
    }
  });

  it("goes to exactly one of many callers in one process", async (test) => {
    const folder = await temporaryFolder(test);
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("is DATA_UNUSABLE where it cannot be written", async (test) => {
    const folder = await temporaryFolder(test);
    await writeFile(join(folder, "file"), "");
    await assert.rejects(lockFolder(join(folder, "file")), { code: "DATA_UNUSABLE" });
    const mounted = await temporaryMount(test, "size=64k,ro");
    if (!mounted) return test.skip("this user may not mount file systems");
    await assert.rejects(lockFolder(mounted.folder), { code: "DATA_UNUSABLE", message: /EROFS/ });
  });
});
