import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PlanFolder } from "../support/plan-folder.js";

/** Waits until the file `go` is there: for tests that do something meanwhile. */
const untilGo = "while [ ! -e go ]; do sleep 0.05; done; echo went";

function planOf(tasks: readonly string[], stage = ""): string {
  return `name: tested\nstages:\n  - name: all\n    ${stage}\n    tasks:\n${tasks
    .map((run) => `      - { command: execute, directory: FOLDER, run: ${JSON.stringify(run)} }\n`)
    .join("")}`;
}

describe("propagit apply", () => {
  let folder: PlanFolder;
  beforeEach(() => {
    folder = new PlanFolder();
  });
  afterEach(() => folder.remove());

  function write(tasks: readonly string[], stage?: string): void {
    folder.write("plan.yaml", planOf(tasks, stage).replaceAll("FOLDER", folder.path));
  }

  it("carries a plan out, says each step, and keeps it", async () => {
    write(["echo one >>made", "echo two >>made; echo said"]);
    const { code, out, errors } = await folder.run(["apply", "plan.yaml"]);
    assert.equal(code, 0, errors);
    assert.equal(folder.read("made"), "one\ntwo\n");
    const lines = out.trimEnd().split("\n");
    for (const line of lines) {
      assert.match(
        line,
        /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[[A-Z]+ *\] \[[a-z-]+ *\] \[(?:\*|local)\] ./,
      );
    }
    const said = lines.map((line) => line.replace(/^.*?\] \[([a-z-]+) *\] \[.*?\] /, "$1: "));
    assert.match(said[2] ?? "", /^engine: starting plan: tested \(run [0-9a-f]{10}\)$/);
    assert.deepEqual(said.slice(3), [
      "engine: starting stage: all",
      "execute: done",
      "execute: said",
      "execute: done",
      "engine: finished stage: all",
      "engine: finished plan: tested",
    ]);
    const [id = ""] = await folder.ids();
    const status = await folder.run(["plans", "status", id.slice(0, 3)]);
    assert.match(status.out, new RegExp(`^tested {2}${id} done`));
  });

  it("with --dry-run is the plan, and does nothing", async () => {
    write(["touch made"]);
    const { code, out } = await folder.run(["apply", "plan.yaml", "--dry-run"]);
    assert.equal(code, 0);
    assert.match(out, /Syntax ok/);
    assert.deepEqual([folder.has("made"), folder.has("home")], [false, false]);
  });

  it("stops at a failure, tells what never ran, and tries that again when it is asked to", async () => {
    write(["[ -e fixed ] || { echo broken; exit 3; }", "touch made"]);
    const failed = await folder.run(["apply", "plan.yaml"]);
    assert.equal(failed.code, 7);
    assert.match(
      failed.out,
      /\[ERROR {3}\] \[execute {8}\] \[local\] failed: .*ended with 3: broken/,
    );
    const [id = ""] = await folder.ids();
    assert.ok(failed.errors.includes(`propagit plans retry ${id}`));
    const status = await folder.run(["plans", "status", id]);
    assert.match(status.out, /1 failed, 1 never run/);
    folder.write("fixed", "");
    const again = await folder.run(["plans", "retry", id]);
    assert.equal(again.code, 0, again.errors);
    assert.ok(folder.has("made"));
  });

  it("refuses a second plan of the same name while one is carried out", async () => {
    write([untilGo]);
    const first = folder.start(["apply", "plan.yaml"]);
    await first.said(/starting stage/);
    const second = await folder.run(["apply", "plan.yaml"]);
    assert.equal(second.code, 6);
    assert.match(second.errors, /a plan called "tested" is carried out already/);
    assert.equal((await folder.ids()).length, 1);
    folder.write("go", "");
    assert.equal((await first.ended).code, 0);
    assert.equal((await folder.run(["apply", "plan.yaml"])).code, 0);
  });

  it("refuses what only a hub can do, before anything begins", async () => {
    const tasks =
      "[{ command: execute, run: touch made }, { command: message, drone: web-1, message: x }]";
    folder.write(
      "plan.yaml",
      `name: x\nstages: [{ name: s, gate: { health: web }, tasks: ${tasks} }]`,
    );
    const { code, errors } = await folder.run(["apply", "plan.yaml"]);
    assert.equal(code, 2);
    assert.match(errors, /has tasks for web-1, which only a hub reaches, and waits for health/);
    const dry = await folder.run(["apply", "plan.yaml", "--dry-run"]);
    assert.deepEqual([dry.code, dry.errors], [code, errors]);
    assert.deepEqual(await folder.ids(), []);
  });

  it("pauses at ^C when what is under way has finished, and goes on when it is asked to", async () => {
    write([untilGo, "touch made"]);
    const applied = folder.start(["apply", "plan.yaml"]);
    await applied.said(/starting stage/);
    applied.child.kill("SIGINT");
    await applied.said(/asks to pause/);
    folder.write("go", "");
    const { code, errors } = await applied.ended;
    assert.equal(code, 130);
    assert.match(errors, /it can go on: propagit plans resume/);
    const [id = ""] = await folder.ids();
    assert.match((await folder.run(["plans"])).out, /paused, waits for resume +1 done, 1 ahead/);
    assert.equal(folder.has("made"), false);
    const resumed = await folder.run(["plans", "resume", id]);
    assert.equal(resumed.code, 0, resumed.errors);
    assert.ok(folder.has("made"));
  });

  it("ends what is under way at the second ^C, and does that again later", async () => {
    write([`echo began >>made; echo $$ >pid; ${untilGo}`]);
    const applied = folder.start(["apply", "plan.yaml"]);
    while (!folder.has("pid") || folder.read("pid") === "")
      await new Promise((resolve) => setTimeout(resolve, 10));
    applied.child.kill("SIGINT");
    await applied.said(/again ends that, too/);
    applied.child.kill("SIGINT");
    assert.equal((await applied.ended).code, 130);
    assert.throws(() => process.kill(Number(folder.read("pid")), 0), "nothing of it goes on alone");
    folder.write("go", "");
    const [id = ""] = await folder.ids();
    const resumed = await folder.run(["plans", "resume", id]);
    assert.equal(resumed.code, 0, resumed.errors);
    assert.equal(folder.read("made"), "began\nbegan\n");
  });

  it("that was killed goes on where it stood; what may run only once does not run twice", async () => {
    folder.write(
      "plan.yaml",
      `name: killed
stages:
  - name: all
    tasks:
      - { command: execute, directory: ${folder.path}, run: echo one >>made }
      - { command: execute, directory: ${folder.path}, run: "echo two >>made; ${untilGo}", once: true }
      - { command: execute, directory: ${folder.path}, run: echo three >>made }
`,
    );
    const applied = folder.start(["apply", "plan.yaml"]);
    while (!folder.has("made") || !folder.read("made").includes("two"))
      await new Promise((resolve) => setTimeout(resolve, 10));
    applied.child.kill("SIGKILL");
    await applied.ended;
    folder.write("go", "");
    const [id = ""] = await folder.ids();
    assert.match((await folder.run(["plans"])).out, /broken off, waits for resume/);
    const pause = await folder.run(["plans", "pause", id]);
    assert.equal(pause.code, 6);
    assert.match(pause.errors, /no process carries .* out[^]*propagit plans resume/);
    const resumed = await folder.run(["plans", "resume", id]);
    assert.equal(resumed.code, 7);
    assert.match(resumed.out, /unknown: the engine ended while it was under way/);
    assert.equal(folder.read("made"), "one\ntwo\n");
    const next = new RegExp(`plans retry ${id} --local --force, once you know`);
    assert.match(resumed.errors, next);
    assert.match((await folder.run(["plans", "status", id])).out, next);
    const retry = await folder.run(["plans", "retry", id]);
    assert.equal(retry.code, 6);
    assert.match(retry.errors, /--force/);
    const again = await folder.run(["plans", "stop", "--undo", id]);
    assert.equal(again.code, 6);
    assert.match(
      again.errors,
      new RegExp(`see where it stands: propagit plans status ${id} --local`),
    );
    assert.equal((await folder.run(["plans", "retry", id, "--force"])).code, 0);
    assert.equal(folder.read("made"), "one\ntwo\ntwo\nthree\n");
  });
});

describe("propagit plans", () => {
  let folder: PlanFolder;
  beforeEach(() => {
    folder = new PlanFolder();
  });
  afterEach(() => folder.remove());

  it("asks the process that carries a plan out", async () => {
    folder.write(
      "plan.yaml",
      `name: asked
stages:
  - { name: first, tasks: [{ command: message, message: a }] }
  - { name: later, after: 30d, tasks: [{ command: message, message: b }] }
  - { name: last, gate: { approval: [bob] }, tasks: [{ command: message, message: c }] }
`,
    );
    const applied = folder.start(["apply", "plan.yaml"]);
    await applied.said(/stage later waits/);
    const [id = ""] = await folder.ids();
    const ask = (...words: readonly string[]) => folder.run(["plans", ...words]);
    assert.match((await ask("status", id)).out, /2\. later {2}waits: .*29 d 23 h left/);
    assert.equal((await ask("resume", id)).code, 6);
    assert.equal((await ask("pause", id)).code, 0);
    assert.match((await ask()).out, /asked {2}paused /);
    assert.equal((await ask("resume", id)).code, 0);
    const skipped = await ask("skip-wait", id);
    assert.equal(skipped.code, 0, skipped.errors);
    await applied.said(/stage last waits/);
    const denied = await ask("approve", id);
    assert.equal(denied.code, 3);
    assert.match(denied.errors, /it is for bob to approve, not for ann/);
    const approved = await folder.run(["plans", "approve", id], { env: { PROPAGIT_BY: "bob" } });
    assert.equal(approved.code, 0, approved.errors);
    assert.equal((await applied.ended).code, 0);
    const late = await ask("stop", id);
    assert.equal(late.code, 6);
    assert.match(late.errors, /it is over: done/);
  });

  it("stops, and takes back what was done", async () => {
    for (const name of ["old", "new"]) folder.write(name, name);
    await symlink("old", join(folder.path, "current"));
    folder.write(
      "plan.yaml",
      `name: undone
stages:
  - { name: first, tasks: [{ command: symlink, path: ${folder.path}/current, to: new, previous: old }] }
  - { name: later, after: 1h, tasks: [{ command: message, message: b }] }
`,
    );
    const applied = folder.start(["apply", "plan.yaml"]);
    await applied.said(/stage later waits/);
    assert.equal(folder.read("current"), "new");
    const [id = ""] = await folder.ids();
    assert.equal((await folder.run(["plans", "stop", id, "--undo"])).code, 0);
    const { code, out } = await applied.ended;
    assert.equal(code, 7, out);
    assert.equal(folder.read("current"), "old", out);
    assert.match((await folder.run(["plans"])).out, /undone/);
  });

  it("ends one that was killed without doing again what was under way, and takes back what was done", async () => {
    for (const name of ["old", "new"]) folder.write(name, name);
    await symlink("old", join(folder.path, "current"));
    folder.write(
      "plan.yaml",
      `name: killed
stages:
  - { name: first, tasks: [{ command: symlink, path: ${folder.path}/current, to: new, previous: old }] }
  - name: second
    tasks: [{ command: execute, directory: ${folder.path}, run: "echo one >>made; ${untilGo}" }]
`,
    );
    const applied = folder.start(["apply", "plan.yaml"]);
    while (!folder.has("made")) await new Promise((resolve) => setTimeout(resolve, 10));
    applied.child.kill("SIGKILL");
    await applied.ended;
    folder.write("go", "");
    const [id = ""] = await folder.ids();
    const stopped = await folder.run(["plans", "stop", id, "--undo"]);
    assert.equal(stopped.code, 7, stopped.errors);
    assert.match(stopped.out, /stopped: stopped by .*nobody saw its end/);
    assert.deepEqual([folder.read("made"), folder.read("current")], ["one\n", "old"]);
    assert.match((await folder.run(["plans"])).out, /undone/);
  });

  it("says when there is nothing, or nothing of that name", async () => {
    assert.match((await folder.run(["plans"])).out, /no plan was carried out here/);
    const { code, errors } = await folder.run(["plans", "status", "abc"]);
    assert.equal(code, 5);
    assert.match(errors, /no plan that was carried out here begins with abc/);
  });
});
