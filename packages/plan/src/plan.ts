/**
 * A plan: what will be done, as data, before any of it is.
 *
 *     plan ── stages, one after the other
 *              ├── may wait: `after` a time, for `gates`
 *              └── lines, side by side within the stage's limits
 *                   └── tasks of a line, one after the other
 *
 * What people write is read by `core/read-plan.ts`, which fills in every default: from then on nothing about a
 * plan is left to guess, and its hash (`core/plan-hash.ts`) covers all that will be done.
 */

/** A plan as it is carried out: every default filled in, every command known, every argument checked. */
export interface Plan {
  /** One line; shown wherever the plan is. */
  readonly name: string;
  /** What it was made from; absent when it was written by hand, and holds for any state. */
  readonly basis?: Basis;
  /** The change that it was made of, so that it can be made anew; what is done is in its stages alone. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Where commands come from that are not ours; absent when there are none. */
  readonly code?: CodePlace;
  readonly secrets?: SecretPlace;
  /** In order; a stage begins when the one before has ended. */
  readonly stages: readonly Stage[];
  /** What puts it back, numbered on from `stages`; absent: made from what its tasks did, see `Task.undo`. */
  readonly rollback?: readonly Stage[];
}

/** The state that a plan was made from; `apply` refuses when it has moved. */
export interface Basis {
  /** Revisions of the parts of the state that the planner looked at, by name: `route webapp/production`. */
  readonly revisions: Readonly<Record<string, number>>;
  /** When it was made, in ms since 1970. */
  readonly at: number;
  /** What files of this machine held that it brings, by the paths by which its tasks name them; absent: it brings none. */
  readonly files?: Readonly<Record<string, SourceFile>>;
}

export interface SourceFile {
  readonly bytes: number;
  /** As 64 hex characters. */
  readonly sha256: string;
}

/** Settings of an environment that tasks may use: by their names, so that none is in a plan. */
export interface SecretPlace {
  readonly repo: string;
  readonly environment: string;
  readonly names: readonly string[];
}

/** A commit whose `propagit.config` has commands of its own. */
export interface CodePlace {
  readonly repo: string;
  readonly commit: string;
}

export interface Stage {
  /** Unique in its plan. */
  readonly name: string;
  /** Tasks under way at the same time. At least 1; what people write in percent is of the stage's lines. */
  readonly concurrency: number;
  /** Tasks under way at the same time on one host. At least 1. */
  readonly concurrencyPerHost: number;
  /** Time that must have passed; absent: none. */
  readonly after?: StageDelay;
  /** All must be open; looked at in order, each once the one before is open. */
  readonly gates: readonly Gate[];
  /** Lines that may fail before nothing new is started. */
  readonly maxFailures: number;
  /** What becomes of the plan when more have failed. */
  readonly onFailure: OnFailure;
  readonly lines: readonly (readonly Task[])[];
}

export type OnFailure = "stop" | "rollback" | "continue";

export interface StageDelay {
  readonly ms: number;
  /** Measured from here: the beginning of the plan, or the end of the stage before. */
  readonly from: "plan" | "stage";
}

export interface Task {
  /** `<stage>.<line>.<step>`, each from 1: its place in the plan. */
  readonly id: TaskId;
  readonly command: string;
  readonly where: TaskPlace;
  /** As they are written, with every default; what its command takes is made of them by `argsOf`. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  /** Of the first task of a line: since the beginning of its stage, so that lines of it wait each for its own. */
  readonly afterMs?: number;
  /** Words by which some tasks of a plan can be left out, sorted; absent: none. */
  readonly tags?: readonly string[];
  /** Waits before each further attempt; none: it is tried once. */
  readonly retryDelaysMs: readonly number[];
  /** Its failure is told and counts for nothing. */
  readonly continueOnFail: boolean;
  /** Never carried out twice: when it cannot be known whether it was, the plan stops there. */
  readonly once: boolean;
  /**
   * What takes back what it did, in order, as its command says (`Command.undo`): part of the plan, so that its
   * hash covers the rollback too. Absent: nothing does.
   */
  readonly undo?: readonly UndoTask[];
}

/** It gets its place when a rollback is made of it. */
export type UndoTask = Omit<Task, "id" | "undo" | "afterMs" | "tags">;

export type TaskId = string;

/** Who carries a task out. */
export type TaskPlace =
  /** The engine's own machine: the hub, or with `--local` the one in front of the user. */
  | { readonly kind: "engine" }
  | { readonly kind: "drone"; readonly drone: string }
  /** `user@host` or a name of ssh's own configuration. */
  | { readonly kind: "host"; readonly host: string };

/** What must be so before a stage begins. How often it is looked at, and for how long, is part of it. */
export type Gate =
  | { readonly kind: "approval"; readonly by?: readonly string[]; readonly timeoutMs?: number }
  | { readonly kind: "window"; readonly window: TimeWindow }
  | GateProbe;

/** A gate that something outside must be asked about. */
export type GateProbe = { readonly everyMs: number; readonly timeoutMs: number } & (
  | { readonly kind: "http"; readonly url: string; readonly status: readonly number[] }
  | { readonly kind: "command"; readonly task: Task; readonly exit: number }
  | {
      readonly kind: "health";
      readonly repo: string;
      readonly environment: string;
      readonly service?: string;
      /** Instances that must be ready, of 100. */
      readonly readyPercent: number;
      /** Without a break for so long. */
      readonly forMs: number;
    }
  | { readonly kind: "canary"; readonly repo: string; readonly environment: string }
  | {
      readonly kind: "errors";
      readonly repo: string;
      readonly environment: string;
      readonly maxPercent: number;
      readonly overMs: number;
    }
);

/** Hours of the week in a time zone. */
export interface TimeWindow {
  /** 1 is Monday, 7 Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight, in the zone; `to` before `from` reaches into the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
}
