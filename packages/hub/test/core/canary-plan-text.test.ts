import assert from "node:assert/strict";
import { test } from "node:test";
import { canaryPlanDefault as plan } from "@propagit/protocol";
import { differencesOf } from "../../src/core/canary-plan-text.js";

test("says what is under way as flags, where something else was said", () => {
  assert.deepEqual(differencesOf(plan, {}), []);
  assert.deepEqual(differencesOf(plan, { ...plan, steps: [...plan.steps] }), []);
  const other = {
    steps: [50, 100],
    everyMs: 1_000,
    minRequests: 1,
    inconclusive: "stop",
    compare: "all",
    errorPoints: 2,
    p95Ratio: 3,
  } as const;
  assert.deepEqual(differencesOf(plan, { ...other, steps: [...other.steps] }), [
    "--steps 5%,25%,50%,100%",
    "--every 5m",
    "--min-requests 200",
    "--inconclusive wait",
    "--compare same",
    "--max-error-rate +0.5",
    "--max-p95 1.2x",
  ]);
  const spans = [1_000, 90_000, 3_600_000, 1_500].map((everyMs) =>
    differencesOf({ ...plan, everyMs }, { everyMs: 2_000 }),
  );
  assert.deepEqual(spans.flat(), ["--every 1s", "--every 90s", "--every 1h", "--every 1500ms"]);
});
