import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pastDurations, readPlan, toolBox, type RunEvent } from "../../src/index.js";

const task = (drone: string) => ({ command: "execute", drone, run: "true" });
const value = {
  name: "gated",
  stages: [
    { name: "one", tasks: [task("a")] },
    { name: "two", gate: { approval: true }, tasks: [task("b")] },
  ],
};
const plan = readPlan({ maker: "test", value }, toolBox);

describe("what tasks took", () => {
  it("is from their beginning to their end, whatever stages waited for in between", () => {
    const events: readonly RunEvent[] = [
      { at: 0, kind: "run-begun", by: "ann" },
      { at: 0, kind: "stage-begun", stage: 1 },
      { at: 0, kind: "task-begun", task: "1.1.1", attempt: 1 },
      { at: 400, kind: "task-ended", task: "1.1.1", outcome: "done" },
      { at: 400, kind: "stage-ended", stage: 1, outcome: "done" },
      { at: 400, kind: "stage-waits", stage: 2, gate: 1, why: "somebody's approval" },
      { at: 45_000, kind: "asked", ask: { kind: "approve" }, by: "ann" },
      { at: 45_000, kind: "gate-open", stage: 2, gate: 1, why: "approved by ann" },
      { at: 45_000, kind: "stage-begun", stage: 2 },
      { at: 45_000, kind: "task-begun", task: "2.1.1", attempt: 1 },
      { at: 45_600, kind: "task-ended", task: "2.1.1", outcome: "done" },
    ];
    assert.deepEqual(pastDurations([{ plan, events }]), [
      { command: "execute", ms: 500 },
      { command: "execute", host: "a", ms: 400 },
      { command: "execute", host: "b", ms: 600 },
    ]);
  });
});
