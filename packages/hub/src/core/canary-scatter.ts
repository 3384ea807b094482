/**
 * How much failures come together: the visitor who tries again and again, the crawler with a bad link.
 *
 *     failures in blocks of 10 s    alone      2 3 1 2 4 2 3 …    scatter as chance has it: 1
 *                                   together   0 0 15 0 0 5 0 …   five times as much: 5
 *
 * Five failures that are one event say as much as one. So what scatters five times as much as independent
 * requests would is counted as a fifth (Pearson's statistic as the dispersion of a quasi-likelihood:
 * McCullagh and Nelder, "Generalized Linear Models", 1989). It is told by the old commit alone: a new one
 * that fails in bursts is not to excuse itself.
 */
export interface Scatter {
  /** Whole blocks that had any request. */
  readonly blocks: number;
  /** Of those blocks: requests, failures, and the sum of failures² / requests. */
  readonly requests: number;
  readonly failed: number;
  readonly square: number;
  /** The block that is not over. */
  readonly open: { readonly since: number; readonly requests: number; readonly failed: number };
}

/** Shorter ones would part what one visitor does; of longer ones a step has too few. A guess. */
export const blockMs = 10_000;
/** Fewer blocks, or failures, say nothing of how they scatter. */
const blocksMin = 6;
const failedMin = 10;

export function beginScatter(now: number): Scatter {
  return {
    blocks: 0,
    requests: 0,
    failed: 0,
    square: 0,
    open: { since: now, requests: 0, failed: 0 },
  };
}

export function addToScatter(
  scatter: Scatter,
  added: { readonly requests: number; readonly failed: number },
  now: number,
): Scatter {
  const open = {
    ...scatter.open,
    requests: scatter.open.requests + added.requests,
    failed: scatter.open.failed + Math.min(added.failed, added.requests),
  };
  if (now - open.since < blockMs) return { ...scatter, open };
  const next = { ...scatter, open: { since: now, requests: 0, failed: 0 } };
  if (open.requests === 0) return next;
  return {
    ...next,
    blocks: scatter.blocks + 1,
    requests: scatter.requests + open.requests,
    failed: scatter.failed + open.failed,
    square: scatter.square + open.failed ** 2 / open.requests,
  };
}

/** How many times as much as chance failures scatter; never less than 1. */
export function dispersionOf(scatter: Scatter | undefined): number {
  if (!scatter || scatter.blocks < blocksMin || scatter.failed < failedMin) return 1;
  const { blocks, requests, failed, square } = scatter;
  const rate = failed / requests;
  const pearson = (square - failed * rate) / Math.max(Number.EPSILON, rate * (1 - rate));
  return Math.max(1, pearson / (blocks - 1));
}
