import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DronesSeen } from "@propagit/plan";
import { droneLines, droneTexts } from "../../src/output/drones-seen.js";

const seen: DronesSeen = {
  counts: { failed: 1, away: 1, starting: 1, healthy: 9_998, unchanged: 1 },
  drones: [
    {
      drone: "web-3",
      state: "failed",
      tookMs: 12_000,
      reason: "exit code 1",
      lastLines: ["Error: no such table"],
    },
    { drone: "web-4", state: "away", reason: "the drone was lost on the way" },
    { drone: "web-5", state: "starting", reason: "1 of 2 instances are ready" },
    { drone: "web-6", state: "healthy", tookMs: 3_000 },
  ],
};

describe("the drones of a task", () => {
  it("are said one by one with why and what they said last, and the others counted", () => {
    assert.deepEqual(droneLines(seen), [
      "web-3: failed after 12 s: exit code 1",
      "  | Error: no such table",
      "web-4: away: the drone was lost on the way",
      "web-5: was still starting: 1 of 2 instances are ready",
      "web-6: healthy after 3.0 s",
      "… and 9,998 more: 9,997 healthy, 1 unchanged",
    ]);
  });

  it("are on their way while the task is", () => {
    const [, , starting] = droneTexts(seen, false);
    assert.equal(starting?.text, "web-5: starting: 1 of 2 instances are ready");
  });
});
