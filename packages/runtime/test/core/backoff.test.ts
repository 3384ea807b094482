import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { backoffMs, reconnectBackoff } from "../../src/index.js";

const backoff = { firstMs: 100, maxMs: 1_000 };

describe("back-off", () => {
  it("doubles from attempt to attempt until its maximum", () => {
    const most = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(backoff, attempt, 0.999_999));
    assert.deepEqual(most, [100, 200, 400, 800, 1_000, 1_000]);
  });

  it("is between half of the ceiling and the ceiling, for any attempt", () => {
    const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fraction, (attempt, fraction) => {
        const delayMs = backoffMs(backoff, attempt, fraction);
        const ceiling = Math.min(1_000, 100 * 2 ** (attempt - 1));
        assert.ok(delayMs >= ceiling / 2 && delayMs <= ceiling, `${delayMs} of ${ceiling}`);
      }),
    );
  });

  it("brings a connection back fast at first and within 10 s always", () => {
    assert.ok(backoffMs(reconnectBackoff, 1, 0.5) < 300);
    assert.ok(backoffMs(reconnectBackoff, 99, 0.999) <= 10_000);
  });
});
