/**
 * What happened to a plan, in order: the journal of a run, its log, and the only thing that is kept of it.
 * Whoever has the plan and its events knows where it stands (`core/run.ts`).
 *
 * Stages and gates are numbered from 1, as in the ids of tasks; the stages of a rollback go on from the plan's
 * own.
 */
import type { DronesSeen } from "./core/drones-seen.js";
import type { TaskId } from "./plan.js";

export type RunEvent = { readonly at: number } &
  /** It waits behind others that hold a lock which it needs; its own time has not begun. */
  (
    | { readonly kind: "run-queued"; readonly by: string; readonly locks: readonly string[] }
    /** Its time begins, and it holds its locks until it is over. */
    | { readonly kind: "run-begun"; readonly by: string; readonly locks?: readonly string[] }
    /** It waits: until a time when that is known, else for what `why` says. No gate: its delay. */
    | {
        readonly kind: "stage-waits";
        readonly stage: number;
        readonly gate?: number;
        readonly why: string;
        readonly until?: number;
      }
    | {
        readonly kind: "gate-open";
        readonly stage: number;
        readonly gate: number;
        readonly why: string;
      }
    /** It will not open: the stage fails before it has begun. */
    | {
        readonly kind: "gate-refused";
        readonly stage: number;
        readonly gate: number;
        readonly why: string;
      }
    /** Its tasks may begin; a second time when what failed of it is tried again. */
    | { readonly kind: "stage-begun"; readonly stage: number }
    /** On disk before anything of it is done. Attempts are numbered from 1, also across asked retries. */
    | { readonly kind: "task-begun"; readonly task: TaskId; readonly attempt: number }
    | {
        readonly kind: "task-ended";
        readonly task: TaskId;
        readonly outcome: TaskOutcome;
        readonly reason?: string;
        readonly lastLines?: readonly string[];
        /** Of a task that many drones have a part in. */
        readonly drones?: DronesSeen;
      }
    /** It failed, and is tried again at `nextAt`. */
    | {
        readonly kind: "task-retries";
        readonly task: TaskId;
        readonly reason: string;
        readonly lastLines?: readonly string[];
        readonly nextAt: number;
      }
    | {
        readonly kind: "stage-ended";
        readonly stage: number;
        readonly outcome: StageOutcome;
        readonly reason?: string;
      }
    | { readonly kind: "asked"; readonly ask: RunAsk; readonly by: string }
    /** Its rollback begins: its stages follow from the plan and from what happened so far (`core/rollback.ts`). */
    | { readonly kind: "rollback-begun"; readonly reason: string }
    | { readonly kind: "run-ended"; readonly outcome: RunOutcome; readonly reason?: string }
  );

/**
 * How a task ended: it did what it should; it was so already; it did not; it was stopped; or, of a task that
 * may run once, nobody can know.
 */
export type TaskOutcome = "done" | "unchanged" | "failed" | "stopped" | "unknown";

/** `failed`: not all that counts was done, be it that no more failed than may. */
export type StageOutcome = "done" | "failed" | "stopped";

/**
 * `done`: all that counts was. `failed`: not all, be it that the plan went through, as so much might fail.
 * `undone`: it failed or was stopped, and its rollback was carried out. */
export type RunOutcome = "done" | "failed" | "stopped" | "undone";

/** What people may ask of a run on its way. */
export type RunAsk =
  /** Nothing new begins; what is under way finishes. */
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  /**
   * Nothing new begins, for good; `now`: what is under way is ended too; `undo`: then it is rolled back, also when it
   * failed or was stopped before and is over.
   */
  | { readonly kind: "stop"; readonly undo: boolean; readonly now?: boolean }
  /** Delays and windows before the stage that is next are over. */
  | { readonly kind: "skip-wait" }
  /** Opens the approval gate that is waited for. */
  | { readonly kind: "approve" }
  /**
   * What failed or never ran is tried again; of a run that is over too. `force`: also a task that may run once
   * and of which nobody knows whether it did.
   */
  | { readonly kind: "retry"; readonly force?: boolean };
