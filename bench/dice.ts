/** Random numbers of some distributions, the same ones for the same seed. */
import { upperEdgeMs } from "@propagit/protocol";

export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In (0, 1); mulberry32 (T. Ettinger, public domain). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  }

  poisson(mean: number): number {
    const least = Math.exp(-mean);
    let count = 0;
    for (let product = this.fraction(); product > least; count++) product *= this.fraction();
    return count;
  }

  binomial(trials: number, probability: number): number {
    let hits = 0;
    for (let trial = 0; trial < trials; trial++) hits += this.fraction() < probability ? 1 : 0;
    return hits;
  }

  logNormal(median: number, spread: number): number {
    const radius = Math.sqrt(-2 * Math.log(this.fraction()));
    return median * Math.exp(spread * radius * Math.cos(2 * Math.PI * this.fraction()));
  }

  /** Probability that a log-normal value is in a bucket above that one. */
  tail(bucket: number, median: number, spread: number): number {
    return 1 - normalBelow(Math.log(upperEdgeMs(bucket) / median) / spread);
  }
}

/** Abramowitz and Stegun, 26.2.17; 7 digits. */
function normalBelow(x: number): number {
  if (x < 0) return 1 - normalBelow(-x);
  const t = 1 / (1 + 0.2316419 * x);
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = factors.reduce((total, factor, index) => total + factor * t ** (index + 1), 0);
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}
