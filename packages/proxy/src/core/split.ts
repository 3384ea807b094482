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
import { seedOf, uniformAfter, type Seed } from "./hash.js";

/** Something that a visitor may get. */
export interface Drawn {
  readonly commit: string;
  readonly weight: number;
  /** What stands for it when visitors draw; default its commit. */
  readonly drawKey?: string;
}

/** The visitor's share out of those that can serve; undefined when there are none. */
export function pickShare<S extends Drawn>(
  shares: readonly S[],
  visitor: string,
  route: string,
): S | undefined {
  return drawShare(shares, seedOf(visitor, route));
}

/** @param seed of visitor and route */
export function drawShare<S extends Drawn>(shares: readonly S[], seed: Seed): S | undefined {
  let best: S | undefined;
  let bestScore = -1;
  for (const share of shares) {
    const score = scoreOf(seed, share.drawKey ?? share.commit, share.weight);
    if (score > bestScore) [best, bestScore] = [share, score];
  }
  return best;
}

export function scoreOf(seed: Seed, key: string, weight: number): number {
  return weight / -Math.log(uniformAfter(seed, key));
}
