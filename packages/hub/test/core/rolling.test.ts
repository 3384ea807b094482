import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupBy, restartsAtOnce } from "../../src/core/rolling.js";

describe("a rolling restart", () => {
  it("takes down one, or a quarter, but never too many at once", () => {
    assert.deepEqual([1, 2, 7, 8, 40, 1_000].map(restartsAtOnce), [1, 1, 1, 2, 10, 16]);
  });

  it("keeps together what belongs together, in the order it came", () => {
    assert.deepEqual(
      groupBy(["a1", "b1", "a2"], (one) => one.slice(0, 1)),
      [["a1", "a2"], ["b1"]],
    );
  });
});
