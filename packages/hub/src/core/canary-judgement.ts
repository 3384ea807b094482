/**
 * Whether the new commit is worse than the old one, in words and numbers.
 *
 *     errors     of all requests: those that failed            worse by more than so many points of percent
 *     latency    of all answers: those slower than a limit     old: its 95th percentile; new: that times the bound
 *
 * If the new one takes at most `p95Ratio` times as long as the old one, it has no more answers above its
 * limit than the old one above its own. The limits are set once a step, before the answers that are counted
 * come, so this is a comparison of two proportions as well: `logEvidence` is for both. A percentile that is
 * itself estimated anew at each look has no test that may be looked at all the time and is as simple.
 */
import {
  bucketOf,
  bucketRatio,
  bucketsMax,
  shortCommit,
  upperEdgeMs,
  type Canary,
  type CanaryArm,
  type CanaryEvidence,
  type CanaryPlan,
  type LatencyHistogram,
} from "@propagit/protocol";
import { dispersionOf, type Scatter } from "./canary-scatter.js";
import { logEvidence, rate, type Sample } from "./canary-statistics.js";

/** Of all rollouts in which nothing is worse, so many may be taken back, at most. */
const falseAlarmsMax = 0.01;
/** Answers of the old one that its 95th percentile is taken from. */
const timedMin = 100;
/** A new one that takes so much longer at most is not slower: nobody notices. A guess. */
const unnoticedMs = 5;
const slowPart = 0.95;

export type Judged = Pick<Canary, "commit" | "release" | "old" | "plan" | "evidence"> & {
  /** How failures of the old one come together; absent: not at all. */
  readonly scatter?: Scatter | undefined;
};

export interface Verdict {
  readonly kind: "worse" | "few" | "fine";
  readonly text: string;
}

const noArm: CanaryArm = { requests: 0, failed: 0, timed: 0, slow: 0 };
export const noEvidence: CanaryEvidence = { fresh: noArm, old: noArm };

/** What is slow at a step, by what the old one did so far; undefined while that is too little. */
export function slowLimits(
  old: LatencyHistogram,
  { p95Ratio }: Pick<CanaryPlan, "p95Ratio">,
): CanaryEvidence["slowAbove"] {
  const bucket = old.count < timedMin ? undefined : old.bucketAt(slowPart);
  if (bucket === undefined) return undefined;
  // Rounded up to whole buckets, so that nothing within the bound is ever called slow.
  const wider = bucket + Math.ceil(Math.log(p95Ratio) / Math.log(bucketRatio) - 1e-9);
  const noticed = bucketOf(upperEdgeMs(bucket) + unnoticedMs);
  return { old: bucket, fresh: Math.min(bucketsMax - 1, Math.max(wider, noticed)) };
}

export function judge(judged: Judged): Verdict {
  const { evidence, plan } = judged;
  const needed = Math.log(testsOf(plan) / falseAlarmsMax);
  const { fresh, old } = evidence;
  const together = dispersionOf(judged.scatter);
  const failed = [thinned(failures(fresh), together), thinned(failures(old), together)] as const;
  if (logEvidence(...failed, plan.errorPoints / 100) >= needed) {
    return {
      kind: "worse",
      text: `${describeFailures(judged)}; bound +${plan.errorPoints} points`,
    };
  }
  if (logEvidence(slowness(fresh), slowness(old), 0) >= needed) {
    return { kind: "worse", text: `${describeSlowness(judged)}; bound ${plan.p95Ratio} x` };
  }
  if (Math.min(fresh.requests, old.requests) < plan.minRequests) {
    const text = `${describeFailures(judged)}; ${plan.minRequests} of each are needed to tell`;
    return { kind: "few", text };
  }
  const isTimed = evidence.slowAbove && fresh.timed > 0 && old.timed > 0;
  const slow = isTimed ? `; ${describeSlowness(judged)}` : "";
  return { kind: "fine", text: `${describeFailures(judged)}${slow}` };
}

/** Errors and latency, at each step that still has an old one beside it. */
function testsOf({ steps }: CanaryPlan): number {
  return 2 * Math.max(1, steps.filter((step) => step < 100).length);
}

function failures({ requests, failed }: CanaryArm): Sample {
  return { trials: requests, hits: failed };
}

/** What says as much without coming together. */
function thinned({ trials, hits }: Sample, times: number): Sample {
  return { trials: trials / times, hits: hits / times };
}

function slowness({ timed, slow }: CanaryArm): Sample {
  return { trials: timed, hits: slow };
}

/** A part of nothing would be said to be 0 %. */
function describeFailures({ commit, release, old, evidence }: Judged): string {
  const [fresh, other] = [failures(evidence.fresh), failures(evidence.old)];
  const name = `release ${release} (${shortCommit(commit)})`;
  if (fresh.trials === 0 && other.trials === 0) return "no requests yet";
  if (fresh.trials === 0) {
    return `${name} has had no requests yet, ${shortCommit(old.commit)} fails ${part(other, "request")}`;
  }
  const beside = other.trials === 0 ? "has had none yet" : part(other);
  return `${name} fails ${part(fresh, "request")}, ${shortCommit(old.commit)} ${beside}`;
}

function describeSlowness({ commit, release, old, evidence }: Judged): string {
  const { slowAbove } = evidence;
  if (!slowAbove) return "";
  const name = `release ${release} (${shortCommit(commit)})`;
  const fresh = `${part(slowness(evidence.fresh), "answer")} of ${name} take longer than ${limit(slowAbove.fresh)}`;
  return `${fresh}, ${part(slowness(evidence.old))} of ${shortCommit(old.commit)} longer than ${limit(slowAbove.old)}`;
}

/** `4.1 % of 1,213 requests` */
function part(sample: Sample, what?: string): string {
  const percent = rate(sample) * 100;
  const shown = percent > 0 && percent < 0.1 ? percent.toPrecision(1) : percent.toFixed(1);
  const counted = sample.trials.toLocaleString("en-US");
  const noun = what === undefined ? "" : ` ${what}${sample.trials === 1 ? "" : "s"}`;
  return `${shown} % of ${counted}${noun}`;
}

function limit(bucket: number): string {
  const ms = upperEdgeMs(bucket);
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(0)} s`;
  return ms >= 1_000 ? `${(ms / 1_000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}
