/** What a planner gives: the plan as it would be written by hand, and what is told beside it. */
import type { WrittenPlan } from "@propagit/plan";

export interface Planned {
  readonly plan: WrittenPlan;
  readonly skipped: readonly Skipped[];
  /** Those that the plan is about where it does not name them; by name. */
  readonly drones?: readonly string[];
  /** What has to travel, at most; absent: nothing, or nobody knows. */
  readonly travel?: Travel;
  /** How long commands took in the past, in ms, by name; absent: never seen. */
  readonly durations: ReadonlyMap<string, number>;
  readonly warnings: readonly string[];
}

/** Something of which nothing is asked. */
export interface Skipped {
  readonly what: string;
  readonly why: string;
}

/** So many bytes to each of so many drones. */
export interface Travel {
  readonly bytes: number;
  readonly drones: number;
}

export function plannedAs(plan: WrittenPlan, told: Partial<Omit<Planned, "plan">> = {}): Planned {
  return { plan, skipped: [], durations: new Map(), warnings: [], ...told };
}
