/** How a rollout by steps goes: which shares, how long each, and what is worse. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { exact, oneOf } from "./shape.js";

/**
 * What happens at the end of a step that had too few requests to tell: it goes on measuring, goes to the next
 * step, or takes everything back.
 */
export const inconclusiveChoices = ["wait", "go", "stop"] as const;

export const compareChoices = ["same", "all"] as const;

export const canaryPlanSchema = exact({
  /** Shares of visitors in percent, rising; the last one is 100. */
  steps: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 100 }), {
    minItems: 1,
    maxItems: 20,
  }),
  /** How long each step is looked at. */
  everyMs: Type.Integer({ minimum: 1_000, maximum: 7 * 86_400_000 }),
  /** Of each of the two at each step; fewer are inconclusive. */
  minRequests: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
  inconclusive: oneOf(...inconclusiveChoices),
  /**
   * Whom it is compared with: `same`, as many visitors of the old one as it has itself; `all` of them, which
   * tells sooner while it has few.
   */
  compare: oneOf(...compareChoices),
  /** Points of percent that it may fail more often than the old one. */
  errorPoints: Type.Number({ minimum: 0, maximum: 100 }),
  /** How many times as long as the old one's its 95th percentile may be. */
  p95Ratio: Type.Number({ minimum: 1, maximum: 1_000 }),
});
export type CanaryPlan = Static<typeof canaryPlanSchema>;

/** What somebody says of it. */
export const canaryWishSchema = Type.Partial(canaryPlanSchema, { additionalProperties: false });
export type CanaryWish = Static<typeof canaryWishSchema>;

/** What is taken when neither the command nor the manifest says. `minRequests`: see docs/rollouts.md. */
export const canaryPlanDefault: CanaryPlan = {
  steps: [5, 25, 50, 100],
  everyMs: 5 * 60_000,
  minRequests: 200,
  inconclusive: "wait",
  compare: "same",
  errorPoints: 0.5,
  p95Ratio: 1.2,
};

/** Why a plan cannot be carried out; undefined when it can. */
export function whyNoPlan({ steps }: Pick<CanaryPlan, "steps">): string | undefined {
  const listed = steps.map((step) => `${step}%`).join(",");
  if (steps.at(-1) !== 100) return `the steps ${listed} do not end with 100%`;
  return isRising(steps) ? undefined : `the steps ${listed} do not rise`;
}

/** Each above the one before, and the first above 0. */
export function isRising(steps: readonly number[]): boolean {
  return steps.every((step, index) => step > (steps[index - 1] ?? 0));
}

/** `5%` or `5`. Undefined for anything else. */
export function parseStep(text: string): number | undefined {
  const percent = numberIn(/^(\d{1,3}(?:\.\d{1,4})?) ?%?$/, text);
  return percent !== undefined && percent > 0 && percent <= 100 ? percent : undefined;
}

/** `+0.5`, `0.5` or `+0.5%`: points of percent. */
export function parseErrorPoints(text: string): number | undefined {
  const points = numberIn(/^\+?(\d{1,3}(?:\.\d{1,4})?) ?%?$/, text);
  return points !== undefined && points <= 100 ? points : undefined;
}

/** `1.2x` or `1.2`: how many times as long. */
export function parseP95Ratio(text: string): number | undefined {
  const ratio = numberIn(/^(\d{1,4}(?:\.\d{1,4})?) ?x?$/, text);
  return ratio !== undefined && ratio >= 1 && ratio <= 1_000 ? ratio : undefined;
}

function numberIn(pattern: RegExp, text: string): number | undefined {
  const digits = pattern.exec(text.trim())?.[1];
  return digits === undefined ? undefined : Number(digits);
}
