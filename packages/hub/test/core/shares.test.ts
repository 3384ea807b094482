import assert from "node:assert/strict";
import { test } from "node:test";
import { checkShares, isSameRoute, sharePercent } from "../../src/core/shares.js";

const [one, two] = ["1".repeat(40), "2".repeat(40)];
const route = {
  repo: "webapp",
  shares: [
    { commit: one, weight: 3 },
    { commit: two, weight: 1 },
  ],
};

test("weights are relative to the sum of all", () => {
  assert.deepEqual(
    [one, two, "3".repeat(40)].map((commit) => sharePercent(route, { commit })),
    [75, 25, 0],
  );
  assert.equal(sharePercent(undefined, { commit: one }), 0);
});

test("weights that are not numbers above 0, and commits named twice, are refused", () => {
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1_000_001]) {
    assert.throws(() => checkShares([{ commit: one, weight }]), { code: "BAD_WEIGHT" });
  }
  const share = { commit: one, weight: 1 };
  assert.throws(() => checkShares([share, share]), { code: "BAD_WEIGHT" });
  assert.throws(() => checkShares([]), { code: "BAD_WEIGHT" });
  assert.deepEqual(checkShares([{ commit: one, weight: 0.5 }]), [{ commit: one, weight: 0.5 }]);
});

test("routes are the same when commits, weights and their order are", () => {
  assert.equal(isSameRoute(route, structuredClone(route)), true);
  assert.equal(isSameRoute(undefined, route), false);
  assert.equal(isSameRoute({ ...route, shares: route.shares.toReversed() }, route), false);
});

test("a share that names no deployment leads to any of its commit, one that does to that alone", () => {
  const shares = [
    { commit: one, deployment: "a".repeat(16), weight: 1 },
    { commit: two, weight: 3 },
  ];
  const of = (commit: string, deployment?: string) =>
    sharePercent({ repo: "webapp", shares }, { commit, deployment });
  assert.deepEqual(
    [of(one), of(one, "a".repeat(16)), of(one, "b".repeat(16)), of(two), of(two, "b".repeat(16))],
    [25, 25, 0, 75, 75],
  );
});
