/** How many of all requests failed within a time. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ErrorRates } from "../../src/core/error-rates.js";

const overMs = 60_000;

describe("error rates", () => {
  it("are known once a place was watched for as long as is asked", () => {
    const rates = new ErrorRates();
    const look = (now: number, requests: number, failed: number) =>
      rates.look("webapp", { requests, failed }, { now, overMs });
    assert.deepEqual(look(0, 1_000, 500), { kind: "watching", sinceMs: 0 });
    assert.deepEqual(look(30_000, 1_010, 500), { kind: "watching", sinceMs: 30_000 });
    assert.deepEqual(look(60_000, 1_100, 501), { kind: "rate", requests: 100, failed: 1 });
    assert.deepEqual(look(90_000, 1_200, 501), { kind: "rate", requests: 190, failed: 1 });
  });

  it("of one place say nothing of another, or of another time", () => {
    const rates = new ErrorRates();
    const counted = { requests: 1, failed: 1 };
    rates.look("webapp", counted, { now: 0, overMs });
    const { kind } = rates.look("other", counted, { now: overMs, overMs });
    assert.equal(kind, "watching");
    assert.equal(rates.look("webapp", counted, { now: 1, overMs: 5 }).kind, "watching");
  });

  it("are measured over at least the time, and at most one look more", () => {
    const steps = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, (waits) => {
        const rates = new ErrorRates();
        const looks: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          looks.push(now);
          // As many requests as ms: what is measured is the time.
          const rate = rates.look("webapp", { requests: now, failed: 0 }, { now, overMs });
          if (rate.kind === "watching") {
            assert.ok(now - (looks[0] ?? 0) < overMs);
            continue;
          }
          assert.ok(rate.requests >= overMs, `${rate.requests}`);
          const from = looks.findLast((at) => at <= now - overMs) ?? 0;
          assert.ok(rate.requests <= now - from + overMs / 500, `${rate.requests}`);
        }
      }),
    );
  });
});
