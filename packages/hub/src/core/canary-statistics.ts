/**
 * Whether one side fails more often than the other one, by more than a margin: a test that may be looked at
 * after every request, and ended at the first look that says so.
 *
 * A test with a fixed number of requests, looked at again and again, cries wolf sooner or later: at 5 % it is
 * wrong in far more than 5 % of all cases. So evidence is counted here as money, at odds that are fair if a
 * side fails with probability p:
 *
 *                        mean over all θ of   θ^hits (1-θ)^(trials-hits)
 *     wealth(p)  =      ─────────────────────────────────────────────────      θ ~ Beta(1/2, 1/2)
 *                             p^hits (1-p)^(trials-hits)
 *
 * Who bets against the truth cannot get rich: the wealth against the true p is a martingale that begins at 1,
 * so it ever reaches 1/α with a probability of at most α, whenever one looks (Ville, 1939; the mixture is
 * Robbins', "Statistical methods related to the law of the iterated logarithm", 1970). Both sides are
 * independent, so wealth(fresh) · wealth(old) is a martingale too. The evidence is the least of these
 * products over all pairs of probabilities for which the fresh side is not worse:
 *
 *     evidence = min { wealthFresh(p) · wealthOld(q) :  p <= q + margin }
 *
 * The true pair is among them if there is nothing wrong, therefore P(evidence ever >= 1/α) <= α: for any
 * number of looks and of requests, exactly, without a limit theorem that small numbers of failures would
 * break (time-uniform confidence sequences: Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric,
 * nonasymptotic confidence sequences", Annals of Statistics 2021; the least over a composite hypothesis:
 * Wasserman, Ramdas, Balakrishnan, "Universal inference", PNAS 2020; the same idea with normal limits, for
 * A/B tests: Johari, Koomen, Pekelis, Walsh, "Peeking at A/B tests", KDD 2017).
 *
 * It depends on counts alone, not on their order or on when was looked. It assumes requests that fail
 * independently of each other; docs/rollouts.md says what happens when they do not.
 */
export interface Sample {
  readonly trials: number;
  readonly hits: number;
}

/** Halvings of an interval in [0, 1]: below that doubles tell nothing apart. */
const halvings = 50;

/**
 * Natural logarithm of the evidence that the fresh side is hit more often than the old one by more than
 * `margin` (a probability); 0 or less: none. At `-Math.log(alpha)` it may be believed.
 */
export function logEvidence(fresh: Sample, old: Sample, margin: number): number {
  const difference = rate(fresh) - rate(old);
  if (!(difference > margin)) return 0;
  const q = likeliestOld(fresh, old, margin);
  return logWealth(fresh, q + margin) + logWealth(old, q);
}

export function rate({ trials, hits }: Sample): number {
  return trials === 0 ? 0 : hits / trials;
}

function logWealth({ trials, hits }: Sample, p: number): number {
  const mixture = logBeta(hits + 0.5, trials - hits + 0.5) - logBeta(0.5, 0.5);
  return mixture - logLikelihood(hits, p) - logLikelihood(trials - hits, 1 - p);
}

/** What never happened says nothing, also when it could not. */
function logLikelihood(times: number, p: number): number {
  return times === 0 ? 0 : times * Math.log(p);
}

/**
 * The q that explains both sides best if the fresh one is worse by just the margin. The likelihood is
 * concave in it, so its slope changes its sign once.
 */
function likeliestOld(fresh: Sample, old: Sample, margin: number): number {
  const slope = (q: number) =>
    per(fresh.hits, q + margin) -
    per(fresh.trials - fresh.hits, 1 - q - margin) +
    per(old.hits, q) -
    per(old.trials - old.hits, 1 - q);
  let [low, high] = [0, 1 - margin];
  for (let step = 0; step < halvings; step++) {
    const middle = (low + high) / 2;
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function per(times: number, p: number): number {
  return times === 0 ? 0 : times / p;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Of the approximation by C. Lanczos (1964), with g = 7; 15 digits. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
  1.5056327351493116e-7,
];

/** For x of at least 1/2, as all are here. */
function logGamma(x: number): number {
  const shifted = x - 1;
  let sum = 0;
  for (const [index, factor] of lanczos.entries()) {
    sum += index === 0 ? factor : factor / (shifted + index);
  }
  const base = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(sum);
}
