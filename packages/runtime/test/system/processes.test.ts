import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identifyProcess, isRunning } from "../../src/index.js";
import { startScript } from "../support/children.js";

describe("a process", () => {
  it("is itself and still runs", async () => {
    const self = await identifyProcess(process.pid);
    assert.ok(self);
    assert.equal(await isRunning(self), true);
  });

  it("is not another one with its pid", async () => {
    assert.equal(await isRunning({ pid: process.pid, startTime: "1" }), false);
  });

  it("no longer runs when it was killed", async (test) => {
    const child = startScript(test, `console.log("up"); setInterval(() => {}, 1000);`);
    await child.line();
    const identity = await identifyProcess(child.pid);
    assert.ok(identity && (await isRunning(identity)));
    await child.kill("SIGKILL");
    assert.equal(await isRunning(identity), false);
    assert.equal(await identifyProcess(child.pid), undefined);
  });

  it("is nothing for pids that cannot be", async () => {
    for (const pid of [0, -1, 2 ** 30, Number.NaN]) {
      assert.equal(await identifyProcess(pid), undefined);
    }
  });
});
