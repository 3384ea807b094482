import { describe, it } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { evenly, groupsFor, inGroups } from "../../src/core/min-up.js";

describe("groups of hosts that may be down together", () => {
  it("are ⌈N / (N − M)⌉, spread evenly", () => {
    assert.deepEqual(groupsFor(10, 7), { kind: "groups", sizes: [3, 3, 2, 2] });
    assert.deepEqual(groupsFor(4, 2), { kind: "groups", sizes: [2, 2] });
    assert.deepEqual(groupsFor(5, 0), { kind: "groups", sizes: [5] });
    assert.deepEqual(groupsFor(1, 0), { kind: "groups", sizes: [1] });
    assert.deepEqual(groupsFor(0, 3), { kind: "groups", sizes: [] });
  });

  it("are refused when nothing may be down, and one by one when that is forced", () => {
    const why = "at least 3 of 3 must stay up, so none may be replaced";
    assert.deepEqual(groupsFor(3, 3), { kind: "impossible", why });
    assert.deepEqual(groupsFor(3, 3, { force: true }), { kind: "groups", sizes: [1, 1, 1] });
    assert.equal(groupsFor(2, 5).kind, "impossible");
  });

  it("never take more down than may be, and no more groups than that needs", () => {
    const counts = fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat({ max: 500 }));
    fc.assert(
      fc.property(counts, ([count, minUp]) => {
        const grouping = groupsFor(count, minUp);
        if (grouping.kind === "impossible") return minUp >= count;
        const { sizes } = grouping;
        assert.equal(sizes.length, Math.ceil(count / (count - minUp)));
        assert.equal(
          sizes.reduce((sum, size) => sum + size, 0),
          count,
        );
        assert.ok(sizes.every((size) => count - size >= minUp));
        return Math.max(...sizes) - Math.min(...sizes) <= 1;
      }),
    );
  });

  it("keep the order of what is grouped", () => {
    assert.deepEqual(inGroups(["a", "b", "c"], evenly(3, 2)), [["a", "b"], ["c"]]);
  });
});
