/**
 * Which commit a visitor gets: weighted rendezvous hashing.
 *
 *     every commit draws a number for the visitor     A 0.81   B 0.35   C 0.62
 *     its score is  weight / -ln(number)              the best score gets the visitor
 *
 * A number depends on visitor, route and commit alone, so a visitor stays where he is as long as the
 * shares hold. Raising a share raises only that commit's scores: it wins visitors and nobody else does.
 * Leaving a commit out gives its visitors to the others in proportion to their weights (the exponential
 * races of Efraimidis and Spirakis, 2006).
 */
import { uniformWith, type Seed } from "./hash.js";

/** Something that a visitor may get. */
export interface Drawn {
  readonly weight: number;
  /** Of what stands for it when visitors draw. */
  readonly drawSeed: Seed;
}

/**
 * The visitor's share out of those that can serve; undefined when there are none.
 *
 * @param seed of visitor and route
 */
export function drawShare<S extends Drawn>(shares: readonly S[], seed: Seed): S | undefined {
  let best: S | undefined;
  let bestScore = -1;
  for (const share of shares) {
    const score = scoreOf(uniformWith(seed, share.drawSeed), share.weight);
    if (score > bestScore) [best, bestScore] = [share, score];
  }
  return best;
}

/** @param drawn in (0, 1) */
export function scoreOf(drawn: number, weight: number): number {
  return weight / -Math.log(drawn);
}
