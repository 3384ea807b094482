import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noEvidence, judge } from "../../src/core/canary-judgement.js";
import {
  addToScatter,
  beginScatter,
  blockMs,
  dispersionOf,
} from "../../src/core/canary-scatter.js";
import { canaryPlanDefault } from "@propagit/protocol";

/** A hundred requests in each block, so many of them failed. */
function scatterOf(...failures: number[]) {
  return failures.reduce(
    (scatter, failed, at) => addToScatter(scatter, { requests: 100, failed }, (at + 1) * blockMs),
    beginScatter(0),
  );
}

const alone = scatterOf(2, 3, 1, 2, 4, 2, 3, 2, 1, 3);
const together = scatterOf(0, 0, 10, 0, 0, 0, 10, 0, 0, 0, 5);

describe("how failures come together", () => {
  it("is not said of failures as chance scatters them, or evener", () => {
    assert.equal(dispersionOf(alone), 1);
    assert.equal(dispersionOf(scatterOf(2, 2, 2, 2, 2, 2, 2)), 1);
  });

  it("is about as many as come together", () => {
    const times = dispersionOf(together);
    assert.ok(times > 4 && times < 12, String(times));
  });

  it("is not said of a few blocks, or failures, or of nothing", () => {
    assert.equal(dispersionOf(undefined), 1);
    assert.equal(dispersionOf(scatterOf(0, 20, 0)), 1);
    assert.equal(dispersionOf(scatterOf(0, 0, 5, 0, 0, 0, 4, 0)), 1);
    assert.equal(dispersionOf(scatterOf(100, 100, 100, 100, 100, 100)), 1);
  });

  it("gathers what is counted each second into blocks, and leaves out those without requests", () => {
    let scatter = beginScatter(0);
    for (let second = 1; second <= 25; second++) {
      scatter = addToScatter(scatter, { requests: second > 10 ? 7 : 0, failed: 1 }, second * 1_000);
    }
    assert.deepEqual([scatter.blocks, scatter.requests, scatter.failed], [1, 70, 10]);
    assert.deepEqual(scatter.open, { since: 20_000, requests: 35, failed: 5 });
  });

  it("makes failures that come together count for less", () => {
    const arm = { requests: 1_000, failed: 80, timed: 0, slow: 0 };
    const evidence = { fresh: arm, old: { ...arm, failed: 5 } };
    const judged = {
      commit: "7".repeat(40),
      release: 12,
      old: { commit: "4".repeat(40) },
      plan: canaryPlanDefault,
    };
    assert.equal(judge({ ...judged, evidence, scatter: alone }).kind, "worse");
    assert.equal(judge({ ...judged, evidence, scatter: together }).kind, "fine");
    assert.equal(judge({ ...judged, evidence: noEvidence, scatter: together }).kind, "few");
  });
});
