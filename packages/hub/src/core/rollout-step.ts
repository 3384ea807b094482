/** What goes into the machine of a release, and comes out of it; see `rollout.ts`. */
import type { DroneOutcome, Result } from "@propagit/protocol";
import type { ReleaseCommand } from "./release-progress.js";
import type { DeploymentRow, RolloutRow, TaskRow } from "./rows.js";

export type TaskResult = Result<"drone.task">;

export type RolloutEvent =
  /** Its plan has come to this; asked again after a restart of the hub. `why`: what it is undone for. */
  | {
      readonly kind: "asked";
      readonly command: ReleaseCommand;
      readonly why?: RolloutFailure;
      readonly drones?: readonly string[];
    }
  /** Something of the drones, or the time, has changed; after a restart of the hub too. */
  | { readonly kind: "looked" }
  | { readonly kind: "task-ended"; readonly id: string; readonly result: TaskResult }
  | { readonly kind: "cancelled"; readonly by: string }
  /** Its run is over, and never came to its end. */
  | { readonly kind: "stranded"; readonly why: RolloutFailure }
  /** Every live proxy can send visitors to it. */
  | { readonly kind: "seen" }
  /** No proxy can, and it was tried for long enough. */
  | { readonly kind: "unseen"; readonly reason: string }
  /** What it is to run was stopped by somebody. */
  | { readonly kind: "stopped"; readonly by: string }
  /** Instances of these services were ended by hand, and stay so. */
  | { readonly kind: "held"; readonly services: readonly string[]; readonly by: string };

export type DurableEffect =
  /** Its deployment is made, or taken over from a release before. */
  | { readonly kind: "prepare" }
  | { readonly kind: "built"; readonly artifact: string; readonly identity: string | undefined }
  /** Drones are to run these services: those that fit, or of them `only` these identities. */
  | {
      readonly kind: "start";
      readonly services: readonly string[];
      readonly only: readonly string[] | undefined;
      /** Where not all of these services may run yet. */
      readonly wave?: DeploymentRow["wave"];
    }
  /** What only this release wanted is no longer wanted. */
  | { readonly kind: "undo" }
  | { readonly kind: "end"; readonly end: RolloutEnd };

export type OutwardEffect =
  | { readonly kind: "run-task"; readonly task: TaskRow }
  | { readonly kind: "cancel-task"; readonly task: TaskRow }
  /** Whether they see it; asked again and again, and carried out once. */
  | { readonly kind: "ask-proxies" }
  /** Its run does nothing new, and undoes it. */
  | { readonly kind: "break-off"; readonly by: string }
  | { readonly kind: "note"; readonly text: string };

export type RolloutFailure = NonNullable<RolloutRow["failure"]>;

export interface RolloutEnd {
  readonly state: "ready" | "failed" | "cancelled";
  readonly reason?: string;
  readonly lastLines?: string[];
  readonly drones: readonly DroneOutcome[];
}

/** How the task that the engine waits for has ended. */
export interface TaskAnswer {
  readonly command: ReleaseCommand;
  readonly outcome: "done" | "unchanged" | "failed";
  readonly reason?: string;
  readonly lastLines?: readonly string[];
}

export interface RolloutStep {
  readonly row: RolloutRow;
  readonly durable: readonly DurableEffect[];
  readonly outward: readonly OutwardEffect[];
  readonly answer?: TaskAnswer;
}

export function answered(row: RolloutRow, answer: TaskAnswer): RolloutStep {
  return { row, durable: [], outward: [], answer };
}

export function nothing(row: RolloutRow): RolloutStep {
  return { row, durable: [], outward: [] };
}
