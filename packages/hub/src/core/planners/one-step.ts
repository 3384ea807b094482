/**
 * What plans of changes that are one step have in common. Each is refused where the change itself would be, and
 * empty where all of it is so already.
 */
import type { PlannedChange } from "@propagit/protocol";
import type { TaskDraft } from "@propagit/plan";
import { revisionsOf } from "./basis.js";
import { plannedAs, type Planned, type Skipped } from "./planned.js";
import type { PlannerView } from "./planner-view.js";

/** Something that is deployed, as it was found. */
export interface FoundPlace {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  /** Set when a release was named. */
  readonly deployment: string | undefined;
  /** As the plan says it: a whole commit, or the number of a release. */
  readonly ref: string;
}

export type ChangeOf<K extends PlannedChange["kind"]> = Extract<PlannedChange, { kind: K }>;

export interface PlannedStep extends Planned {
  /** What the plan would do, also when it is empty: done all the same, it finds everything as it should be. */
  readonly step: TaskDraft;
}

export interface OneStep {
  readonly name: string;
  readonly request: PlannedChange;
  /** What the plan follows from. */
  readonly parts: readonly string[];
  readonly step: TaskDraft;
  /** All of it is so already. */
  readonly isSo: boolean;
  readonly skipped?: readonly Skipped[];
  readonly warnings?: readonly string[];
}

export function oneStep(
  { rows, now }: PlannerView,
  { name, request, parts, step, isSo, skipped = [], warnings = [] }: OneStep,
): PlannedStep {
  const stages = isSo ? [] : [{ name: step.command, tasks: [step] }];
  const basis = { revisions: revisionsOf(rows, parts), at: now };
  return { ...plannedAs({ name, basis, request, stages }, { skipped, warnings }), step };
}

/** `74336bc`, `release 3` */
export function shortOf({ ref }: FoundPlace): string {
  return /^\d{1,8}$/.test(ref) ? `release ${ref}` : ref.slice(0, 7);
}
