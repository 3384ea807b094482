/** Where a run stands, as people and scripts ask for it: values that are JSON. */
import type { TaskId } from "../plan.js";
import type { RunOutcome } from "../run-event.js";
import type { DronesSeen } from "./drones-seen.js";
import { staysText } from "./left-over.js";
import { approvalGate } from "./asks.js";
import type { Run } from "./run.js";
import type { RunState, StageProgress, StageState } from "./run-fold.js";
import { noTasks, type TaskCounts, type TaskRun, type TaskState } from "./stage-run.js";
import { hostKeyOf, hostOf, taskIdOf } from "./task-place.js";

/** One line of a list of runs. */
export interface RunSummary {
  readonly run: string;
  readonly name: string;
  readonly by: string;
  /** `unreadable`: its journal is damaged, `reason` says how. */
  readonly state: RunState | "paused" | "stopping" | "rolling-back" | "unreadable";
  readonly outcome?: RunOutcome;
  readonly reason?: string;
  readonly locks: readonly string[];
  readonly queuedAt?: number;
  readonly beganAt?: number;
  readonly endedAt?: number;
  /** It waits for somebody to approve a stage: `by` one of these; absent: by whoever may deploy. */
  readonly approval?: { readonly stage: string; readonly by?: string };
  /** All stages together, those of a rollback too. */
  readonly counts: TaskCounts;
}

export interface RunStatus extends RunSummary {
  /** Tasks that were done, of a run that is over, and can be taken back by asking for that. */
  readonly stays?: string;
  readonly stages: readonly StageStatus[];
  /** It cannot be written, and goes on when it can. */
  readonly suspended?: Suspension;
  /** The lock that it waits for, and the run that has it or comes before. */
  readonly waitsFor?: { readonly lock: string; readonly behind: string };
}

export interface Suspension {
  readonly since: number;
  readonly why: string;
}

export interface StageStatus {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  readonly part: "plan" | "rollback";
  readonly state: StageState;
  readonly beganAt?: number;
  readonly endedAt?: number;
  readonly reason?: string;
  readonly waits?: StageWait;
  readonly lines: number;
  readonly linesFailed: number;
  readonly counts: TaskCounts;
  readonly hosts: readonly HostStatus[];
  readonly tasks: readonly TaskStatus[];
  /** Tasks that were left out of `tasks`, as there are too many. */
  readonly tasksLeftOut: number;
}

export interface StageWait {
  readonly why: string;
  readonly since: number;
  readonly until?: number;
  /** From 1; absent for the stage's delay. */
  readonly gate?: number;
  /** What was seen last when somebody looked whether the gate is open. */
  readonly seen?: string;
}

export interface HostStatus {
  readonly host: string;
  readonly counts: TaskCounts;
}

export interface TaskStatus {
  readonly task: TaskId;
  readonly command: string;
  readonly host: string;
  readonly state: TaskState | "never-run";
  readonly attempt: number;
  readonly beganAt?: number;
  readonly endedAt?: number;
  /** When it is tried again, or its line begins. */
  readonly nextAt?: number;
  readonly reason?: string;
  readonly lastLines?: readonly string[];
  /** Of a task that many drones have a part in. */
  readonly drones?: DronesSeen;
}

export interface StatusWish {
  /** `notable`: what runs, is tried again, failed, was stopped, is unknown, or says how drones stand. */
  readonly tasks?: "notable" | "all";
  /** Of one stage. */
  readonly tasksMax?: number;
}

/** What only whoever carries it out knows. */
export interface StatusSight {
  readonly suspended?: Suspension;
  readonly waitsFor?: { readonly lock: string; readonly behind: string };
  readonly gateSeen?: string;
  readonly linesOf?: (task: TaskId) => readonly string[] | undefined;
  readonly dronesOf?: (task: TaskId) => DronesSeen | undefined;
}

/** More are no longer looked through by eye. */
const tasksMaxDefault = 200;

/** Of a run whose journal is damaged: nothing is known but why. */
export function unreadableRun(run: string, reason: string): RunSummary {
  return { run, name: "?", by: "?", state: "unreadable", reason, locks: [], counts: noTasks };
}

export function summaryOf(id: string, run: Run): RunSummary {
  const { outcome, reason, queuedAt, endedAt } = run;
  const hasBegun = run.state !== "new" && run.state !== "queued" && run.beganAt > 0;
  return {
    run: id,
    name: run.plan.name,
    by: run.by,
    state: stateOf(run),
    ...(outcome === undefined ? {} : { outcome }),
    ...(reason === undefined ? {} : { reason }),
    locks: run.locks,
    ...(queuedAt === undefined ? {} : { queuedAt }),
    ...(hasBegun ? { beganAt: run.beganAt } : {}),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...approvalOf(run),
    counts: sumOf(run.stages.map((stage) => stage.run.counts)),
  };
}

function approvalOf(run: Run): Pick<RunSummary, "approval"> {
  const gate = approvalGate(run);
  const stage = run.current?.run.stage.name;
  if (!gate || stage === undefined) return {};
  return { approval: { stage, ...(gate.by && { by: gate.by.join(" or ") }) } };
}

export function statusOf(
  id: string,
  run: Run,
  wish: StatusWish = {},
  sight: StatusSight = {},
): RunStatus {
  const { suspended, waitsFor } = sight;
  const stays = staysText(run);
  return {
    ...summaryOf(id, run),
    ...(stays === undefined ? {} : { stays }),
    stages: run.stages.map((stage) => stageStatus(run, stage, wish, sight)),
    ...(suspended === undefined ? {} : { suspended }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
  };
}

function stateOf(run: Run): RunSummary["state"] {
  if (run.state !== "going") return run.state;
  if (run.isPaused) return "paused";
  if (run.stopping) return "stopping";
  return run.rollback === undefined ? "going" : "rolling-back";
}

function stageStatus(
  run: Run,
  progress: StageProgress,
  wish: StatusWish,
  sight: StatusSight,
): StageStatus {
  const { stage, number, lines, linesFailed, counts } = progress.run;
  const { beganAt, endedAt, reason } = progress;
  const waits = progress === run.current ? waitOf(run, progress, sight) : undefined;
  const tasks = tasksOf(progress, wish, sight);
  return {
    number,
    name: stage.name,
    part: number > run.plan.stages.length ? "rollback" : "plan",
    state: progress.state,
    ...(beganAt === undefined ? {} : { beganAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(waits === undefined ? {} : { waits }),
    lines: lines.length,
    linesFailed,
    counts: { ...counts },
    hosts: hostsOf(progress),
    ...tasks,
  };
}

function waitOf(
  run: Run,
  progress: StageProgress,
  { gateSeen }: StatusSight,
): StageWait | undefined {
  const waits = waitedFor(run, progress);
  if (!waits) return undefined;
  const seen = gateSeen === undefined ? {} : { seen: gateSeen };
  if (!run.isPaused) return { ...waits, ...seen };
  // When its time has come it begins no more than before: nobody knows when it will.
  const { until: _, why, ...rest } = waits;
  return { ...rest, why: `${why}, and to be resumed`, ...seen };
}

function waitedFor(
  { opening }: Run,
  { state, run, beganAt = 0 }: StageProgress,
): StageWait | undefined {
  const { delayedUntil: until } = run;
  if (state === "waiting") {
    const { waiting, approvedBy } = opening;
    return waiting && approvedBy !== undefined
      ? { ...waiting, why: `approved by ${approvedBy}` }
      : waiting;
  }
  if (state !== "running" || until === undefined) return undefined;
  return { why: "the time of its next lines", since: beganAt, until };
}

/** In the order in which the plan names them first. */
function hostsOf({ run }: StageProgress): readonly HostStatus[] {
  const hosts = new Map<string, { host: string; counts: Record<keyof TaskCounts, number> }>();
  for (const [line, tasks] of run.stage.lines.entries()) {
    for (const [step, task] of tasks.entries()) {
      const key = hostKeyOf(task.where);
      const known = hosts.get(key) ?? { host: hostOf(task.where), counts: { ...noTasks } };
      hosts.set(key, known);
      known.counts.tasks += 1;
      known.counts[run.taskRun(line, step)?.state ?? "neverRun"] += 1;
    }
  }
  return [...hosts.values()];
}

function tasksOf(
  { run }: StageProgress,
  { tasks: which = "notable", tasksMax = tasksMaxDefault }: StatusWish,
  sight: StatusSight,
): Pick<StageStatus, "tasks" | "tasksLeftOut"> {
  const found: Position[] = [];
  const seen = new Map<string, number>();
  for (const [line, { length }] of run.stage.lines.entries()) {
    for (let step = 0; step < length; step++) {
      const ran = run.taskRun(line, step);
      if (which === "notable" && !isNotable(ran)) continue;
      const state = ran?.state ?? "never-run";
      const rank = seen.get(state) ?? 0;
      seen.set(state, rank + 1);
      found.push({ line, step, rank });
    }
  }
  const kept = which === "all" ? found.slice(0, tasksMax) : firstOfEach(found, tasksMax);
  const tasks = kept.map(({ line, step }) => taskStatus(run, line, step, sight));
  return { tasks, tasksLeftOut: found.length - kept.length };
}

interface Position {
  readonly line: number;
  readonly step: number;
  /** Among those of its state. */
  readonly rank: number;
}

/** Some of each state, so that many that failed do not hide what runs; in the order of the plan. */
function firstOfEach(found: readonly Position[], max: number): readonly Position[] {
  if (found.length <= max) return found;
  const kept = found.toSorted((left, right) => left.rank - right.rank).slice(0, max);
  return kept.sort((left, right) => left.line - right.line || left.step - right.step);
}

function isNotable(ran: TaskRun | undefined): boolean {
  if (ran === undefined) return false;
  return ran.drones !== undefined || (ran.state !== "done" && ran.state !== "unchanged");
}

function taskStatus(
  run: StageProgress["run"],
  line: number,
  step: number,
  { linesOf, dronesOf }: StatusSight,
): TaskStatus {
  const task = run.taskAt(line, step);
  const id = taskIdOf(run.number, line + 1, step + 1);
  const ran = run.taskRun(line, step);
  const { tries: _, lastLines: kept, drones: ended, state = "never-run", ...known } = ran ?? {};
  const nextAt = ran || step > 0 ? undefined : run.delayOf(line);
  const lastLines = state === "running" ? linesOf?.(id) : kept;
  const drones = state === "running" ? dronesOf?.(id) : ended;
  return {
    task: id,
    command: task.command,
    host: hostOf(task.where),
    attempt: run.attemptsOf(line, step),
    ...(nextAt === undefined ? {} : { nextAt }),
    ...known,
    state,
    ...(lastLines === undefined || lastLines.length === 0 ? {} : { lastLines }),
    ...(drones && { drones }),
  };
}

function sumOf(all: readonly TaskCounts[]): TaskCounts {
  const sum: Record<keyof TaskCounts, number> = { ...noTasks };
  for (const counts of all) {
    for (const [state, count] of Object.entries(counts)) sum[state as keyof TaskCounts] += count;
  }
  return sum;
}
