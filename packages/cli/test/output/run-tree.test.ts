import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPlan, Run, statusOf, toolBox, type RunEvent } from "@propagit/plan";
import type { PlanDelegation } from "@propagit/protocol";
import { changeLines } from "../../src/output/run-changes.js";
import { runTree, type SeenRun } from "../../src/output/run-tree.js";
import { widthOf } from "../../src/output/text-width.js";

const second = 1_000;
const begunAt = 1_000_000_000_000;
const begun: RunEvent = { at: begunAt, kind: "run-begun", by: "ann", locks: [] };

interface StageWords {
  readonly name: string;
  readonly tasks: number;
  readonly more?: Readonly<Record<string, unknown>>;
}

function planOf(...stages: readonly StageWords[]) {
  const value = {
    name: "webapp 2.0",
    stages: stages.map(({ name, tasks, more }) => ({
      name,
      concurrency: 4,
      maxFailures: 1_000,
      ...more,
      tasks: Array.from({ length: tasks }, (_, index) => ({
        command: "execute",
        drone: `web-${index + 1}`,
        run: "./switch",
        retries: 1,
      })),
    })),
  };
  return readPlan({ file: "plan.json", text: JSON.stringify(value) }, toolBox);
}

function runAfter(plan: ReturnType<typeof planOf>, ...events: readonly RunEvent[]): Run {
  const run = new Run(plan);
  for (const event of [begun, ...events]) {
    run.apply(event);
    run.advance(event.at);
  }
  return run;
}

function ended(task: string, outcome: "done" | "failed" = "done", afterSeconds = 1): RunEvent {
  const at = begunAt + afterSeconds * second;
  const why = outcome === "failed" ? { reason: "exit code 1", lastLines: ["one", "two"] } : {};
  return { at, kind: "task-ended", task, outcome, ...why };
}

function seenOf(run: Run, tasks: "all" | "notable" = "notable"): SeenRun {
  return { status: statusOf("4fa1c2d3e4", run, { tasks }), isCarried: true };
}

const wide = { columns: 199, rows: 49 };

/** Below the head, 20 s after it began. */
function linesOf(seen: SeenRun, size = wide): readonly string[] {
  const lines = runTree(seen, begunAt + 20 * second, size);
  return lines.slice(lines.findIndex((line) => /^[├└]/.test(line)));
}

/** 10,000 tasks, of which 4 run, `failed` have failed, and 9,000 are done. */
function crowd(failed: number, ...further: readonly StageWords[]): SeenRun {
  const run = runAfter(planOf({ name: "all of them", tasks: 10_000 }, ...further));
  for (let line = 1; line <= 9_000 + failed; line++) {
    const event = ended(`1.${line}.1`, line % 20 === 0 && line <= failed * 20 ? "failed" : "done");
    run.apply(event);
    run.advance(event.at);
  }
  return seenOf(run);
}

describe("a run as a tree", () => {
  it("has a line for each stage, what is under way since when, and what failed and why", () => {
    const plan = planOf({ name: "canary", tasks: 1 }, { name: "others", tasks: 3 });
    const lines = linesOf(
      seenOf(runAfter(plan, ended("1.1.1"), ended("2.1.1", "failed", 10)), "all"),
    );
    assert.deepEqual(lines, [
      "├─ ✓ 1. canary  done: 1 done, took 1.0 s",
      "│  └─ ✓ 1.1.1  web-1  execute  done in 1.0 s",
      "└─ ▸ 2. others  1 failed, 2 running, for 19s",
      "   ├─ ✗ 2.1.1  web-1  execute  failed 10s ago: exit code 1",
      "   │  ├─ one",
      "   │  └─ two",
      "   ├─ ▸ 2.2.1  web-2  execute  running for 19s",
      "   └─ ▸ 2.3.1  web-3  execute  running for 19s",
    ]);
  });

  it("says until when something waits, and which tasks are ahead", () => {
    const plan = planOf(
      { name: "first", tasks: 1 },
      { name: "later", tasks: 40, more: { after: "1h" } },
      { name: "last", tasks: 2 },
    );
    const [, later = "", last] = linesOf(seenOf(runAfter(plan, ended("1.1.1"))));
    assert.match(later, /^├─ ◷ 2\. later {2}waits: .*, 59 min 41 s left, until \d\d:\d\d:\d\d$/);
    assert.equal(last, "└─ · 3. last  ahead, 2 tasks on 2 hosts");
  });

  it("says when a task is tried again", () => {
    const at = begunAt + second;
    const retries: RunEvent = {
      at,
      kind: "task-retries",
      task: "1.1.1",
      reason: "exit code 75",
      nextAt: at + 60 * second,
    };
    const [, task = ""] = linesOf(seenOf(runAfter(planOf({ name: "a", tasks: 1 }), retries)));
    assert.match(task, /web-1 {2}execute {2}again in 41 s, at \d\d:\d\d:\d\d: exit code 75$/);
  });

  it("of a run that failed says what never ran, and what can be tried now", () => {
    const run = runAfter(
      planOf(
        { name: "all", tasks: 2, more: { concurrency: 1, maxFailures: 0 } },
        { name: "last", tasks: 1 },
      ),
      { ...ended("1.1.1", "failed") },
      {
        at: begunAt + 2 * second,
        kind: "stage-ended",
        stage: 1,
        outcome: "failed",
        reason: "1 of 2 lines failed",
      },
      {
        at: begunAt + 2 * second,
        kind: "run-ended",
        outcome: "failed",
        reason: "stage all failed: 1 of 2 lines failed",
      },
    );
    const [head, ...lines] = runTree(seenOf(run), begunAt + 20 * second, {
      columns: 60,
      rows: Infinity,
    });
    assert.match(head ?? "", /^webapp 2\.0 {2}4fa1c2d3e4 failed, /);
    const text = lines.join("\n");
    assert.match(text, /^ {3}1 failed, 2 never run$/m);
    assert.match(text, /^ {3}to try again: propagit plans retry 4fa1c2d3e4$/m);
    assert.match(text, /^└─ · 2\. last {2}never begun, 1 task$/m);
    assert.ok(
      lines.every((line) => widthOf(line) <= 60),
      text,
    );
  });

  it("counts what does not fit, and shows what failed and what runs first", () => {
    const lines = linesOf(crowd(2), { columns: 199, rows: 8 });
    assert.deepEqual(lines, [
      "└─ ▸ 1. all of them  2 failed, 4 running, 9,000 done, 994 ahead, for 20s",
      "   ├─ ✗ 1.20.1    web-20    execute  failed 19s ago: exit code 1",
      "   ├─ ✗ 1.40.1    web-40    execute  failed 19s ago: exit code 1",
      "   ├─ ▸ 1.9003.1  web-9003  execute  running for 19s",
      "   ├─ ▸ 1.9004.1  web-9004  execute  running for 19s",
      "   ├─ ▸ 1.9005.1  web-9005  execute  running for 19s",
      "   └─ … and 9,995 more: 1 running, 9,000 done, 994 ahead",
    ]);
  });

  it("shows some of what failed and some of what runs when there is much of both", () => {
    const text = linesOf(crowd(150), { columns: 199, rows: 8 }).join("\n");
    assert.match(text, /✗.*✗.*▸/s);
    assert.match(text, /… and 9,99\d more: 14\d failed, /);
  });

  it("keeps to the rows and columns that there are, whatever these are", () => {
    const further = Array.from({ length: 30 }, (_, index) => ({ name: `w${index}`, tasks: 3 }));
    const seen = crowd(30, ...further);
    for (let rows = 1; rows <= 60; rows++) {
      for (const columns of [1, 20, 59, 199]) {
        const lines = runTree(seen, begunAt + 20 * second, { columns, rows });
        assert.ok(lines.length <= rows, `${lines.length} of ${rows}`);
        for (const line of lines) assert.ok(widthOf(line) <= columns, line);
      }
    }
  });

  it("leaves room for tasks when there are many stages", () => {
    const further = Array.from({ length: 30 }, (_, index) => ({ name: `w${index}`, tasks: 3 }));
    const lines = linesOf(crowd(1, ...further), { columns: 59, rows: 19 });
    assert.equal(lines.length, 17);
    assert.ok(lines.filter((line) => line.includes("web-")).length >= 5, lines.join("\n"));
    assert.equal(lines.at(-1), "└─ … and 23 more stages: 23 ahead");
  });

  it("leaves out ids of tasks, and cuts with …, where it is narrow", () => {
    const lines = linesOf(crowd(1), { columns: 40, rows: 7 });
    assert.equal(lines.at(1), "   ├─ ✗ web-20    execute  failed 19s a…");
  });

  it("gives what is not a terminal everything", () => {
    const size = { columns: Infinity, rows: Infinity };
    const lines = linesOf(seenOf(runAfter(planOf({ name: "a", tasks: 200 })), "all"), size);
    assert.equal(lines.length, 201);
  });

  it("shows what a relay carries out below the task that handed it on", () => {
    const seen = seenOf(runAfter(planOf({ name: "racks", tasks: 2 })), "all");
    const part = runAfter(planOf({ name: "at once", tasks: 2 }), ended("1.1.1"));
    const { stages, ...plan } = statusOf("bb", part, { tasks: "all" });
    const delegation = {
      parent: "4fa1c2d3e4",
      task: "1.2.1",
      relay: "b-head",
      run: "bb",
      line: "cut",
      plan,
      stages,
    } as unknown as PlanDelegation;
    assert.deepEqual(linesOf({ ...seen, parts: [delegation] }), [
      "└─ ▸ 1. racks  2 running, for 20s",
      "   ├─ ▸ 1.1.1  web-1  execute  running for 20s",
      "   └─ ▸ 1.2.1  web-2  execute  running for 20s",
      "      └─ webapp 2.0  there is no line to b-head, which goes on; as it was: 1 running, 1 done",
      "         └─ ▸ 1. at once  1 running, 1 done, for 20s",
      "            ├─ ✓ 1.1.1  web-1  execute  done in 1.0 s",
      "            └─ ▸ 1.2.1  web-2  execute  running for 20s",
    ]);
  });
});

describe("what changed between two looks", () => {
  const plan = planOf({ name: "first", tasks: 2 }, { name: "second", tasks: 1 });
  const withoutTime = (line: string) => line.replace(/^\d\d:\d\d:\d\d {2}/, "");
  const changes = (before: Run | undefined, run: Run) =>
    changeLines(before && seenOf(before), seenOf(run), begunAt).map(withoutTime);

  it("is a line for each stage and each task that went wrong, and nothing twice", () => {
    const before = runAfter(plan);
    const after = runAfter(plan, ended("1.1.1", "failed"));
    assert.deepEqual(changes(undefined, before).slice(1), ["1. first  2 running"]);
    assert.deepEqual(changes(before, before), []);
    assert.deepEqual(changes(before, after), [
      "1. first  1 failed, 1 running",
      "1. first  web-1 execute failed: exit code 1",
    ]);
    assert.deepEqual(changes(after, after), []);
  });

  it("ends with how the run ended", () => {
    const run = runAfter(plan, ended("1.1.1"), ended("1.2.1"), ended("2.1.1"));
    assert.match(changes(undefined, run).at(-1) ?? "", /^webapp 2\.0 {2}4fa1c2d3e4 done, begun/);
  });
});
