/** What people ask of a run in the middle: attempts brought forward, parts that are carried out elsewhere. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusalOf } from "../../src/core/asks.js";
import { statusOf } from "../../src/core/run-status.js";
import type { RunAsk } from "../../src/run-event.js";
import { Drive } from "../support/drive.js";
import { makePlan, makeTask } from "../support/plans.js";

const failed = { outcome: "failed", reason: "no room" } as const;

function why(drive: Drive, ask: RunAsk): string | undefined {
  return refusalOf(drive.run, ask, "anna")?.why;
}

describe("a retry of a stage that runs", () => {
  it("brings forward what is tried again later, as the attempt that it is", () => {
    const lines = [[{ retryDelaysMs: [100, 800] }], [{ retryDelaysMs: [900] }], [{}]];
    const drive = new Drive(makePlan([{ concurrency: 3, lines }]));
    drive.look();
    drive.end("1.1.1", failed);
    drive.end("1.2.1", failed);
    assert.equal(why(drive, { kind: "retry" }), undefined);
    assert.deepEqual(drive.ask("retry"), ["begin 1.1.1 again (2)", "begin 1.2.1 again (2)"]);
    assert.deepEqual(drive.pass(2_000), [], "the former times are past");
    drive.end("1.1.1", failed);
    assert.equal(drive.run.wakeAt, drive.now + 800, "its second delay is next");
    assert.deepEqual(drive.end("1.2.1", failed), [], "it has no third attempt");
    assert.deepEqual(drive.ask("retry"), ["begin 1.1.1 again (3)", "begin 1.2.1 again (3)"]);
  });

  it("leaves to resume when it is paused, and is refused while it is stopped", () => {
    const drive = new Drive(
      makePlan([{ concurrency: 2, lines: [[{ retryDelaysMs: [100] }], [{}]] }]),
    );
    drive.look();
    drive.end("1.1.1", failed);
    drive.ask("pause");
    assert.deepEqual(drive.ask("retry"), []);
    assert.deepEqual(drive.ask("resume"), ["begin 1.1.1 again (2)"]);
    drive.ask({ kind: "stop", undo: false });
    assert.equal(why(drive, { kind: "retry" }), "it is being stopped");
  });
});

describe("an approval of a run that is paused", () => {
  it("is told, and not asked for again", () => {
    const gates = [{ kind: "approval" as const }];
    const drive = new Drive(makePlan([{ lines: [[{}]] }, { gates, lines: [[{}]] }]));
    drive.look();
    drive.end("1.1.1", { outcome: "done" });
    drive.ask("pause");
    const waits = () => statusOf("r", drive.run, {}).stages[1]?.waits?.why;
    assert.equal(waits(), "somebody's approval, and to be resumed");
    drive.ask("approve");
    assert.equal(waits(), "approved by ben, and to be resumed");
    assert.equal(
      why(drive, { kind: "approve" }),
      "ben approved it already, and it waits to be resumed",
    );
    drive.ask("resume");
    assert.equal(drive.run.current?.state, "running");
  });
});

describe("a stage that waits while the run is put back", () => {
  it("has never begun", () => {
    const { id: _, ...undo } = makeTask({}, "1.1.1");
    const after = { ms: 500, from: "stage" } as const;
    const drive = new Drive(makePlan([{ lines: [[{ undo: [undo] }]] }, { after, lines: [[{}]] }]));
    drive.look();
    drive.end("1.1.1", { outcome: "done" });
    assert.equal(drive.run.current?.state, "waiting");
    drive.ask({ kind: "stop", undo: true });
    const states = statusOf("r", drive.run, {}).stages.map(({ state }) => state);
    assert.deepEqual(states, ["done", "ahead", "running"]);
  });
});

describe("lines with a time of their own", () => {
  const stage = {
    concurrency: 3,
    lines: [
      [{ retryDelaysMs: [9_000] }],
      [{ afterMs: 300 }, {}],
      [{ afterMs: 600 }],
      [{ afterMs: 600 }],
    ],
  };

  it("begin when it has come, whatever another waits for", () => {
    const drive = new Drive(makePlan([{ ...stage, maxFailures: 4 }]));
    assert.deepEqual(drive.look(), ["stage 1 begins", "begin 1.1.1"]);
    drive.end("1.1.1", failed);
    assert.equal(drive.run.wakeAt, drive.now + 300, "its attempts are later");
    assert.deepEqual(drive.pass(299), []);
    assert.deepEqual(drive.pass(1), ["begin 1.2.1"]);
    assert.deepEqual(drive.end("1.2.1"), ["begin 1.2.2"]);
    assert.deepEqual(drive.pass(300), ["begin 1.3.1", "begin 1.4.1"]);
    for (const task of ["1.2.2", "1.3.1", "1.4.1"]) drive.end(task);
    assert.deepEqual(drive.pass(8_400), ["begin 1.1.1 again (2)"]);
    assert.deepEqual(drive.end("1.1.1"), ["stage 1 done", "run done"]);
  });

  it("wait no longer, those that come next, when somebody says so", () => {
    const drive = new Drive(makePlan([stage]));
    drive.look();
    const { stages } = statusOf("run", drive.run, { tasks: "all" });
    assert.equal(stages[0]?.waits?.until, drive.now + 300);
    const times = stages[0].tasks.map(({ nextAt }) => nextAt && nextAt - drive.now);
    assert.deepEqual(times, [undefined, 300, undefined, 600, 600]);
    assert.equal(why(drive, { kind: "skip-wait" }), undefined);
    assert.deepEqual(drive.ask("skip-wait"), ["begin 1.2.1"]);
    assert.deepEqual(drive.ask("skip-wait"), ["begin 1.3.1"], "three at a time");
    assert.equal(why(drive, { kind: "skip-wait" }), "no stage waits");
  });

  it("never begin once the stage has failed, and keep their times when it is tried again", () => {
    const drive = new Drive(makePlan([{ lines: [[{}], [{ afterMs: 500 }]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), ["stage 1 failed", "run failed"]);
    assert.deepEqual(drive.pass(400), []);
    assert.deepEqual(drive.ask("retry"), ["stage 1 begins", "begin 1.1.1 again (2)"]);
    drive.end("1.1.1");
    assert.deepEqual(drive.pass(100), ["begin 1.2.1"]);
  });
});

describe("a run of which a part is carried out elsewhere", () => {
  it("may be asked what only that can do, as long as it is under way", () => {
    const drive = new Drive(makePlan([{ lines: [[{ on: "head", command: "delegate" }]] }]));
    drive.look();
    assert.equal(why(drive, { kind: "skip-wait" }), undefined);
    assert.equal(why(drive, { kind: "retry" }), undefined);
    assert.deepEqual([drive.ask("skip-wait"), drive.ask("retry")], [[], []]);
    drive.end("1.1.1");
    assert.equal(why(drive, { kind: "skip-wait" }), "it is over: done");
  });

  it("does not skip the waiting of the stage that comes then", () => {
    const next = { after: { ms: 500, from: "stage" }, lines: [[{}]] } as const;
    const drive = new Drive(makePlan([{ lines: [[{ on: "head", command: "delegate" }]] }, next]));
    drive.look();
    drive.ask("skip-wait");
    assert.deepEqual(drive.end("1.1.1"), [
      "stage 1 done",
      `stage 2 waits until ${drive.now + 500}`,
    ]);
  });
});
