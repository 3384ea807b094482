import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { spawn } from "@lydell/node-pty";
import { bin } from "../support/command.js";
import { PlanFolder } from "../support/plan-folder.js";
import { TestScreen } from "../support/screen.js";

const columns = 60;
const rows = 20;

/** Waits until the file `go` is there. */
const untilGo = "while [ ! -e go ]; do sleep 0.05; done";

describe("propagit plans status --follow", () => {
  let folder: PlanFolder;
  beforeEach(() => {
    folder = new PlanFolder();
  });
  afterEach(() => folder.remove());

  /** Of which the second stage waits for the file `go`. @returns its id, once that is under way */
  async function start(quick: number): Promise<string> {
    const messages = Array.from({ length: quick }, (_, index) => ({
      command: "message",
      message: `m ${index}`,
    }));
    const slow = { command: "execute", directory: folder.path, run: untilGo };
    const failing = { command: "execute", run: "echo no such port; exit 3" };
    const stages = [
      { name: "quick", concurrency: 50, tasks: messages },
      { name: "slow", concurrency: 2, maxFailures: 1, tasks: [failing, slow] },
      { name: "last", tasks: [{ command: "message", message: "over" }] },
    ];
    folder.write("plan.json", JSON.stringify({ name: "followed", stages }));
    await folder.start(["apply", "plan.json"]).said(/failed: /);
    const [id = ""] = await folder.ids();
    return id;
  }

  it("draws the tree in place on a terminal, within its size, until the run is over", async (test) => {
    const id = await start(500);
    const { PATH = "", HOME = "" } = process.env;
    const env = { PATH, HOME, NO_COLOR: "1", PROPAGIT_HOME: folder.home };
    const args = [bin, "plans", "status", id, "--local", "--follow"];
    const pty = spawn(process.execPath, args, { cols: columns, rows, env });
    test.after(() => pty.kill("SIGKILL"));
    const screen = new TestScreen(columns);
    const exited = new Promise<number>((resolve) => {
      pty.onExit(({ exitCode }) => resolve(exitCode));
    });
    await new Promise<void>((resolve) => {
      pty.onData((data) => {
        screen.write(data);
        if (/3\. last {2}ahead/.test(screen.shown)) resolve();
      });
    });
    assert.match(screen.shown, /├─ ✓ 1\. quick {2}done: 500 done, took /);
    assert.match(screen.shown, /├─ ▸ 2\. slow {2}1 failed, 1 running, for \d+s/);
    assert.match(screen.shown, /✗ local {2}execute {2}failed \d+s ago: /);
    assert.match(screen.shown, /▸ local {2}execute {2}running for \d+s/);
    assert.ok(screen.shown.split("\n").length < rows, screen.shown);
    folder.write("go", "");
    assert.equal(await exited, 0);
    assert.match(screen.shown, /^followed {2}\w+ failed/);
    assert.match(screen.shown, /└─ ✓ 3\. last {2}done: 1 done/);
    assert.equal(screen.isCursorHidden, false);
  });

  it("says what changes in lines where there is no terminal", async () => {
    const id = await start(3);
    const following = folder.start(["plans", "status", id, "--follow"]);
    await following.said(/2\. slow {2}local execute failed: /);
    folder.write("go", "");
    const { code, out } = await following.ended;
    assert.equal(code, 0);
    const said = out.trimEnd().split("\n");
    assert.equal(said.filter((line) => line.includes("failed: /bin/sh")).length, 1, out);
    assert.match(said.at(-1) ?? "", /^\d\d:\d\d:\d\d {2}followed {2}\w+ failed, begun .* took /);
  });
});
