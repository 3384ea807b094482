import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TokenBucket } from "../../src/core/token-bucket.js";

describe("a token bucket", () => {
  it("lets through no more than its rate and one burst, whatever the sizes", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 1_000_000 }),
        fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 50 }),
        (perSecond, sizes) => {
          const bucket = new TokenBucket(perSecond, 0);
          let [now, sum] = [0, 0];
          for (const bytes of sizes) {
            now += bucket.waitMs(now);
            assert.ok(bucket.waitMs(now) < 1e-6);
            bucket.take(now, bytes);
            sum += bytes;
          }
          // What the last one took may be paid later.
          const allowed = (perSecond * now) / 1000 + perSecond / 10 + (sizes.at(-1) ?? 0);
          assert.ok(sum <= allowed + sizes.length, `${sum} bytes, ${allowed} allowed`);
        },
      ),
    );
  });

  it("does not save more than one burst while nothing is taken", () => {
    const bucket = new TokenBucket(1000, 0);
    bucket.take(60_000, 200);
    assert.ok(bucket.waitMs(60_000) > 99);
  });
});
