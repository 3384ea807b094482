/** How stages and runs end of which not all was done: what is told, and what is not called done. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusalOf } from "../../src/core/asks.js";
import { Run } from "../../src/core/run.js";
import { statusOf } from "../../src/core/run-status.js";
import { Drive } from "../support/drive.js";
import { makePlan } from "../support/plans.js";

const failed = { outcome: "failed", reason: "no room" } as const;
const undoTask = {
  command: "undo",
  where: { kind: "engine" },
  args: {},
  timeoutMs: 1,
  retryDelaysMs: [],
  continueOnFail: false,
  once: false,
} as const;
const stop = { kind: "stop", undo: false } as const;

describe("a plan of which some lines may fail", () => {
  it("goes on when they do, through all stages, and has failed in the end", () => {
    const drive = new Drive(makePlan([{ maxFailures: 1, lines: [[{}], [{}]] }, { lines: [[{}]] }]));
    drive.look();
    drive.end("1.1.1", failed);
    assert.deepEqual(drive.end("1.2.1"), ["stage 1 failed", "stage 2 begins", "begin 2.1.1"]);
    assert.deepEqual(drive.end("2.1.1"), ["stage 2 done", "run failed"]);
    const why = "1 of 2 lines failed, 1 may: 1.1.1: no room";
    assert.equal(drive.run.reason, `stage stage 1 failed, and the plan went on: ${why}`);
    assert.deepEqual(drive.ask("retry"), ["stage 1 begins", "begin 1.1.1 again (2)"]);
    assert.deepEqual(drive.end("1.1.1"), ["stage 1 done", "run done"]);
  });

  it("has failed when all of it did, and may", () => {
    const drive = new Drive(makePlan([{ maxFailures: 2, concurrency: 2, lines: [[{}], [{}]] }]));
    drive.look();
    drive.end("1.1.1", failed);
    assert.deepEqual(drive.end("1.2.1", failed), ["stage 1 failed", "run failed"]);
  });

  it("is rolled back only when more fail than may", () => {
    const stage = { maxFailures: 1, onFailure: "rollback", lines: [[{}], [{}]] } as const;
    const drive = new Drive(makePlan([stage]));
    drive.look();
    drive.end("1.1.1", failed);
    assert.deepEqual(drive.end("1.2.1"), ["stage 1 failed", "run failed"]);
  });

  it("is done when what failed counts for nothing", () => {
    const lines = [[{ continueOnFail: true }], [{}]];
    const drive = new Drive(makePlan([{ lines }]));
    drive.look();
    drive.end("1.1.1", failed);
    assert.deepEqual(drive.end("1.2.1"), ["stage 1 done", "run done"]);
  });

  it("stands in a journal of before as it was told then", () => {
    const plan = makePlan([{ maxFailures: 1, lines: [[{}]] }]);
    const old = new Run(plan, [
      { at: 1, kind: "run-begun", by: "anna" },
      { at: 1, kind: "stage-begun", stage: 1 },
      { at: 1, kind: "task-begun", task: "1.1.1", attempt: 1 },
      { at: 2, kind: "task-ended", task: "1.1.1", outcome: "failed", reason: "no room" },
      { at: 2, kind: "stage-ended", stage: 1, outcome: "done" },
      { at: 2, kind: "run-ended", outcome: "done" },
    ]);
    assert.deepEqual([old.state, old.outcome], ["over", "done"]);
    assert.equal(old.stages[0]?.state, "done");
  });
});

describe("a plan that is stopped in its last stage", () => {
  it("was stopped when something of it was, or will not be tried again", () => {
    const lines = [[{ retryDelaysMs: [100] }]];
    for (const maxFailures of [0, 1]) {
      const onFailure = maxFailures === 0 ? "rollback" : "continue";
      const drive = new Drive(makePlan([{ lines, maxFailures, onFailure }]));
      drive.look();
      drive.end("1.1.1", failed);
      assert.deepEqual(drive.ask(stop), ["1.1.1 stopped", "stage 1 stopped", "run stopped"]);
      assert.match(drive.run.taskRun("1.1.1")?.reason ?? "", /^no room; it is not tried again/);
    }
    const other = new Drive(makePlan([{ lines: [[{}]], maxFailures: 1 }]));
    other.look();
    other.ask(stop);
    assert.deepEqual(other.end("1.1.1", "stopped"), ["stage 1 stopped", "run stopped"]);
  });

  it("was stopped when something of it failed, as may be, and done when all was", () => {
    const drive = new Drive(makePlan([{ lines: [[{}]], maxFailures: 1 }]));
    drive.look();
    drive.ask(stop);
    assert.deepEqual(drive.end("1.1.1", failed), ["stage 1 failed", "run stopped"]);
    assert.match(drive.run.reason ?? "", /^stopped by ben; stage stage 1 failed, /);
    const done = new Drive(makePlan([{ lines: [[{}]], maxFailures: 1 }]));
    done.look();
    done.ask(stop);
    assert.deepEqual(done.end("1.1.1"), ["stage 1 done", "run done"]);
  });
});

describe("a plan that has failed", () => {
  const takeBack = { kind: "stop", undo: true } as const;
  const why = (drive: Drive) => refusalOf(drive.run, takeBack, "anna")?.why;

  it("is taken back when somebody asks, whatever it is to do by itself", () => {
    const drive = new Drive(makePlan([{ lines: [[{ undo: [undoTask] }, {}, {}]] }]));
    drive.look();
    drive.end("1.1.1");
    assert.deepEqual(drive.end("1.1.2", failed), ["stage 1 failed", "run failed"]);
    assert.equal(why(drive), undefined);
    assert.match(refusalOf(drive.run, stop, "anna")?.why ?? "", /it is over: failed/);
    assert.deepEqual(drive.ask(takeBack), ["rollback", "stage 2 begins", "begin 2.1.1"]);
    assert.match(drive.run.rollback ?? "", /1\.1\.2: no room; taken back by ben$/);
    assert.deepEqual(drive.end("2.1.1"), ["stage 2 done", "run undone"]);
    assert.equal(why(drive), "it is over: undone");
  });

  it("is taken back through all of its stages, also when it had gone on", () => {
    const lines = [[{ undo: [undoTask] }]];
    const drive = new Drive(makePlan([{ lines }, { onFailure: "continue", lines: [[{}]] }]));
    drive.look();
    drive.end("1.1.1");
    drive.end("2.1.1", failed);
    assert.deepEqual(drive.ask(takeBack), ["rollback", "stage 3 begins", "begin 3.1.1"]);
    assert.deepEqual(drive.end("3.1.1", failed), ["stage 3 failed", "run failed"]);
    assert.match(why(drive) ?? "", /it was rolled back, and that failed/);
    assert.deepEqual(drive.ask("retry"), ["stage 3 begins", "begin 3.1.1 again (2)"]);
  });

  it("is not when nothing of it can be, or all of it was done", () => {
    const drive = new Drive(makePlan([{ lines: [[{}]] }]));
    drive.look();
    drive.end("1.1.1", failed);
    assert.equal(why(drive), "nothing that it did can be taken back");
    const done = new Drive(makePlan([{ lines: [[{ undo: [undoTask] }]] }]));
    done.look();
    done.end("1.1.1");
    assert.equal(why(done), "it is over: done");
  });
});

describe("a stage that failed before it began, tried again", () => {
  const gate = { kind: "approval", timeoutMs: 100 } as const;

  it("waits no second time for the time that had passed", () => {
    const later = { after: { ms: 500, from: "stage" }, gates: [gate], lines: [[{}]] } as const;
    const drive = new Drive(makePlan([{ lines: [[{}]] }, later]));
    drive.look();
    drive.end("1.1.1");
    drive.pass(500);
    assert.deepEqual(drive.pass(100), ["gate 2.1 refused", "stage 2 failed", "run failed"]);
    drive.now += 10;
    assert.deepEqual(drive.ask("retry"), ["stage 2 waits"], "for the approval only");
    assert.deepEqual(drive.ask("approve"), ["gate 2.1 open", "stage 2 begins", "begin 2.1.1"]);
  });

  it("waits no second time for what was skipped", () => {
    const later = { after: { ms: 9_000, from: "stage" }, gates: [gate], lines: [[{}]] } as const;
    const drive = new Drive(makePlan([{ lines: [[{}]] }, later]));
    drive.look();
    drive.end("1.1.1");
    assert.deepEqual(drive.ask("skip-wait"), ["stage 2 waits"]);
    drive.pass(100);
    assert.deepEqual(drive.ask("retry"), ["stage 2 waits"]);
    assert.equal(drive.run.opening.waiting?.gate, 1);
  });

  it("waits for the rest of a time that had not", () => {
    const later = { after: { ms: 500, from: "stage" }, lines: [[{}]] } as const;
    const drive = new Drive(makePlan([{ lines: [[{}]] }, later]));
    drive.look();
    drive.end("1.1.1");
    const until = drive.now + 500;
    drive.pass(200);
    drive.ask(stop);
    drive.now += 100;
    assert.deepEqual(drive.ask("retry"), [`stage 2 waits until ${until}`]);
  });
});

describe("a run that is paused", () => {
  it("waits for no time", () => {
    const drive = new Drive(
      makePlan([
        { concurrency: 2, lines: [[{}], [{ afterMs: 50 }]] },
        { after: { ms: 500, from: "stage" }, lines: [[{}]] },
      ]),
    );
    const waits = () => statusOf("run", drive.run).stages.map((stage) => stage.waits);
    drive.look();
    drive.ask("pause");
    const [first] = waits();
    assert.deepEqual(first, {
      why: "the time of its next lines, and to be resumed",
      since: drive.now,
    });
    drive.ask("resume");
    drive.pass(50);
    drive.end("1.1.1");
    drive.end("1.2.1");
    assert.equal(waits()[1]?.until, drive.now + 500);
    drive.ask("pause");
    const why = "its time, measured from the end of the stage before, and to be resumed";
    assert.deepEqual(waits()[1], { why, since: drive.now });
  });
});
