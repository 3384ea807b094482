/**
 * How long answers took, in few numbers: buckets on a logarithmic scale.
 *
 *     bucket   0        1          2            3        …      126        127
 *     ms     < 0.1 |  0.113 |    0.128  |     0.145  |   …   | 600,000 |  more       (upper edges)
 *
 * Each bucket is 13 % wider than the one before it, so a percentile is told as the (geometric) middle of its
 * bucket and is at most 6.4 % off, from 0.1 ms to 10 minutes. Below and above it is told as that edge.
 * Histograms of several proxies, or of one from several moments, are added bucket by bucket without any
 * further loss.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { assert } from "./errors.js";
import { count, exact, list } from "./shape.js";

export const bucketsMax = 128;

const lowestMs = 0.1;
const highestMs = 600_000;
/** Natural logarithm of a bucket's upper edge over its lower one. */
const logWidth = Math.log(highestMs / lowestMs) / (bucketsMax - 2);

/** Upper edge of a bucket over its lower one. */
export const bucketRatio = Math.exp(logWidth);

/** A histogram on its way: the counts from the first bucket that has any to the last one. */
export const histogramSchema = exact({
  first: Type.Integer({ minimum: 0, maximum: bucketsMax - 1 }),
  counts: list(count, bucketsMax),
});
export type EncodedHistogram = Static<typeof histogramSchema>;

export function bucketOf(ms: number): number {
  if (!(ms >= lowestMs)) return 0;
  const bucket = 1 + Math.floor(Math.log(ms / lowestMs) / logWidth);
  return bucket < bucketsMax ? bucket : bucketsMax - 1;
}

/** Values of a bucket are below it; of the last bucket there is none. */
export function upperEdgeMs(bucket: number): number {
  return bucket >= bucketsMax - 1 ? Infinity : lowestMs * Math.exp(bucket * logWidth);
}

export class LatencyHistogram {
  readonly #counts: Float64Array;
  #count = 0;

  constructor(counts: ArrayLike<number> = []) {
    assert(counts.length <= bucketsMax, "a histogram has at most so many buckets");
    this.#counts = new Float64Array(bucketsMax);
    this.#counts.set(counts);
    for (const count of this.#counts) this.#count += count;
  }

  static decode({ first, counts }: EncodedHistogram): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.addEncoded({ first, counts });
    return histogram;
  }

  /** Of all buckets. */
  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  addAll(other: LatencyHistogram): void {
    this.#merge(0, other.#counts, 1);
  }

  /** What lies beyond the last bucket is counted in it, so that no peer can make us fail. */
  addEncoded({ first, counts }: EncodedHistogram): void {
    this.#merge(first, counts, 1);
  }

  /** What was added since `earlier`, which is this one at some former time. */
  since(earlier: LatencyHistogram): LatencyHistogram {
    const rest = new LatencyHistogram(this.#counts);
    rest.#merge(0, earlier.#counts, -1);
    return rest;
  }

  /** Values in buckets above that one. */
  countAbove(bucket: number): number {
    let above = 0;
    for (let index = bucketsMax - 1; index > bucket; index--) above += this.#counts[index] ?? 0;
    return above;
  }

  /** The bucket that holds the value below which that part of all are; undefined without any. */
  bucketAt(part: number): number | undefined {
    if (this.#count <= 0) return undefined;
    const rank = Math.max(1, Math.ceil(part * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < bucketsMax; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return bucket;
    }
    return bucketsMax - 1;
  }

  /** In ms; `percentile(0.95)` is at most 6.4 % off. Undefined without any value. */
  percentile(part: number): number | undefined {
    const bucket = this.bucketAt(part);
    if (bucket === undefined) return undefined;
    if (bucket === 0) return lowestMs;
    if (bucket === bucketsMax - 1) return highestMs;
    return upperEdgeMs(bucket) / Math.sqrt(bucketRatio);
  }

  encode(): EncodedHistogram {
    const first = this.#counts.findIndex((count) => count > 0);
    if (first === -1) return { first: 0, counts: [] };
    const last = this.#counts.findLastIndex((count) => count > 0);
    return { first, counts: [...this.#counts.subarray(first, last + 1)] };
  }

  #merge(first: number, counts: ArrayLike<number>, sign: 1 | -1): void {
    for (let index = 0; index < counts.length; index++) {
      const bucket = Math.min(first + index, bucketsMax - 1);
      const added = sign * (counts[index] ?? 0);
      const before = this.#counts[bucket] ?? 0;
      this.#counts[bucket] = Math.max(0, before + added);
      this.#count += (this.#counts[bucket] ?? 0) - before;
    }
  }
}
