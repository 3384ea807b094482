import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { logEvidence, type Sample } from "../../src/core/canary-statistics.js";

const sample: fc.Arbitrary<Sample> = fc
  .tuple(fc.nat(5_000), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([trials, part]) => ({ trials, hits: Math.round(trials * part) }));

/** Numbers in (0, 1), the same for the same seed. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

/** Whether a test that is looked at after every request ever says worse. */
function everWorse(random: () => number, rates: { fresh: number; old: number }, margin: number) {
  const fresh = { trials: 0, hits: 0 };
  const old = { trials: 0, hits: 0 };
  const needed = Math.log(1 / 0.05);
  for (let request = 0; request < 2_000; request++) {
    const [side, rate] = random() < 0.5 ? [fresh, rates.fresh] : [old, rates.old];
    side.trials += 1;
    if (random() < rate) side.hits += 1;
    if (logEvidence(fresh, old, margin) >= needed) return true;
  }
  return false;
}

function timesWorse(rates: { fresh: number; old: number }, margin: number): number {
  const random = dice(1);
  return Array.from({ length: 300 }, () => everWorse(random, rates, margin)).filter(Boolean).length;
}

describe("logEvidence", () => {
  it("is none when the fresh side is not hit more often than the old one and the margin", () => {
    fc.assert(
      fc.property(sample, sample, fc.double({ min: 0, max: 0.5, noNaN: true }), (fresh, old, m) => {
        const rate = ({ trials, hits }: Sample) => (trials === 0 ? 0 : hits / trials);
        fc.pre(rate(fresh) - rate(old) <= m);
        assert.equal(logEvidence(fresh, old, m), 0);
      }),
    );
  });

  it("is a number, whatever the counts are", () => {
    fc.assert(
      fc.property(sample, sample, fc.double({ min: 0, max: 1, noNaN: true }), (fresh, old, m) => {
        assert.ok(Number.isFinite(logEvidence(fresh, old, m)));
      }),
    );
    const many = { trials: 1e9, hits: 5e6 };
    assert.ok(Number.isFinite(logEvidence(many, { trials: 1e9, hits: 1e6 }, 0.001)));
  });

  it("falls when more difference is allowed", () => {
    fc.assert(
      fc.property(sample, sample, fc.double({ min: 0, max: 0.4, noNaN: true }), (fresh, old, m) => {
        assert.ok(
          logEvidence(fresh, old, m + 0.1) <= Math.max(0, logEvidence(fresh, old, m)) + 1e-6,
        );
      }),
    );
  });

  it("is what a small case gives by hand", () => {
    // Fresh 2 of 2, old 0 of 2: each side's mean likelihood is 3/8, both at p = q = 1/2 are 1/4.
    const evidence = logEvidence({ trials: 2, hits: 2 }, { trials: 2, hits: 0 }, 0);
    assert.ok(Math.abs(evidence - Math.log((3 / 8 / (1 / 4)) ** 2)) < 1e-9, String(evidence));
  });

  it("is soon enough to believe when one side breaks, and needs few requests for that", () => {
    const evidence = logEvidence({ trials: 30, hits: 9 }, { trials: 30, hits: 0 }, 0.005);
    assert.ok(evidence > 2, String(evidence));
    assert.ok(
      logEvidence({ trials: 60, hits: 18 }, { trials: 60, hits: 0 }, 0.005) > Math.log(600),
    );
  });

  it("says worse of no more than one in twenty that are not, although it is looked at all the time", () => {
    assert.ok(timesWorse({ fresh: 0.05, old: 0.05 }, 0) <= 15);
    assert.ok(timesWorse({ fresh: 0.06, old: 0.05 }, 0.01) <= 15);
    assert.ok(timesWorse({ fresh: 0.5, old: 0.5 }, 0) <= 15);
  });

  it("says it of nearly all that are much worse", () => {
    assert.ok(timesWorse({ fresh: 0.15, old: 0.05 }, 0.005) > 285);
  });
});
