/** What is bounded over time: rates and retries. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { seedOf } from "../../src/core/hash.js";
import { RateLimiter } from "../../src/core/rate-limit.js";
import { RetryBudget } from "../../src/core/retry-budget.js";

const seed = seedOf("secret");

describe("a rate", () => {
  it("lets no key have more than its burst and its rate, over any times", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 });
    const limits = fc.record({
      perSecond: fc.integer({ min: 1, max: 50 }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(limits, gaps, (limit, gaps) => {
        const limiter = new RateLimiter(limit, seed);
        const passed: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          if (limiter.take("key", now) === 0) passed.push(now);
        }
        for (const [from, start] of passed.entries()) {
          for (const [count, end] of passed.slice(from).entries()) {
            const allowed = limit.burst + ((end - start) * limit.perSecond) / 1_000;
            assert.ok(count + 1 <= allowed + 1e-6);
          }
        }
      }),
      { seed: 6, numRuns: 100 },
    );
  });

  it("says exactly when there is a token again", () => {
    const limiter = new RateLimiter({ perSecond: 4, burst: 2 }, seed);
    assert.deepEqual([limiter.take("a", 0), limiter.take("a", 0)], [0, 0]);
    assert.equal(limiter.take("a", 100), 150);
    assert.ok(limiter.take("a", 249) > 0);
    assert.equal(limiter.take("a", 250), 0);
  });

  it("keeps no more keys than it may, and forgets those that are full again first", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, seed, 100);
    for (let key = 0; key < 100; key++) limiter.take(`${key}`, 0);
    for (let key = 100; key < 10_000; key++) limiter.take(`${key}`, 2_000 + key);
    assert.ok(limiter.size <= 100, `${limiter.size}`);
  });

  it("forgets nobody who is counted for the sake of strangers, however many come", () => {
    const limiter = new RateLimiter({ perSecond: 0.001, burst: 1 }, seed, 100);
    assert.equal(limiter.take("attacker", 0), 0);
    for (let key = 0; key < 50_000; key++) limiter.take(`made up ${key}`, 1);
    assert.ok(limiter.take("attacker", 2) > 0);
    assert.equal(limiter.size, 100);
  });
});

describe("a budget of retries", () => {
  it("is a part of the requests of the last ten seconds, and some for quiet routes", () => {
    const budget = new RetryBudget(10);
    const take = (now: number) => {
      let taken = 0;
      while (taken < 100_000 && budget.take(now)) taken += 1;
      return taken;
    };
    assert.equal(take(0), 100);
    for (let request = 0; request < 5_000; request++) budget.count(1_000);
    assert.equal(take(1_000), 400);
    assert.equal(take(9_000), 0);
    // What was taken at 0 is forgotten.
    assert.equal(take(10_000), 100);
    assert.equal(take(60_000), 100);
  });

  it("of nothing is nothing", () => {
    assert.equal(new RetryBudget(0).take(0), false);
  });
});
