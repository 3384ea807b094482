/** A commit that gets its visitors step by step, and is taken back by itself when it is worse. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { canaryPlanSchema } from "./canary-plan.js";
import { commit, count, exact, name, oneOf, text } from "./shape.js";
import { deploymentId } from "./traffic.js";

/** What was counted of one side at one step. */
export const canaryArmSchema = exact({
  requests: count,
  failed: count,
  /** Of those that an endpoint answered since the limit of `slow` is known. */
  timed: count,
  slow: count,
});
export type CanaryArm = Static<typeof canaryArmSchema>;

/** The old one and the new one at one step. */
export const canaryEvidenceSchema = exact({
  fresh: canaryArmSchema,
  old: canaryArmSchema,
  /** Answers in buckets above these are slow; of the new one, as many more as its bound allows. */
  slowAbove: Type.Optional(exact({ fresh: count, old: count })),
});
export type CanaryEvidence = Static<typeof canaryEvidenceSchema>;

/**
 *     preparing -> switching -> measuring -> switching -> … -> over
 *                                  |  \-> waiting -/
 *                                  \-> paused
 */
export const canaryPhases = [
  "preparing",
  "switching",
  "measuring",
  "waiting",
  "paused",
  "over",
] as const;

/** `ended`: somebody sent the visitors elsewhere. `failed`: it never had any visitors. */
export const canaryOutcomes = ["promoted", "aborted", "ended", "failed"] as const;

/** One side by name. */
const sideSchema = exact({
  commit,
  release: Type.Optional(count),
  deployment: Type.Optional(deploymentId),
});

export const canarySchema = exact({
  repo: name,
  environment: name,
  commit,
  /** Known once it is ready. */
  deployment: Type.Optional(deploymentId),
  /** Its number; while its release is on its way, that one's. */
  release: count,
  /** Whom it is compared with: what most visitors got before. */
  old: sideSchema,
  plan: canaryPlanSchema,
  by: text(200),
  startedAt: count,
  phase: oneOf(...canaryPhases),
  phaseAt: count,
  /** Index of the step that is, or is about to be, in force. */
  step: count,
  /** Visitors it has now, in percent. */
  percent: Type.Number({ minimum: 0, maximum: 100 }),
  /** How long the step was measured, pauses left out. */
  measuredMs: count,
  evidence: canaryEvidenceSchema,
  /** How it looks, in words and numbers. */
  text: text(2_000),
  end: Type.Optional(exact({ outcome: oneOf(...canaryOutcomes), reason: text(2_000), at: count })),
});
export type Canary = Static<typeof canarySchema>;

/** Everything to the new one, everything back, stay at this step, go on. */
export const canaryChanges = ["promote", "abort", "pause", "resume"] as const;
export const canaryChangeSchema = oneOf(...canaryChanges);
export type CanaryChange = Static<typeof canaryChangeSchema>;
