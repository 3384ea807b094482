import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasActed, lastingTasks, staysText, tasksText } from "../../src/core/left-over.js";
import { statusOf } from "../../src/core/run-status.js";
import { Drive } from "../support/drive.js";
import { makePlan, makeTask } from "../support/plans.js";

const { id: _, ...back } = makeTask({ on: "web-1", command: "undrain" }, "");
const drain = { on: "web-1", command: "drain", undo: [back] };
const failed = { outcome: "failed", reason: "no room" } as const;

describe("what a run that is over did", () => {
  it("is named when it stays and can be taken back", () => {
    const drive = new Drive(makePlan([{ lines: [[drain, { on: "web-1" }, drain]] }]));
    drive.look();
    drive.end("1.1.1");
    assert.equal(staysText(drive.run), undefined, "it is not over");
    drive.end("1.1.2", failed);
    assert.equal(staysText(drive.run), "drain on web-1 (1.1.1)");
    assert.equal(statusOf("run", drive.run).stays, "drain on web-1 (1.1.1)");
    drive.ask({ kind: "stop", undo: true });
    drive.end("2.1.1");
    assert.deepEqual([drive.run.outcome, staysText(drive.run)], ["undone", undefined]);
  });

  it("is no news when all was done, or nothing changed", () => {
    const done = new Drive(makePlan([{ lines: [[drain]] }]));
    done.look();
    done.end("1.1.1");
    assert.equal(staysText(done.run), undefined);
    const same = new Drive(makePlan([{ lines: [[drain, {}]] }]));
    same.look();
    same.end("1.1.1", "unchanged");
    same.end("1.1.2", failed);
    assert.equal(staysText(same.run), undefined);
    assert.equal(hasActed(same.run, same.run.task("1.1.1")), false);
  });

  it("is counted when it is much", () => {
    const lines = Array.from({ length: 7 }, () => [drain]);
    const drive = new Drive(makePlan([{ concurrency: 7, lines: [...lines, [{}]] }]));
    drive.look();
    for (let line = 1; line <= 7; line++) drive.end(`1.${line}.1`);
    drive.end("1.8.1", { outcome: "failed", reason: "no" });
    assert.match(
      staysText(drive.run) ?? "",
      /^drain on web-1 \(1\.1\.1\), .*\(1\.5\.1\) and 2 more$/,
    );
  });
});

describe("what nothing takes back", () => {
  it("is each task without a way back, unless it needs none, or the plan has its own", () => {
    const plan = makePlan([{ lines: [[drain, { command: "message" }, { command: "execute" }]] }]);
    const isMessage = ({ command }: { readonly command: string }) => command === "message";
    assert.equal(tasksText(lastingTasks(plan, isMessage)), "execute (1.1.3)");
    assert.equal(tasksText([]), undefined);
    const rollback = makePlan([{ lines: [[drain]] }]).stages;
    assert.deepEqual(lastingTasks({ ...plan, rollback }, isMessage), []);
  });
});
