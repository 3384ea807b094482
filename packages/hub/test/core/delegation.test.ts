import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunAsk, RunEvent } from "@propagit/plan";
import { planOfAims, partsOf, readPlan, toolBox } from "@propagit/plan";
import { askedAfter, nothingAsked, wishSince } from "../../src/core/delegation-wish.js";
import { errandsOf } from "../../src/core/errands.js";
import { commitsOfPlan } from "../../src/core/files-in-plans.js";

const commit = "a".repeat(40);
const asked = (...asks: readonly RunAsk[]) =>
  asks
    .map((ask): RunEvent => ({ at: 1, kind: "asked", ask, by: "ann" }))
    .reduce(askedAfter, nothingAsked);
const plan = readPlan(
  {
    maker: "test",
    value: planOfAims(
      [
        {
          drone: "head",
          afterMs: 0,
          forward: {
            target: "all",
            aims: [
              { drone: "head", afterMs: 0 },
              { drone: "web-1", afterMs: 0 },
              { drone: "web-2", afterMs: 60_000 },
            ],
          },
        },
      ],
      {
        name: "files",
        command: { command: "put-files", commit, path: "/srv/site" },
        afterMs: 0,
        retries: 1,
        concurrency: 1,
      },
    ),
  },
  toolBox,
);

describe("what is wanted of a part", () => {
  it("is what was asked of the plan since it was handed on", () => {
    const before = asked({ kind: "skip-wait" }, { kind: "pause" });
    const after = [{ kind: "skip-wait" }, { kind: "stop", undo: false }] as const;
    const all = asked({ kind: "skip-wait" }, { kind: "pause" }, ...after);
    assert.deepEqual(wishSince(before, all), {
      paused: true,
      skips: 1,
      retries: 0,
      stop: { undo: false, now: false },
      by: "ann",
    });
  });

  it("is not to stop any more when it is tried again", () => {
    const again = asked({ kind: "stop", undo: true, now: true }, { kind: "retry" });
    assert.equal(again.stop, undefined);
    assert.equal(again.retries, 1);
    const harder = asked({ kind: "stop", undo: true }, { kind: "stop", undo: false, now: true });
    assert.deepEqual(harder.stop, { undo: true, now: true });
  });
});

describe("errands", () => {
  it("are each drone's own tasks of a part, and none of the relay's", () => {
    const [part] = partsOf("run", plan, toolBox);
    assert.ok(part);
    const errands = errandsOf(part, { host: "10.0.0.1", port: 6001 }, 7);
    assert.deepEqual([...errands.keys()], ["web-1", "web-2"]);
    const { tasks, ...told } = errands.get("web-2") ?? { tasks: [] };
    assert.deepEqual(told, {
      run: part.run,
      hash: part.hash,
      relay: { name: "head", host: "10.0.0.1", port: 6001 },
      until: 7,
    });
    assert.deepEqual(
      tasks.map(({ task, command }) => [task, command]),
      [["1.3.1", "put-files"]],
    );
  });
});

describe("files of a plan", () => {
  it("are those of its parts, too", () => {
    assert.deepEqual(commitsOfPlan(plan), [commit]);
    const [, delegate] = plan.stages[0]?.lines[0] ?? [];
    assert.ok(delegate);
    const only = { ...plan, stages: plan.stages.map((one) => ({ ...one, lines: [[delegate]] })) };
    assert.deepEqual(commitsOfPlan(only), [commit]);
  });
});
