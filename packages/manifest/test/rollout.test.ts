import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canaryPlanDefault, type CanaryPlan, type PropagitError } from "@propagit/protocol";
import { readManifest, specificationOf } from "../src/index.js";

function planOf(yaml: string, environment = "production"): CanaryPlan | undefined {
  return specificationOf(readManifest(new Map([["propagit.yaml", yaml]])), environment).rollout;
}

/** As it may be written, and what of it is not as usual. */
const written: readonly (readonly [string, Partial<CanaryPlan>])[] = [
  ["rollout: {}", {}],
  ["rollout: [10%, 100%]", { steps: [10, 100] }],
  ["rollout: { steps: [0.5, 20 %, 100], every: 90s }", { steps: [0.5, 20, 100], everyMs: 90_000 }],
  [
    "rollout: { minRequests: 1000, inconclusive: stop }",
    { minRequests: 1_000, inconclusive: "stop" },
  ],
  [
    "rollout: { compare: all, maxErrorRate: +1.5, maxP95: 2x }",
    { compare: "all", errorPoints: 1.5, p95Ratio: 2 },
  ],
];

const refused: readonly (readonly [string, string])[] = [
  ["rollout: [10%, 50%]", "`rollout`: the steps 10%,50% do not end with 100%"],
  ["rollout: [50%, 10%, 100%]", "`rollout`: the steps 50%,10%,100% do not rise"],
  ["rollout: [0%, 100%]", '`rollout.steps[0]` "0%" is not a share such as 5%'],
  [
    "rollout: { every: 10 }",
    '`rollout.every` "10" has no unit; write 10s (500ms, 10s, 1m, 24h, 7d)',
  ],
  ["rollout: { every: 500ms }", '`rollout.every` "500ms" is shorter than 1000ms'],
  [
    "rollout: { inconclusive: maybe }",
    '`rollout.inconclusive` "maybe" is not one of wait, go, stop',
  ],
  ["rollout: { maxP95: 0.5x }", '`rollout.maxP95` "0.5x" is not a factor such as 1.2x'],
  [
    "rollout: { maxErrorRate: much }",
    '`rollout.maxErrorRate` "much" is not a number of points such as +0.5',
  ],
];

describe("rollout in propagit.yaml", () => {
  for (const [line, said] of written) {
    it(`takes ${line}`, () => {
      assert.deepEqual(planOf(line), { ...canaryPlanDefault, ...said });
    });
  }

  it("is absent when nothing is said, so that all visitors come at once", () => {
    assert.equal(planOf("keep: { releases: 3 }"), undefined);
  });

  it("may differ between environments, key by key", () => {
    const yaml = `rollout: { steps: [10%, 100%], every: 1m }
environments:
  staging: { rollout: null }
  preview: { rollout: { every: 5s } }
`;
    assert.equal(planOf(yaml)?.everyMs, 60_000);
    assert.equal(planOf(yaml, "staging"), undefined);
    assert.deepEqual(planOf(yaml, "preview"), {
      ...canaryPlanDefault,
      steps: [10, 100],
      everyMs: 5_000,
    });
  });

  for (const [line, why] of refused) {
    it(`refuses ${line}`, () => {
      assert.throws(
        () => planOf(line),
        (thrown: PropagitError) => {
          assert.equal(thrown.code, "BAD_MANIFEST");
          assert.ok(thrown.message.includes(why), thrown.message);
          return true;
        },
      );
    });
  }
});
