/**
 * A plan, out of what people or programs wrote.
 *
 *     text ── readJson, readYaml ──> Located ──┐
 *     value of a generator ── locate ──────────┴── planShape ──> Plan, every default filled in
 *                                                           └──> all problems, with their places
 *
 * Everything is checked here, before anything is done: keys, commands, arguments. Of 10,000 tasks in JSON in 0.6 s of
 * a processor, in 0.25 s when it is done again (measured).
 */
import { assert, formatBytes, PropagitError } from "@propagit/protocol";
import { formatProblems, locate, Problems, readJson, readYaml } from "@propagit/shapes";
import type { Located, Problem } from "@propagit/shapes";
import type { Commands } from "../command.js";
import type { Plan } from "../plan.js";
import { withDrones, type SelectDrones } from "./drone-selections.js";
import { jsonLimits, yamlLimits } from "./plan-limits.js";
import { planShape } from "./plan-shape.js";
import { stagePartsOf } from "./stage-shape.js";
import { withChosen, type TaskChoice } from "./task-choice.js";

export interface PlanText {
  /** For messages; its ending says what it is, else its first letter: `{` begins JSON. */
  readonly file: string;
  readonly text: string;
}

/** A plan that was never written: what a generator gave. */
export interface PlanDraft {
  /** For messages: who made it. */
  readonly maker: string;
  /** As it would be written; what is `undefined` in it is absent. */
  readonly value: unknown;
}

/** How what is written is meant. */
export interface PlanReading {
  /** What a task's `drone` means that is not the name of one; absent: nothing, so that it is refused. */
  readonly select?: SelectDrones;
  /** Which tasks are meant; absent: all. */
  readonly choice?: TaskChoice;
}

export type CheckedPlan =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * @param commands all that the plan may use, by name
 * @throws BAD_PLAN with file, line and column of everything that is wrong
 *
 * @example
 * const written = "name: hello\nstages: [{ name: first, tasks: [] }]";
 * readPlan({ file: "plan.yaml", text: written }, new Map()).stages[0]?.concurrency; // 1
 */
export function readPlan(
  source: PlanText | PlanDraft,
  commands: Commands,
  reading?: PlanReading,
): Plan {
  const checked = checkPlan(source, commands, reading);
  if (checked.ok) return checked.plan;
  throw new PropagitError("BAD_PLAN", formatProblems(checked.problems));
}

/** As `readPlan`, with the problems as values. What a choice leaves out is checked as well. */
export function checkPlan(
  source: PlanText | PlanDraft,
  commands: Commands,
  { choice, ...whole }: PlanReading = {},
): CheckedPlan {
  const problems =
    "text" in source ? new Problems(source.file, source.text) : new Problems(source.maker);
  const written = "text" in source ? parsePlan(source, problems) : locate(source.value, problems);
  const shape = planShape(stagePartsOf(commands));
  const root = written && meantBy(written, problems, whole);
  let plan = root && shape.read(root, "", problems);
  if (root && choice && problems.isEmpty) {
    plan = shape.read(meantBy(root, problems, { choice }), "", problems);
  }
  if (!problems.isEmpty) return { ok: false, problems: problems.all };
  assert(plan, "a plan without problems was read");
  return { ok: true, plan };
}

/** What was written, as it would be written to mean just that. */
export function meantBy(
  written: Located,
  problems: Problems,
  { select, choice }: PlanReading = {},
): Located {
  const root = select ? withDrones(written, select, problems) : written;
  return choice ? withChosen(root, choice, problems) : root;
}

/** Undefined when it is no document at all, which the problems then tell. */
export function parsePlan({ file, text }: PlanText, problems: Problems): Located | undefined {
  if (isJson(file, text)) return readJson(text, problems, jsonLimits);
  if (text.length <= yamlLimits.charsMax) return readYaml(text, problems, yamlLimits);
  const [yaml, json] = [yamlLimits, jsonLimits].map(({ charsMax }) => formatBytes(charsMax));
  problems.add(0, `is longer than ${yaml}; as JSON, a plan may have ${json}`);
  return undefined;
}

function isJson(file: string, text: string): boolean {
  if (/\.json$/i.test(file)) return true;
  return !/\.ya?ml$/i.test(file) && /^\uFEFF?\s*\{/.test(text.slice(0, 1_000));
}
