/** What a hub asks git about a plan that somebody gives: all of it, and never much at the same time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { readPlan } from "@propagit/plan";
import { hubCommands } from "../src/index.js";
import { problemsHere } from "../src/plan-problems.js";

test("thousands of commits of a plan are looked for a few at a time, and told in its order", async () => {
  const commitOf = (index: number) => index.toString(16).padStart(40, "0");
  const tasks = Array.from({ length: 2_000 }, (_, index) => ({
    command: "distribute",
    drone: "web-1",
    repo: "webapp",
    commit: commitOf(index),
  }));
  const text = JSON.stringify({ name: "p", stages: [{ name: "s", tasks }] });
  const plan = readPlan({ file: "plan.json", text }, hubCommands);
  let [now, most, asked] = [0, 0, 0];
  const resolve = async (_: string, ref: string) => {
    now += 1;
    asked += 1;
    most = Math.max(most, now);
    await Promise.resolve();
    now -= 1;
    if (ref === commitOf(3) || ref === commitOf(1_500)) {
      throw new PropagitError("NO_COMMIT", `there is no commit ${ref}`);
    }
    return { commit: ref, ref };
  };
  const rows = { rows: () => new Map<string, never>() };
  const problems = await problemsHere(plan, {
    world: { repositories: { resolve: resolve as never } },
    ledger: rows as never,
    fleet: { members: [] },
    means: { commands: hubCommands, runsPrograms: true },
  });
  const ofCommits = problems.filter((problem) => problem.includes("there is no commit"));
  assert.deepEqual(
    ofCommits.map((problem) => problem.slice(0, 13)),
    ["task 1.4.1 (d", "task 1.1501.1"],
  );
  assert.equal(asked >= 2_000, true);
  assert.ok(most <= 8, `${most} at a time`);
});
