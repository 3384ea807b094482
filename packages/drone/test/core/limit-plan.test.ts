import assert from "node:assert/strict";
import { test } from "node:test";
import { planLimits } from "../../src/core/limit-plan.js";

const limits = { memoryBytes: 1, cpuPercent: 2, files: 3, otherwise: "refuse" } as const;

test("enforces what the machine can", () => {
  assert.deepEqual(planLimits(limits, { memory: true, cpu: true, filesMax: 3 }), {
    memoryBytes: 1,
    cpuPercent: 2,
    files: 3,
    missing: [],
  });
});

test("says of each limit why it cannot be enforced, and leaves it out", () => {
  assert.deepEqual(planLimits(limits, { memory: false, cpu: false, filesMax: 2 }), {
    memoryBytes: undefined,
    cpuPercent: undefined,
    files: undefined,
    missing: [
      "memory (there is no control group that the drone may write to)",
      "cpu (there is no control group that the drone may write to)",
      "files (the drone itself may open 2 at most)",
    ],
  });
});

test("misses nothing that nobody asked for", () => {
  const { missing } = planLimits(
    { otherwise: "warn" },
    { memory: false, cpu: false, filesMax: undefined },
  );
  assert.deepEqual(missing, []);
});
