import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readPlan, Run, toolBox, type RunEvent } from "@propagit/plan";
import { progressLines } from "../../src/output/run-progress.js";

const text = `name: shown
stages:
  - name: first
    concurrency: 2
    tasks: [{ command: message, message: a }, { command: message, message: b }, { command: message, message: c }]
  - { name: second, after: 1h, tasks: [{ command: message, message: d }] }
  - { name: third, tasks: [{ command: message, message: e }] }
`;

/** The run after these events, and what has followed from them. */
function runAfter(now: number, ...events: readonly RunEvent[]): Run {
  const run = new Run(readPlan({ file: "plan.yaml", text }, toolBox));
  for (const event of events) {
    run.apply(event);
    run.advance(event.at);
  }
  run.advance(now);
  return run;
}

const begun: RunEvent = { at: 1_000, kind: "run-begun", by: "ann", locks: [] };
const ended = (task: string): RunEvent => ({
  at: 2_000,
  kind: "task-ended",
  task,
  outcome: "done",
});

describe("where a run stands", () => {
  it("is a line for each stage, and what is under way", () => {
    assert.deepEqual(progressLines(runAfter(1_000, begun, ended("1.1.1")), 4_000, 24), [
      "first   2 running, 1 done",
      "  local message 3s",
      "  local message 2s",
      "second  ahead",
      "third   ahead",
    ]);
  });

  it("says how long it waits", () => {
    const run = runAfter(2_000, begun, ended("1.1.1"), ended("1.2.1"), ended("1.3.1"));
    const lines = progressLines(run, 62_000, 24);
    assert.equal(lines[0], "first   done: 3 done");
    assert.match(lines[1] ?? "", /^second {2}waits: .*, 59 min left$/);
  });

  it("takes no more rows than there are, and shows where it stands", () => {
    const run = runAfter(2_000, begun, ended("1.1.1"), ended("1.2.1"), ended("1.3.1"));
    const lines = progressLines(run, 62_000, 2);
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /^second/);
  });
});
