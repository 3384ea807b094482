import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { batchLength, batchMax } from "../../src/core/event-batch.js";
import { statusOf, summaryOf } from "../../src/core/run-status.js";
import { noTasks } from "../../src/core/stage-run.js";
import { eventOfEnd, keptOutput } from "../../src/core/task-end.js";
import { timeText } from "../../src/core/time-text.js";
import { Drive } from "../support/drive.js";
import { makePlan, makeTask } from "../support/plans.js";

describe("a status", () => {
  it("tells for each stage, host and task what became of it", () => {
    const drive = new Drive(
      makePlan([
        {
          concurrency: 3,
          maxFailures: 1,
          lines: [
            [{ on: "a" }, { on: "a" }],
            [{ on: "b" }],
            [{ on: "a", retryDelaysMs: [7] }],
            [{}],
          ],
        },
        { after: { ms: 50, from: "stage" }, lines: [[{}]] },
      ]),
    );
    drive.look();
    drive.end("1.1.1", { outcome: "done", lastLines: ["x"] });
    drive.end("1.2.1", { outcome: "failed", reason: "no room", lastLines: ["a", "b"] });
    drive.end("1.3.1", { outcome: "failed", reason: "gone" });
    const sight = { linesOf: () => ["now"], suspended: { since: 3, why: "ENOSPC" } };
    const status = statusOf("r", drive.run, {}, sight);
    const counts = {
      ...noTasks,
      tasks: 6,
      neverRun: 1,
      running: 2,
      retrying: 1,
      failed: 1,
      done: 1,
    };
    assert.deepEqual(JSON.parse(JSON.stringify(status)), {
      run: "r",
      name: "a plan",
      by: "anna",
      state: "going",
      locks: [],
      beganAt: 1_000,
      counts,
      suspended: { since: 3, why: "ENOSPC" },
      stages: [
        {
          number: 1,
          name: "stage 1",
          part: "plan",
          state: "running",
          beganAt: 1_000,
          lines: 4,
          linesFailed: 1,
          counts: { ...counts, tasks: 5, neverRun: 0 },
          hosts: [
            { host: "a", counts: { ...noTasks, tasks: 3, done: 1, running: 1, retrying: 1 } },
            { host: "b", counts: { ...noTasks, tasks: 1, failed: 1 } },
            { host: "engine", counts: { ...noTasks, tasks: 1, running: 1 } },
          ],
          tasks: [
            {
              task: "1.1.2",
              command: "test",
              host: "a",
              attempt: 1,
              beganAt: 1_000,
              state: "running",
              lastLines: ["now"],
            },
            {
              task: "1.2.1",
              command: "test",
              host: "b",
              attempt: 1,
              beganAt: 1_000,
              endedAt: 1_000,
              reason: "no room",
              state: "failed",
              lastLines: ["a", "b"],
            },
            {
              task: "1.3.1",
              command: "test",
              host: "a",
              attempt: 1,
              beganAt: 1_000,
              endedAt: 1_000,
              nextAt: 1_007,
              reason: "gone",
              state: "retrying",
            },
            {
              task: "1.4.1",
              command: "test",
              host: "engine",
              attempt: 1,
              beganAt: 1_000,
              state: "running",
              lastLines: ["now"],
            },
          ],
          tasksLeftOut: 0,
        },
        {
          number: 2,
          name: "stage 2",
          part: "plan",
          state: "ahead",
          lines: 1,
          linesFailed: 0,
          counts: { ...noTasks, tasks: 1, neverRun: 1 },
          hosts: [{ host: "engine", counts: { ...noTasks, tasks: 1, neverRun: 1 } }],
          tasks: [],
          tasksLeftOut: 0,
        },
      ],
    });
    const all = statusOf("r", drive.run, { tasks: "all", tasksMax: 2 }).stages[0];
    assert.deepEqual([all?.tasks.length, all?.tasksLeftOut], [2, 3]);
  });

  it("tells some of what runs when more has failed than there is room for", () => {
    const lines = Array.from({ length: 20 }, () => [{}]);
    const drive = new Drive(makePlan([{ concurrency: 2, maxFailures: 20, lines }]));
    drive.look();
    for (let line = 1; line <= 12; line++) {
      drive.end(`1.${line}.1`, { outcome: "failed", reason: "gone" });
      drive.look();
    }
    const [stage] = statusOf("r", drive.run, { tasksMax: 4 }).stages;
    const told = stage?.tasks.map(({ task, state }) => `${task} ${state}`);
    assert.deepEqual(told, ["1.1.1 failed", "1.2.1 failed", "1.13.1 running", "1.14.1 running"]);
    assert.equal(stage?.tasksLeftOut, 10);
  });

  it("says what a stage waits for, and how the run stands in one word", () => {
    const drive = new Drive(makePlan([{ after: { ms: 50, from: "plan" }, lines: [[{}]] }]));
    drive.look();
    const why = "its time, measured from the plan's beginning";
    const { stages } = statusOf("r", drive.run, {}, { gateSeen: "503" });
    assert.deepEqual(stages[0]?.waits, { since: 1_000, why, until: 1_050, seen: "503" });
    drive.ask("pause");
    assert.equal(summaryOf("r", drive.run).state, "paused");
    drive.ask({ kind: "stop", undo: false });
    assert.equal(summaryOf("r", drive.run).state, "over");
  });
});

describe("the end of a task", () => {
  it("keeps so much of its output, and more of what failed", () => {
    const task = makeTask({}, "1.1.1");
    const ran = { state: "running", attempt: 1, tries: 1, beganAt: 0 } as const;
    const lastLines = Array.from({ length: 50 }, (_, at) => `${at}${"é".repeat(600)}`);
    const done = eventOfEnd(task, ran, { outcome: "done", lastLines }, 1);
    const failed = eventOfEnd(
      task,
      ran,
      { outcome: "failed", lastLines, reason: "x".repeat(2_000) },
      1,
    );
    assert.ok(done.kind === "task-ended" && failed.kind === "task-ended");
    assert.equal(done.lastLines?.length, keptOutput.linesOfDone);
    assert.equal(failed.lastLines?.length, keptOutput.lines);
    assert.equal(failed.lastLines[0]?.length, keptOutput.lineChars);
    assert.equal(failed.reason?.length, keptOutput.reasonChars);
  });

  it("that is unknown is a failure of what may be done twice", () => {
    const ran = { state: "running", attempt: 1, tries: 1, beganAt: 0 } as const;
    const end = { outcome: "unknown" } as const;
    const twice = eventOfEnd(makeTask({ retryDelaysMs: [5] }, "1.1.1"), ran, end, 1);
    assert.equal(twice.kind, "task-retries");
    const once = eventOfEnd(makeTask({ once: true, retryDelaysMs: [5] }, "1.1.1"), ran, end, 1);
    assert.deepEqual(once, { at: 1, kind: "task-ended", task: "1.1.1", outcome: "unknown" });
  });
});

describe("a batch of events", () => {
  it("has at least one, and stays within its bounds", () => {
    const small = Array.from({ length: batchMax.events + 5 }, () => {
      return { at: 1, kind: "stage-begun", stage: 1 } as const;
    });
    assert.equal(batchLength(small), batchMax.events);
    assert.equal(batchLength(small, 1), 1);
    const task = { at: 1, kind: "task-ended", task: "1.1.1", outcome: "done" } as const;
    const large = [{ ...task, lastLines: ["x".repeat(batchMax.chars)] }, task];
    assert.equal(batchLength(large), 1);
  });
});

describe("a length of time", () => {
  it("is said in one unit or two", () => {
    const texts = [0, 250, 1_000, 45_000, 90_000, 5_400_000, 7_200_000, 93_600_000].map(timeText);
    assert.deepEqual(texts, [
      "0 ms",
      "250 ms",
      "1 s",
      "45 s",
      "1 min 30 s",
      "1 h 30 min",
      "2 h",
      "1 d 2 h",
    ]);
  });
});
