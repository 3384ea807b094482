/** What carrying a plan out needs from outside. */
import type { Clock, Log, Random } from "@propagit/runtime";
import type { CodePlace, GateProbe, Plan, SecretPlace, Task } from "./plan.js";
import type { DroneSeen, DronesSeen } from "./core/drones-seen.js";
import type { RunSummary } from "./core/run-status.js";
import type { RunEvent, TaskOutcome } from "./run-event.js";

export interface PlanWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly journal: Journal;
  readonly executor: Executor;
  readonly prober: Prober;
}

/** Plans and what happened to them, on disk. */
export interface Journal {
  /** On disk when it resolves. @throws EXISTS, DATA_UNUSABLE */
  create(run: string, plan: Plan): Promise<void>;
  /**
   * Adds events in their order, all or none; on disk when it resolves. Calls may overlap: they are written one
   * after the other. At most `batchMax` (`core/event-batch.ts`) at once.
   *
   * @throws NO_PLAN; DATA_UNUSABLE when the disk does not take it: nothing of it is there then, nor of calls that
   *   were waiting behind it
   */
  append(run: string, events: readonly RunEvent[]): Promise<void>;
  /** @throws NO_PLAN, DATA_UNUSABLE */
  read(run: string): Promise<{ readonly plan: Plan; readonly events: readonly RunEvent[] }>;
  /** Newest first. */
  list(): Promise<readonly RunHead[]>;
  /**
   * Notes what became of a run that is over, so that nobody has to read it to know; undefined when it goes on
   * again. @throws NO_PLAN, DATA_UNUSABLE
   */
  conclude(run: string, summary: RunSummary | undefined): Promise<void>;
  /**
   * Makes a run this process's own to carry on; false when another process does. Runs that it created are
   * its own already, until `release`.
   *
   * @throws NO_PLAN, DATA_UNUSABLE
   */
  take(run: string): Promise<boolean>;
  /** Others may take it: nothing more is appended to it by this process. */
  release(run: string): Promise<void>;
  /** All of a run; nothing happens when there is none. */
  remove(run: string): Promise<void>;
  /** Gives back what it holds; what was acknowledged stays. */
  close(): Promise<void>;
}

export interface RunHead {
  readonly run: string;
  /** Of one that was concluded. */
  readonly summary?: RunSummary;
}

/** A task that is to be carried out: `key` is the same for the same attempt, also after a restart. */
export interface TaskOrder {
  readonly run: string;
  readonly task: Task;
  readonly attempt: number;
  /** Where commands are that are not propagit's own. */
  readonly code?: CodePlace;
  /** What it may use as secrets. */
  readonly secrets?: SecretPlace;
  /** For whoever carries it out, to know it again: `<run>/<task>/<attempt>`. */
  readonly key: string;
}

export interface TaskEnd {
  readonly outcome: TaskOutcome;
  /** It failed, and would again: it is not tried again by itself. */
  readonly refused?: boolean;
  readonly reason?: string;
  readonly lastLines?: readonly string[];
  /** Default: as they were told last. */
  readonly drones?: DronesSeen;
}

export interface Executor {
  /**
   * Carries a task out and tells how it ended; asked again with the same key, it joins what is under way or
   * tells the same end. A task's failure is an end, not an exception; what is thrown fails the task too.
   */
  run(order: TaskOrder, call: TaskCall): Promise<TaskEnd>;
  /**
   * What became of a task that a former life of the engine began: its end; `begun` when it is under way (then
   * `run` joins it); `not-begun`; or `unknown`.
   */
  recall(order: TaskOrder): Promise<TaskEnd | "begun" | "not-begun" | "unknown">;
  /**
   * Whether it keeps on its own disk how far a task is, before anything of it is done, and finds that again whenever
   * it is asked for the task. Then it need not wait until the journal has written that the task begins. Default: no.
   */
  remembers?(task: Task): boolean;
  /**
   * Whether what it began goes on by itself when it is told to end, as on a machine that cannot be reached just now:
   * then its end is waited for, however long that takes. Default: no.
   */
  outlives?(task: Task): boolean;
}

export interface TaskCall {
  /** Aborted when its time is over or the plan is stopped hard; the task is to end soon then. */
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
  /** How all drones stand that have a part in it, whenever that has changed. */
  readonly onDrones?: (drones: readonly DroneSeen[]) => void;
}

/** Looks whether a gate is open. */
export interface Prober {
  /** @param code where commands are that are not propagit's own */
  look(gate: GateProbe, signal: AbortSignal, code?: CodePlace): Promise<GateView>;
}

export interface GateView {
  /** `shut` may open later, `refused` never will. */
  readonly state: "open" | "shut" | "refused";
  /** In a sentence: what was seen. */
  readonly why: string;
}
