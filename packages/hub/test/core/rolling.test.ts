import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupBy, restartsAtOnce } from "../../src/core/rolling.js";

describe("a rolling restart", () => {
  it("takes down one, or a quarter, but never too many at once", () => {
    const counts = [1, 2, 7, 8, 40, 1_000].map((count) => restartsAtOnce(count));
    assert.deepEqual(counts, [1, 1, 1, 2, 10, 16]);
  });

  it("leaves as many up as are to stay, but restarts all the same", () => {
    assert.deepEqual(
      [restartsAtOnce(40, 35), restartsAtOnce(40, 30), restartsAtOnce(4, 4)],
      [5, 10, 1],
    );
  });

  it("keeps together what belongs together, in the order it came", () => {
    assert.deepEqual(
      groupBy(["a1", "b1", "a2"], (one) => one.slice(0, 1)),
      [["a1", "a2"], ["b1"]],
    );
  });
});
