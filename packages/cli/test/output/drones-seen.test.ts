import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hubCommands } from "@propagit/hub";
import { readPlan, Run, statusOf, type DronesSeen, type RunEvent } from "@propagit/plan";
import { droneLines, droneTexts } from "../../src/output/drones-seen.js";
import { describeLimits } from "../../src/output/plan-words.js";
import { runTree } from "../../src/output/run-tree.js";

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

  it("are below the task that waited for them, also when that is done; a wave says that it begins at once", () => {
    const words = { repo: "webapp", environment: "production", release: 1 };
    const commands = ["start", "wait-healthy"].map((command) => ({ command, ...words }));
    const value = { name: "deploy", stages: [{ name: "start", tasks: [commands] }] };
    const plan = readPlan({ file: "plan.json", text: JSON.stringify(value) }, hubCommands);
    const events: readonly RunEvent[] = [
      { at: 1_000, kind: "run-begun", by: "ann", locks: [] },
      { at: 1_000, kind: "stage-begun", stage: 1 },
      { at: 1_000, kind: "task-begun", task: "1.1.1", attempt: 1 },
      { at: 1_000, kind: "task-ended", task: "1.1.1", outcome: "done" },
      { at: 1_000, kind: "task-begun", task: "1.1.2", attempt: 1 },
      { at: 4_000, kind: "task-ended", task: "1.1.2", outcome: "done", drones: seen },
    ];
    const status = statusOf("4fa1c2d3e4", new Run(plan, events));
    const lines = runTree({ status, isCarried: true }, 5_000, { columns: 120, rows: 40 });
    const said = lines.map((line) => line.replace(/^[│├└─ ]+/, ""));
    const at = said.findIndex((line) => line.startsWith("✓ 1.1.2"));
    assert.deepEqual(said.slice(at + 1, at + 4), [
      "web-3: failed after 12 s: exit code 1",
      "Error: no such table",
      "web-4: away: the drone was lost on the way",
    ]);
    const [start] = plan.stages;
    assert.equal(start && describeLimits(start), "all its drones at once");
  });
});
