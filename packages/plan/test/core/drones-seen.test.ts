import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dronesSeen, keptDrones, type DroneSeen } from "../../src/core/drones-seen.js";

const healthy = (index: number): DroneSeen => ({
  drone: `web-${index}`,
  state: "healthy",
  tookMs: index,
});

describe("the drones of a task", () => {
  it("are there in the order in which they need a look, the slowest before the others", () => {
    const { counts, drones } = dronesSeen([
      { drone: "a", state: "unchanged" },
      { drone: "b", state: "healthy", tookMs: 1 },
      { drone: "c", state: "starting" },
      { drone: "d", state: "healthy", tookMs: 2 },
      { drone: "e", state: "away", reason: "it was lost" },
      { drone: "f", state: "failed", reason: "exit code 1", lastLines: ["one", "two"] },
    ]);
    assert.deepEqual(counts, { failed: 1, away: 1, starting: 1, healthy: 2, unchanged: 1 });
    assert.equal(drones.map(({ drone }) => drone).join(" "), "f e c d b a");
    assert.deepEqual(drones[0]?.lastLines, ["one", "two"]);
  });

  it("are counted, and of 10,000 the failed and the slowest kept", () => {
    const all = Array.from({ length: 10_000 }, (_, index) => healthy(index));
    const failed = { drone: "bad", state: "failed", reason: "no" } as const;
    const { counts, drones } = dronesSeen([...all, failed]);
    assert.deepEqual([counts.healthy, counts.failed], [10_000, 1]);
    assert.equal(drones.length, keptDrones.drones);
    assert.deepEqual(drones.slice(0, 2), [failed, healthy(9_999)]);
  });

  it("are bounded in what they say", () => {
    const lastLines = Array.from({ length: 100 }, () => "x".repeat(5_000));
    const reason = "y".repeat(5_000);
    const all = Array.from({ length: 1_000 }, (_, index): DroneSeen => {
      return { drone: `web-${index}`, state: "failed", reason, lastLines };
    });
    const { drones } = dronesSeen(all);
    assert.ok(JSON.stringify(drones).length < 64 * 1024);
    const withLines = drones.filter((one) => one.lastLines);
    assert.equal(withLines.length, keptDrones.dronesWithLines);
  });
});
