/** Samples of rollouts by steps and of what proxies count, with every optional field. */
import type { Canary, CanaryPlan, canaryMethods, Telling, TrafficCount } from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at, by, commit, deploymentId, nonce } from "./values.js";

const plan: CanaryPlan = {
  steps: [5, 25, 50, 100],
  everyMs: 300_000,
  minRequests: 200,
  inconclusive: "wait",
  compare: "same",
  errorPoints: 0.5,
  p95Ratio: 1.2,
};

const canary: Canary = {
  repo: "webapp",
  environment: "staging",
  commit,
  deployment: deploymentId,
  release: 12,
  old: {
    commit: "40548da2f0d6a1d4e1b2c3a4f5e6d7c8b9a0f1e2",
    release: 11,
    deployment: deploymentId,
  },
  plan,
  by,
  startedAt: at,
  phase: "over",
  phaseAt: at,
  step: 1,
  percent: 0,
  measuredMs: 41_000,
  evidence: {
    fresh: { requests: 1_213, failed: 50, timed: 1_100, slow: 60 },
    old: { requests: 1_180, failed: 4, timed: 1_090, slow: 52 },
    slowAbove: { fresh: 67, old: 65 },
  },
  text: "release 12 (74336bc) fails 4.1 % of 1,213 requests, 40548da 0.3 % of 1,180",
  end: { outcome: "aborted", reason: "it fails too often", at },
};

const counts: TrafficCount = {
  repo: "webapp",
  environment: "staging",
  commit,
  deployment: deploymentId,
  variant: "checkout=short",
  requests: 4,
  statuses: [0, 2, 0, 1, 1],
  refused: 1,
  cut: 0,
  late: 0,
  failed: 1,
  left: 0,
  retries: 1,
  inFlight: 2,
  latency: { first: 20, counts: [1, 0, 2] },
};

export const trafficReport: Telling<"hub.report"> = { proxy: nonce, life: nonce, counts: [counts] };

const place = { repo: "webapp", environment: "staging" };
const part = { kind: "canary", at, canary } as const;

export const canarySamples: SamplesOf<keyof typeof canaryMethods> = {
  "hub.canary-start": {
    params: { ...place, ref: "74336bc", plan, by, detach: true },
    part,
    result: canary,
  },
  "hub.canary": { params: { ...place, follow: true }, part, result: canary },
  "hub.canaries": {
    params: { over: true, environment: "staging" },
    part: [canary],
    result: { canaries: [canary] },
  },
  "hub.canary-change": { params: { ...place, change: "abort", by }, result: canary },
};
