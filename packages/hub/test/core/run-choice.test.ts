import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseRuns, type RunCandidate, type RunQuestion } from "../../src/core/run-choice.js";
import { deployment, report } from "../support/desk-world.js";

function drone(
  name: string,
  changes: Partial<RunCandidate> = {},
  ...reports: ReturnType<typeof report>[]
) {
  const instances = new Map(reports.map((one) => [one.process, one]));
  const usual = { identity: `id of ${name}`, contact: "connected" as const, draining: false };
  return { ...usual, name, instances, ...changes };
}

function choose(drones: readonly RunCandidate[], changes: Partial<RunQuestion> = {}) {
  const usual = { isNarrow: false, deployment, inside: false, one: false };
  const { runs, failed } = chooseRuns({ ...usual, drones, ...changes });
  return {
    runs: runs.map((run) => (run.process ? `${run.drone} ${run.process}` : run.drone)).join(", "),
    failed: failed.map((one) => one.drone).join(", "),
  };
}

const foreign = report("xx", { deployment: "f".repeat(16) });

describe("the drones for a command", () => {
  it("are those that run the deployment, else all", () => {
    const drones = [drone("a"), drone("b", {}, report("bb")), drone("c", {}, foreign)];
    assert.equal(choose(drones).runs, "b");
    assert.equal(choose(drones, { isNarrow: true }).runs, "a, b, c");
    assert.equal(choose([drone("a"), drone("c", {}, foreign)]).runs, "a, c");
  });

  it("leave those out that are away, and name them", () => {
    const drones = [drone("a", { contact: "away" }), drone("b"), drone("c", { contact: "lost" })];
    assert.deepEqual(choose(drones), { runs: "b", failed: "a, c" });
    assert.deepEqual(choose(drones, { one: true }), { runs: "b", failed: "" });
  });

  it("are one that has it on disk, does not drain and has little to do", () => {
    const one = { one: true, isNarrow: true };
    const busy = drone("a", {}, report("a1"), report("a2"));
    const draining = drone("b", { draining: true }, report("b1"));
    const calm = drone("c", {}, report("c1"));
    assert.equal(choose([drone("0"), busy, draining, calm], one).runs, "c");
    assert.equal(choose([drone("0"), busy, draining], one).runs, "a");
    assert.equal(choose([drone("0"), draining], one).runs, "b");
    assert.equal(choose([drone("1"), drone("0")], one).runs, "1");
  });

  it("are refused when none of them is connected", () => {
    assert.throws(() => choose([drone("a", { contact: "lost" })]), {
      code: "NO_PLACE",
      message: "no drone that fits is connected: a is away",
    });
    assert.throws(() => choose([]), { message: /none has joined/ });
  });
});

describe("the instances for a command", () => {
  it("are the first that is ready on each drone", () => {
    const drones = [
      drone("a", {}, report("a1", { phase: "starting" }), report("a2", { slot: 2 })),
      drone("b", {}, report("b2", { slot: 2 }), report("b1")),
      drone("c", {}, report("c1", { phase: "failed" })),
      drone("d", {}, report("d1", { service: "worker" })),
    ];
    assert.equal(choose(drones, { inside: true }).runs, "a a2, b b1, d d1");
    assert.equal(choose(drones, { inside: true, service: "worker" }).runs, "d d1");
  });

  it("are refused when there is none", () => {
    assert.throws(() => choose([drone("a", {}, foreign)], { inside: true }), {
      code: "NO_INSTANCE",
      message: "no instance of that release runs there",
    });
  });
});
