/**
 * Which variants of experiments a visitor gets:
 *
 *     audience? ── no ──> not in it
 *        | yes
 *     the first rule that holds ──> its variant        also one of weight 0
 *        | none, or nobody serves that
 *     draw among the variants that can serve           weighted rendezvous, see split.ts
 *
 * Every experiment draws with its own name, so that they are independent of one another and of the shares.
 * Of those that name a commit for a visitor the first decides; for the others he is not in them, since what
 * they would compare is not what he gets.
 */
import type { Experiment } from "@propagit/protocol";
import { holds, readyCondition, type ReadyCondition } from "./condition.js";
import { mixText, uniformAfter, type Seed } from "./hash.js";
import type { Question } from "./question.js";
import { scoreOf } from "./split.js";
import type { Variant } from "./variant.js";

export interface ReadyExperiment {
  readonly name: string;
  /** What draws of it begin with, after the visitor. */
  readonly drawKey: string;
  readonly audience?: ReadyCondition;
  readonly rules: readonly { readonly when: ReadyCondition; readonly arm: Arm }[];
  readonly arms: readonly Arm[];
}

/** One variant of an experiment. */
interface Arm {
  readonly name: string;
  readonly weight: number;
  /** Absent: whatever the shares say. */
  readonly serves?: Variant;
}

export interface Assignment {
  /** `experiment=variant, …`; undefined for a visitor who is in none. */
  readonly label: string | undefined;
  readonly serves: Variant | undefined;
}

/** The one that started first comes first. */
export function readyExperiments(
  experiments: readonly Experiment[],
  variantOf: (arm: Experiment["variants"][number]) => Variant | undefined,
): readonly ReadyExperiment[] {
  return experiments
    .toSorted((left, right) => (left.since ?? 0) - (right.since ?? 0))
    .map((experiment) => ready(experiment, variantOf));
}

/** @param isAble whether somebody serves it now */
export function assignVisitor(
  experiments: readonly ReadyExperiment[],
  request: Question,
  visitor: Seed,
  isAble: (variant: Variant) => boolean,
): Assignment {
  let label = "";
  let serves: Variant | undefined;
  for (const experiment of experiments) {
    const arm = pickArm(experiment, request, visitor, isAble);
    if (!arm || (arm.serves && serves)) continue;
    label += `${label === "" ? "" : ", "}${experiment.name}=${arm.name}`;
    serves ??= arm.serves;
  }
  return { label: label === "" ? undefined : label, serves };
}

function pickArm(
  { drawKey, audience, rules, arms }: ReadyExperiment,
  request: Question,
  visitor: Seed,
  isAble: (variant: Variant) => boolean,
): Arm | undefined {
  const seed = mixText(visitor, drawKey);
  if (audience && !holds(audience, request, seed, "audience")) return undefined;
  const canServe = ({ serves }: Arm) => serves === undefined || isAble(serves);
  for (const { when, arm } of rules) {
    if (holds(when, request, seed, arm.name) && canServe(arm)) return arm;
  }
  let best: Arm | undefined;
  let bestScore = 0;
  for (const arm of arms) {
    if (arm.weight === 0 || !canServe(arm)) continue;
    const score = scoreOf(uniformAfter(seed, arm.name), arm.weight);
    if (score > bestScore) [best, bestScore] = [arm, score];
  }
  return best;
}

function ready(
  { name, audience, rules = [], variants }: Experiment,
  variantOf: (arm: Experiment["variants"][number]) => Variant | undefined,
): ReadyExperiment {
  const arms = variants.map((variant): Arm => {
    const serves = variantOf(variant);
    return { name: variant.name, weight: variant.weight, ...(serves && { serves }) };
  });
  return {
    name,
    drawKey: `experiment ${name}`,
    ...(audience && { audience: readyCondition(audience) }),
    rules: rules.flatMap(({ when, variant }) => {
      // A rule to a variant that is not there says nothing.
      const arm = arms.find((one) => one.name === variant);
      return arm ? [{ when: readyCondition(when), arm }] : [];
    }),
    arms,
  };
}
