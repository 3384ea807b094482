import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusalOf } from "../../src/core/asks.js";
import { Run } from "../../src/core/run.js";
import { Drive } from "../support/drive.js";
import { makePlan, probe, wideStage } from "../support/plans.js";

const failed = { outcome: "failed", reason: "no room" } as const;
const undo = [
  {
    command: "undo",
    where: { kind: "engine" },
    args: {},
    timeoutMs: 1,
    retryDelaysMs: [],
    continueOnFail: false,
    once: false,
  },
] as const;

describe("a run", () => {
  it("carries out stages in order, lines side by side, and tasks of a line in order", () => {
    const drive = new Drive(
      makePlan([{ concurrency: 2, lines: [[{}, {}], [{}], [{}]] }, { lines: [[{}]] }]),
    );
    assert.deepEqual(drive.look(), ["stage 1 begins", "begin 1.1.1", "begin 1.2.1"]);
    assert.deepEqual(drive.end("1.1.1"), ["begin 1.1.2"], "a line goes on before another begins");
    assert.deepEqual(drive.end("1.2.1", "unchanged"), ["begin 1.3.1"]);
    assert.deepEqual(drive.end("1.3.1"), []);
    assert.deepEqual(drive.end("1.1.2"), ["stage 1 done", "stage 2 begins", "begin 2.1.1"]);
    assert.deepEqual(drive.end("2.1.1"), ["stage 2 done", "run done"]);
  });

  it("is done at once when there is nothing to do", () => {
    assert.deepEqual(new Drive(makePlan([])).look(), ["run done"]);
    const empty = new Drive(makePlan([{ lines: [] }, { lines: [[]] }]));
    assert.deepEqual(empty.look().at(-1), "run done");
  });

  it("keeps the limit of each host, and lets other hosts pass", () => {
    const lines = [[{ on: "a" }], [{ on: "a" }], [{ on: "b" }], [{ on: "a" }]];
    const drive = new Drive(makePlan([{ concurrency: 3, concurrencyPerHost: 1, lines }]));
    assert.deepEqual(drive.look(), ["stage 1 begins", "begin 1.1.1", "begin 1.3.1"]);
    assert.deepEqual(drive.end("1.1.1"), ["begin 1.2.1"]);
    assert.deepEqual(drive.end("1.3.1"), []);
    assert.deepEqual(drive.end("1.2.1"), ["begin 1.4.1"]);
  });

  it("begins nothing new after a failure, lets what runs finish, and tells what never ran", () => {
    const drive = new Drive(makePlan([wideStage(4, 4, { concurrency: 2 }), { lines: [[{}]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), []);
    assert.deepEqual(drive.end("1.2.1"), ["stage 1 failed", "run failed"]);
    assert.equal(
      drive.run.reason,
      "stage stage 1 failed: 1 of 4 lines failed, none may: 1.1.1: no room",
    );
    const { done, failed: failures, neverRun } = drive.run.stages[0]?.run.counts ?? {};
    assert.deepEqual([done, failures, neverRun], [1, 1, 2]);
  });

  it("lets as many lines fail as may", () => {
    const drive = new Drive(makePlan([wideStage(3, 3, { concurrency: 1, maxFailures: 1 })]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), ["begin 1.2.1"]);
    assert.deepEqual(drive.end("1.2.1"), ["begin 1.3.1"]);
    assert.deepEqual(drive.end("1.3.1"), ["stage 1 failed", "run failed"], "not all was done");
    assert.match(
      drive.run.reason ?? "",
      /and the plan went on: 1 of 3 lines failed, 1 may: 1\.1\.1/,
    );
  });

  it("goes on with a line whose failure counts for nothing", () => {
    const drive = new Drive(makePlan([{ lines: [[{ continueOnFail: true }, {}]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), ["begin 1.1.2"]);
    assert.deepEqual(drive.end("1.1.2"), ["stage 1 done", "run done"]);
    assert.equal(drive.run.stages[0]?.run.counts.failed, 1);
  });

  it("never runs the rest of a line that failed", () => {
    const drive = new Drive(makePlan([{ maxFailures: 1, lines: [[{}, {}], [{}]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), ["begin 1.2.1"]);
    assert.deepEqual(drive.end("1.2.1"), ["stage 1 failed", "run failed"]);
    assert.equal(drive.run.stages[0]?.run.counts.neverRun, 1);
  });

  it("goes on to the next stage where the plan says so, and is not done then", () => {
    const drive = new Drive(
      makePlan([{ onFailure: "continue", lines: [[{}]] }, { lines: [[{}]] }]),
    );
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), [
      "stage 1 failed",
      "stage 2 begins",
      "begin 2.1.1",
    ]);
    assert.deepEqual(drive.end("2.1.1"), ["stage 2 done", "run failed"]);
  });
});

describe("retries", () => {
  it("wait their time without holding a place", () => {
    const drive = new Drive(makePlan([{ lines: [[{ retryDelaysMs: [100, 800] }], [{}], [{}]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), ["begin 1.2.1"]);
    assert.equal(drive.run.wakeAt, drive.now + 100);
    assert.deepEqual(drive.pass(100), [], "the place is taken");
    assert.deepEqual(drive.end("1.2.1"), ["begin 1.1.1 again (2)"], "lines in their order");
    assert.deepEqual(drive.end("1.1.1", failed), ["begin 1.3.1"]);
    assert.deepEqual(drive.end("1.3.1"), []);
    assert.deepEqual(drive.pass(799), []);
    assert.deepEqual(drive.pass(1), ["begin 1.1.1 again (3)"]);
    assert.deepEqual(drive.end("1.1.1", failed), ["stage 1 failed", "run failed"]);
  });

  it("are given up when nothing new may begin", () => {
    const lines = [[{ retryDelaysMs: [100] }], [{}]];
    const drive = new Drive(makePlan([{ concurrency: 2, lines }]));
    drive.look();
    drive.end("1.1.1", failed);
    assert.deepEqual(drive.end("1.2.1", failed), ["1.1.1 failed", "stage 1 failed", "run failed"]);
    assert.match(drive.run.taskRun("1.1.1")?.reason ?? "", /^no room; it is not tried again/);
  });

  it("are not made of a task that may run once", () => {
    const drive = new Drive(makePlan([{ lines: [[{ once: true, retryDelaysMs: [1] }]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), ["stage 1 failed", "run failed"]);
  });
});

describe("a task that may run once", () => {
  it("ends the plan when nobody knows whether it did, whatever may fail", () => {
    const wish = { maxFailures: 5, onFailure: "rollback", concurrency: 2 } as const;
    const drive = new Drive(makePlan([{ ...wish, lines: [[{ once: true, undo }], [{}], [{}]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", { outcome: "unknown", reason: "the engine died" }), []);
    assert.deepEqual(drive.end("1.2.1"), ["stage 1 failed", "run failed"]);
    assert.match(drive.run.reason ?? "", /cannot be known whether 1\.1\.1 was carried out/);
    const refusal = refusalOf(drive.run, { kind: "retry" }, "anna");
    assert.match(refusal?.why ?? "", /say it again with --force/);
    assert.equal(refusalOf(drive.run, { kind: "retry", force: true }, "anna"), undefined);
    assert.deepEqual(drive.ask({ kind: "retry", force: true }), [
      "stage 1 begins",
      "begin 1.1.1 again (2)",
      "begin 1.3.1",
    ]);
  });
});

describe("rollback", () => {
  const stages = [
    {
      concurrency: 2,
      lines: [
        [
          { undo, on: "a" },
          { undo, on: "a" },
        ],
        [{ undo }],
      ],
    },
    { onFailure: "rollback", concurrency: 2, lines: [[{ undo }], [{ undo }]] },
  ] as const;

  function failing(): Drive {
    const drive = new Drive(makePlan(stages));
    drive.look();
    drive.end("1.1.1");
    drive.end("1.2.1", "unchanged");
    drive.end("1.1.2");
    drive.end("2.1.1");
    return drive;
  }

  it("takes back what was done, in reverse order, stage by stage", () => {
    const drive = failing();
    assert.deepEqual(drive.end("2.2.1", failed), [
      "stage 2 failed",
      "rollback",
      "stage 3 begins",
      "begin 3.1.1",
      "begin 3.2.1",
    ]);
    drive.end("3.2.1");
    assert.deepEqual(drive.end("3.1.1"), ["stage 3 done", "stage 4 begins", "begin 4.1.1"]);
    assert.deepEqual(drive.end("4.1.1"), ["begin 4.1.2"], "what was unchanged is left alone");
    assert.deepEqual(drive.end("4.1.2"), ["stage 4 done", "run undone"]);
    assert.match(drive.run.reason ?? "", /^stage stage 2 failed: 1 of 2 lines failed/);
    assert.match(refusalOf(drive.run, { kind: "retry" }, "anna")?.why ?? "", /put back/);
  });

  it("tries everything, never rolls itself back, and says that it failed", () => {
    const drive = failing();
    drive.end("2.2.1", failed);
    assert.deepEqual(drive.end("3.1.1", failed), []);
    drive.end("3.2.1");
    drive.end("4.1.1");
    assert.deepEqual(drive.end("4.1.2"), ["stage 4 done", "run failed"]);
    assert.match(drive.run.reason ?? "", /its rollback failed: 1 of its lines failed/);
    assert.deepEqual(drive.ask("retry"), ["stage 3 begins", "begin 3.1.1 again (2)"]);
    assert.deepEqual(drive.end("3.1.1"), ["stage 3 done", "run undone"]);
  });

  it("is the plan's own when it has one", () => {
    const rollback = makePlan([{ lines: [[{}]] }]).stages;
    const drive = new Drive(
      makePlan([{ onFailure: "rollback", lines: [[{ undo }]] }], { rollback }),
    );
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), [
      "stage 1 failed",
      "rollback",
      "stage 2 begins",
      "begin 2.1.1",
    ]);
    assert.equal(drive.run.task("2.1.1").id, "2.1.1");
    assert.deepEqual(drive.end("2.1.1"), ["stage 2 done", "run undone"]);
  });

  it("is passed over when there is nothing to put back", () => {
    const drive = new Drive(makePlan([{ onFailure: "rollback", lines: [[{}]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1", failed), ["stage 1 failed", "run failed"]);
  });
});

describe("stop", () => {
  it("lets what runs finish and begins nothing more", () => {
    const drive = new Drive(makePlan([wideStage(3, 3, { concurrency: 1 })]));
    drive.look();
    assert.deepEqual(drive.ask({ kind: "stop", undo: false }), []);
    assert.match(refusalOf(drive.run, { kind: "stop", undo: false }, "x")?.why ?? "", /already/);
    assert.deepEqual(drive.end("1.1.1"), ["stage 1 stopped", "run stopped"]);
    assert.equal(drive.run.reason, "stopped by ben");
    assert.deepEqual(drive.ask("retry"), ["stage 1 begins", "begin 1.2.1"]);
  });

  it("puts back what was done when that is asked, also while a stage waits", () => {
    const after = { ms: 60_000, from: "stage" } as const;
    const drive = new Drive(makePlan([{ lines: [[{ undo }]] }, { after, lines: [[{}]] }]));
    drive.look();
    assert.deepEqual(drive.end("1.1.1"), ["stage 1 done", "stage 2 waits until 61000"]);
    assert.deepEqual(drive.ask({ kind: "stop", undo: true }), [
      "rollback",
      "stage 3 begins",
      "begin 3.1.1",
    ]);
    assert.deepEqual(drive.end("3.1.1"), ["stage 3 done", "run undone"]);
  });

  it("stops at once what has not begun", () => {
    const after = { ms: 60_000, from: "plan" } as const;
    const drive = new Drive(makePlan([{ after, lines: [[{ undo }]] }]));
    drive.look();
    assert.deepEqual(drive.ask({ kind: "stop", undo: true }), ["run stopped"]);
    assert.equal(drive.run.stages[0]?.state, "ahead");
  });
});

describe("pause", () => {
  it("begins nothing until resume, and lets what runs finish", () => {
    const drive = new Drive(makePlan([{ lines: [[{}, {}]] }, { lines: [[{}]] }]));
    drive.look();
    assert.deepEqual(drive.ask("pause"), []);
    assert.deepEqual(drive.end("1.1.1"), []);
    assert.deepEqual(drive.ask("resume"), ["begin 1.1.2"]);
    drive.ask("pause");
    assert.deepEqual(drive.end("1.1.2"), ["stage 1 done"]);
    assert.deepEqual(drive.ask("resume"), ["stage 2 begins", "begin 2.1.1"]);
  });
});

describe("waits", () => {
  const after = { ms: 60_000, from: "stage" } as const;

  it("for its time, from the end of the stage before or from the beginning", () => {
    const plan = makePlan([
      { lines: [[{}]] },
      { after, lines: [[{}]] },
      { after: { ms: 100_000, from: "plan" }, lines: [] },
    ]);
    const drive = new Drive(plan, 0);
    drive.look();
    drive.pass(5_000);
    assert.deepEqual(drive.end("1.1.1"), ["stage 1 done", "stage 2 waits until 65000"]);
    assert.equal(drive.run.wakeAt, 65_000);
    assert.deepEqual(drive.pass(59_999), []);
    assert.deepEqual(drive.pass(1), ["stage 2 begins", "begin 2.1.1"]);
    assert.deepEqual(drive.end("2.1.1"), ["stage 2 done", "stage 3 waits until 100000"]);
  });

  it("no longer when somebody says so, but for no approval", () => {
    const plan = makePlan([{ after, gates: [{ kind: "approval", by: ["anna"] }], lines: [[{}]] }]);
    const drive = new Drive(plan);
    assert.deepEqual(drive.look(), ["stage 1 waits until 61000"]);
    assert.match(refusalOf(drive.run, { kind: "approve" }, "anna")?.why ?? "", /no approval/);
    assert.deepEqual(drive.ask("skip-wait"), ["stage 1 waits"]);
    assert.match(refusalOf(drive.run, { kind: "skip-wait" }, "anna")?.why ?? "", /no time/);
    assert.equal(refusalOf(drive.run, { kind: "approve" }, "ben")?.kind, "not-yours");
    assert.equal(refusalOf(drive.run, { kind: "approve" }, "anna"), undefined);
    assert.deepEqual(drive.ask("approve", "anna"), [
      "gate 1.1 open",
      "stage 1 begins",
      "begin 1.1.1",
    ]);
  });

  it("for an approval no longer than it may", () => {
    const gates = [{ kind: "approval", timeoutMs: 1_000 }] as const;
    const drive = new Drive(makePlan([{ gates, lines: [[{}]] }]));
    assert.deepEqual(drive.look(), ["stage 1 waits"]);
    assert.equal(drive.run.wakeAt, 2_000);
    assert.deepEqual(drive.pass(1_000), ["gate 1.1 refused", "stage 1 failed", "run failed"]);
    assert.deepEqual(drive.ask("retry"), ["stage 1 waits"], "it is asked anew");
  });

  it("for gates one after the other, as they are told from outside", () => {
    const drive = new Drive(makePlan([{ gates: [probe, { kind: "approval" }], lines: [] }]));
    assert.deepEqual(drive.look(), ["stage 1 waits"]);
    const open = { at: 1, kind: "gate-open", stage: 1, gate: 1, why: "200" } as const;
    assert.deepEqual(drive.take(open), ["stage 1 waits"]);
    assert.deepEqual(drive.ask("approve"), [
      "gate 1.2 open",
      "stage 1 begins",
      "stage 1 done",
      "run done",
    ]);
  });
});

describe("asks", () => {
  it("that make no sense are refused with why", () => {
    const drive = new Drive(makePlan([{ lines: [[{}]] }]));
    drive.look();
    const why = (kind: "resume" | "skip-wait" | "approve" | "retry" | "pause") =>
      refusalOf(drive.run, { kind }, "anna")?.why;
    assert.equal(why("resume"), "it is not paused");
    assert.equal(why("skip-wait"), "no stage waits");
    assert.equal(why("approve"), "it waits for no approval");
    assert.equal(why("retry"), "nothing of the stage that runs has failed");
    drive.end("1.1.1");
    assert.equal(why("pause"), "it is over: done");
    assert.equal(why("retry"), "nothing of it failed");
  });

  it("retry of what failed so far lets a stage go on that would have failed", () => {
    const drive = new Drive(makePlan([wideStage(3, 3, { concurrency: 2 })]));
    drive.look();
    drive.end("1.1.1", failed);
    assert.deepEqual(drive.ask("retry"), ["begin 1.1.1 again (2)"]);
    drive.end("1.1.1");
    drive.end("1.2.1");
    assert.deepEqual(drive.end("1.3.1"), ["stage 1 done", "run done"]);
  });
});

describe("a run out of its journal", () => {
  it("stands where it stood, after each of its events", () => {
    const drive = new Drive(
      makePlan([
        { concurrency: 2, maxFailures: 1, lines: [[{ retryDelaysMs: [5] }, {}], [{}], [{}]] },
        { gates: [{ kind: "approval" }], lines: [[{}]] },
      ]),
    );
    drive.look();
    drive.end("1.1.1", failed);
    drive.pass(5);
    drive.end("1.2.1", failed);
    drive.end("1.1.1");
    drive.end("1.3.1");
    drive.end("1.1.2");
    drive.ask("approve");
    drive.end("2.1.1");
    assert.equal(drive.run.state, "over");
    for (let count = 1; count < drive.events.length; count++) {
      const again = new Run(drive.run.plan, drive.events.slice(0, count));
      const next = drive.events[count];
      const follows = again.next(next?.at ?? 0);
      // What comes from outside does not follow by itself.
      if (follows) assert.deepEqual(follows, next, `after ${count} events`);
    }
  });
});
