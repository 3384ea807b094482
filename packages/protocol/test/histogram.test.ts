import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  bucketOf,
  bucketRatio,
  bucketsMax,
  check,
  histogramSchema,
  LatencyHistogram,
  upperEdgeMs,
} from "../src/index.js";

const millis = fc.double({ min: 0.1, max: 599_999, noNaN: true });
const some = fc.array(millis, { minLength: 1, maxLength: 300 });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

describe("LatencyHistogram", () => {
  it("tells every percentile with at most 6.4 % error", () => {
    const errorMax = Math.sqrt(bucketRatio) - 1;
    assert.ok(errorMax < 0.064, String(errorMax));
    fc.assert(
      fc.property(some, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, part) => {
        const sorted = values.toSorted((left, right) => left - right);
        const exact = sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1] ?? 0;
        const told = histogramOf(values).percentile(part) ?? 0;
        const ratio = told > exact ? told / exact : exact / told;
        assert.ok(ratio <= 1 + errorMax + 1e-9, `${told} for ${exact}`);
      }),
    );
  });

  it("puts a value between the edges of its bucket", () => {
    fc.assert(
      fc.property(millis, (ms) => {
        const bucket = bucketOf(ms);
        assert.ok(ms <= upperEdgeMs(bucket) * (1 + 1e-12));
        assert.ok(ms >= upperEdgeMs(bucket - 1) * (1 - 1e-12));
      }),
    );
  });

  it("takes what is odd: nothing, less than nothing, not a number, for ever", () => {
    assert.deepEqual([0, -1, NaN, 0.05].map(bucketOf), [0, 0, 0, 0]);
    assert.deepEqual([600_001, Infinity].map(bucketOf), [bucketsMax - 1, bucketsMax - 1]);
    const histogram = histogramOf([0, Infinity]);
    assert.deepEqual([histogram.percentile(0.5), histogram.percentile(1)], [0.1, 600_000]);
    assert.equal(new LatencyHistogram().percentile(0.5), undefined);
  });

  it("adds up as if all had been counted in one place", () => {
    fc.assert(
      fc.property(some, some, (left, right) => {
        const sum = histogramOf(left);
        sum.addAll(histogramOf(right));
        assert.deepEqual(sum.encode(), histogramOf([...left, ...right]).encode());
        assert.equal(sum.count, left.length + right.length);
      }),
    );
  });

  it("travels without loss, in a form that the schema takes", () => {
    fc.assert(
      fc.property(some, (values) => {
        const histogram = histogramOf(values);
        const encoded = histogram.encode();
        assert.deepEqual(check(histogramSchema, encoded), { ok: true, value: encoded });
        assert.deepEqual(LatencyHistogram.decode(encoded).encode(), encoded);
        assert.equal(LatencyHistogram.decode(encoded).count, values.length);
      }),
    );
    assert.deepEqual(new LatencyHistogram().encode(), { first: 0, counts: [] });
  });

  it("tells what was added since a former time", () => {
    fc.assert(
      fc.property(some, some, (early, late) => {
        const all = histogramOf([...early, ...late]);
        assert.deepEqual(all.since(histogramOf(early)).encode(), histogramOf(late).encode());
      }),
    );
  });

  it("keeps what a foreign one says beyond the last bucket in that one", () => {
    const histogram = LatencyHistogram.decode({ first: bucketsMax - 1, counts: [1, 2, 3] });
    assert.deepEqual(histogram.encode(), { first: bucketsMax - 1, counts: [6] });
  });

  it("counts what is above a bucket", () => {
    const histogram = histogramOf([1, 10, 100, 1_000]);
    assert.equal(histogram.countAbove(bucketOf(10)), 2);
    assert.equal(histogram.countAbove(bucketsMax - 1), 0);
  });
});
