import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Run, type Plan, type RunEvent, type TaskOutcome } from "@propagit/plan";
import { setupCommands } from "../../src/setup/commands.js";
import { formatResults, resultsOf } from "../../src/setup/results.js";
import { setupPlan } from "../../src/setup/setup-plan.js";

const commands = setupCommands();

function planFor(...hosts: readonly string[]): Plan {
  return setupPlan(
    {
      hosts,
      hub: "hub:6001",
      version: "1.2.3",
      manager: "auto",
      concurrency: 5,
      force: false,
      withinMs: 60_000,
    },
    commands,
  );
}

describe("what became of hosts", () => {
  it("is told for each, with the step that failed, why, and what to do", () => {
    const plan = planFor("a", "b", "c");
    const run = new Run(plan);
    const apply = (event: RunEvent) => run.apply(event);
    apply({ at: 1, kind: "run-begun", by: "ann" });
    apply({ at: 1, kind: "stage-begun", stage: 1 });
    const end = (task: string, outcome: TaskOutcome, more = {}) => {
      apply({ at: 2, kind: "task-begun", task, attempt: 1 });
      apply({ at: 3, kind: "task-ended", task, outcome, ...more });
    };
    for (const step of [1, 2, 3, 4, 5, 6]) {
      end(`1.1.${step}`, step === 3 ? "done" : "unchanged");
      end(`1.2.${step}`, "unchanged");
    }
    end("1.3.1", "unchanged");
    const lastLines = ["some output", "next: make room"];
    end("1.3.2", "failed", { reason: "c: the disk is full", lastLines });
    const joined = new Map([
      ["a", { name: "web-1", version: "1.2.3" }],
      ["b", { name: "web-2", version: "1.2.3" }],
    ]);
    const results = resultsOf("id", run, joined);
    assert.deepEqual(results, [
      { host: "a", outcome: "set-up", drone: "web-1", version: "1.2.3" },
      { host: "b", outcome: "unchanged", drone: "web-2", version: "1.2.3" },
      {
        host: "c",
        outcome: "failed",
        step: "node",
        reason: "the disk is full",
        next: "make room",
      },
    ]);
    assert.equal(
      formatResults(results),
      [
        "",
        "HOST  RESULT     DRONE  VERSION",
        "a     set up     web-1  1.2.3",
        "b     unchanged  web-2  1.2.3",
        "c     failed     -      -",
        "",
        "c: node failed: the disk is full",
        "  make room",
        "",
        "3 hosts: 1 set up, 1 unchanged, 1 failed",
        "",
      ].join("\n"),
    );
  });

  it("is unfinished where it was stopped on the way", () => {
    const run = new Run(planFor("a"));
    assert.deepEqual(resultsOf("id", run, new Map()), [{ host: "a", outcome: "unfinished" }]);
  });
});

describe("the plan of a setup", () => {
  it("has a line for each host, whose failures leave the others alone, and no secret", () => {
    const [stage] = planFor("a", "b").stages;
    assert.deepEqual(
      stage?.lines.map((line) => line.map(({ command }) => command)),
      Array.from({ length: 2 }, () => [...commands.keys()]),
    );
    assert.equal(stage.maxFailures, 1);
    assert.equal(planFor("a").stages[0]?.maxFailures, 0);
  });
});
