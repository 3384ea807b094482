import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { identifyProcess, isRunning } from "@propagit/runtime";
import { Child, type ChildWatch } from "../../src/up/child.js";
import { Leftovers } from "../../src/up/leftovers.js";

/** What a watch heard, and when something new comes. */
class Heard implements ChildWatch {
  readonly lines: string[] = [];
  readonly pids: number[] = [];
  readonly ends: string[] = [];
  #changed = () => undefined as void;

  line(_: string, text: string): void {
    this.lines.push(text);
    this.#changed();
  }

  started(_: string, pid: number): void {
    this.pids.push(pid);
    this.#changed();
  }

  ended(_: string, reason: string): void {
    this.ends.push(reason);
    this.#changed();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

function childOf(
  test: TestContext,
  script: string,
): { readonly child: Child; readonly heard: Heard } {
  const heard = new Heard();
  const plan = {
    name: "part",
    command: [process.execPath, "--eval", script] as const,
    env: process.env,
    readyWhen: [/works/],
  };
  const child = new Child(plan, heard);
  test.after(() => child.stop("SIGKILL", 1_000));
  return { child, heard };
}

const serving = 'console.log("works"); setInterval(() => {}, 1000);';

describe("a process that is kept running", () => {
  it("is waited for until it says that it works, and ended by its signal", async (test) => {
    const { child, heard } = childOf(test, serving);
    await child.start();
    assert.deepEqual(heard.lines, ["works"]);
    await child.stop("SIGTERM", 10_000);
    assert.deepEqual([child.pid, heard.ends], [undefined, []]);
  });

  it("is started again when it ends by itself", async (test) => {
    const { child, heard } = childOf(test, serving);
    await child.start();
    process.kill(heard.pids[0] ?? 0, "SIGKILL");
    await heard.until(() => heard.pids.length === 2 && heard.lines.length === 2);
    assert.deepEqual(heard.ends, ["SIGKILL"]);
  });

  it("that ends before it works is not started again, and its last words are told", async (test) => {
    const { child, heard } = childOf(test, 'console.error("no room"); process.exit(8);');
    await assert.rejects(child.start(), {
      code: "COMMAND_FAILED",
      message: "part ended before it worked (exit code 8)\n  | no room",
    });
    assert.deepEqual(heard.ends, []);
  });

  it("that cannot be started at all is told of", async () => {
    const plan = { name: "part", command: ["/nowhere/x"] as const, env: {}, readyWhen: [/./] };
    await assert.rejects(new Child(plan, new Heard()).start(), /ENOENT/);
  });

  it("that ignores its signal ends by force after the deadline", async (test) => {
    const { child } = childOf(test, `process.on("SIGTERM", () => {}); ${serving}`);
    await child.start();
    await child.stop("SIGTERM", 100);
    assert.equal(child.pid, undefined);
  });
});

describe("what an earlier life left running", () => {
  it("is ended, and nobody else who has one of its pids", async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "propagit-leftovers-"));
    test.after(() => rmSync(folder, { recursive: true }));
    const child = spawn(process.execPath, ["--eval", serving], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    test.after(() => child.kill("SIGKILL"));
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    const before = new Leftovers(folder);
    await before.remember("hub", child.pid ?? 0);
    const identity = await identifyProcess(child.pid ?? 0);
    assert.ok(identity && (await isRunning(identity)));
    assert.deepEqual(await new Leftovers(folder).clear(), ["hub"]);
    assert.deepEqual((await exited)[1], "SIGTERM");
    assert.deepEqual(await new Leftovers(folder).clear(), []);
    await before.forget();
    assert.deepEqual(await new Leftovers(folder).clear(), []);
  });
});
