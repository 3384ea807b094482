/**
 * One stage as it is carried out: its lines, what of them may begin now, what they came to. Pure: `Run` gives
 * it events and the time.
 *
 * A task:
 *
 *     (nothing yet) --task-begun--> running --task-ended--> done | unchanged | failed | stopped | unknown
 *           ^                        |  ^                              |
 *           |                        |  '--task-begun, next attempt--. |
 *           |                        '--task-retries--> retrying ----' |
 *           '-------------- a person asks for a retry -----------------'
 *
 * A line:
 *
 *     delayed --its time since stage-begun is over, or skipped--> ready
 *
 *     ready --task-begun--> running --its last task is over--> done
 *       ^                    | | |
 *       |<--- next task -----' | '--a task failed that counts, or was stopped--> failed --retry asked--> ready
 *       '<-- nextAt is there -- retrying
 *
 * No task of a line that has failed begins; those after it have never run. What is retrying holds no place.
 */
import { assert } from "@propagit/protocol";
import type { Stage, Task, TaskId } from "../plan.js";
import type { TaskOutcome } from "../run-event.js";
import type { DronesSeen } from "./drones-seen.js";
import { Schedule } from "./schedule.js";
import { hostKeyOf, taskIdOf } from "./task-place.js";
import { WaitingLines } from "./waiting-lines.js";

export type TaskState = "running" | "retrying" | TaskOutcome;

/** A task that has begun at least once. */
export interface TaskRun {
  state: TaskState;
  /** From 1, also across retries that people ask for. */
  attempt: number;
  /** Since it was last begun anew: what its own retries are counted by. */
  tries: number;
  beganAt: number;
  endedAt?: number;
  nextAt?: number;
  reason?: string;
  lastLines?: readonly string[];
  drones?: DronesSeen;
}

type LineState = "delayed" | "ready" | "running" | "retrying" | "done" | "failed";

export interface LineRun {
  state: LineState;
  /** Tasks of it that are over and let it go on: where it stands, from 0. */
  step: number;
}

/** Tasks by what they came to; `neverRun` are those that have not begun. */
export type TaskCounts = Readonly<Record<TaskState | "neverRun" | "tasks", number>>;

export const noTasks: TaskCounts = {
  tasks: 0,
  neverRun: 0,
  running: 0,
  retrying: 0,
  done: 0,
  unchanged: 0,
  failed: 0,
  stopped: 0,
  unknown: 0,
};

/** The first that failed, for the reason that is told. */
export interface FirstFailure {
  readonly task: TaskId;
  readonly reason: string;
}

export class StageRun {
  readonly stage: Stage;
  /** From 1. */
  readonly number: number;
  readonly lines: readonly LineRun[];
  readonly #tasks: (TaskRun | undefined)[][];
  readonly #counts: Record<TaskState | "neverRun" | "tasks", number>;
  readonly #schedule: Schedule;
  readonly #retrying = new WaitingLines((line, nextAt) => {
    const { state, step } = this.#line(line);
    return state === "retrying" && this.taskRun(line, step)?.nextAt === nextAt;
  });
  /** Their time has not come. */
  readonly #delayed = new WaitingLines((line) => this.#line(line).state === "delayed");
  /** Their task failed and has not begun again, whether its time has come or not. */
  readonly #linesRetrying = new Set<number>();
  /** Of tasks that are tried again because somebody asked. */
  readonly #formerAttempts = new Map<TaskId, number>();
  #openedAt: number | undefined;
  #linesOver = 0;
  #linesFailed = 0;
  #linesStopped = 0;
  #unknown: FirstFailure | undefined;
  #failure: FirstFailure | undefined;

  constructor(stage: Stage, number: number) {
    this.stage = stage;
    this.number = number;
    this.#schedule = new Schedule(stage);
    this.lines = stage.lines.map(() => ({ state: "ready", step: 0 }));
    this.#tasks = stage.lines.map(() => []);
    const tasks = stage.lines.reduce((sum, line) => sum + line.length, 0);
    this.#counts = { ...noTasks, tasks, neverRun: tasks };
    for (const [line, [first]] of stage.lines.entries()) {
      if (first?.afterMs === undefined) this.#goOn(line);
      else this.#line(line).state = "delayed";
    }
  }

  get counts(): TaskCounts {
    return this.#counts;
  }

  get linesFailed(): number {
    return this.#linesFailed;
  }

  /** A task that counts and may run once, of which nobody knows whether it did. */
  get unknown(): FirstFailure | undefined {
    return this.#unknown;
  }

  get failure(): FirstFailure | undefined {
    return this.#failure;
  }

  get isRunning(): boolean {
    return this.#counts.running > 0;
  }

  /** Nothing of it is left to do. */
  get isThrough(): boolean {
    return this.#linesOver === this.lines.length;
  }

  /** Lines that somebody stopped: no failure, and not done. */
  get linesStopped(): number {
    return this.#linesStopped;
  }

  /** More has failed than may: nothing new begins. */
  get isBroken(): boolean {
    return this.#unknown !== undefined || this.#linesFailed > this.stage.maxFailures;
  }

  taskAt(line: number, step: number): Task {
    const task = this.stage.lines[line]?.[step];
    assert(task, `stage ${this.number} has a task ${line + 1}.${step + 1}`);
    return task;
  }

  taskRun(line: number, step: number): TaskRun | undefined {
    return this.#tasks[line]?.[step];
  }

  /** From then on lines with a time of their own wait for it. */
  open(at: number): void {
    if (this.#openedAt !== undefined) return;
    this.#openedAt = at;
    for (const [line, { state }] of this.lines.entries()) {
      if (state !== "delayed") continue;
      this.#delayed.add(line, at + this.#afterOf(line));
    }
  }

  /** When the next lines begin whose time has not come. */
  get delayedUntil(): number | undefined {
    return this.#delayed.nextAt;
  }

  /** When a line begins whose time has not come. */
  delayOf(line: number): number | undefined {
    if (this.#line(line).state !== "delayed") return undefined;
    return this.#openedAt === undefined ? undefined : this.#openedAt + this.#afterOf(line);
  }

  /** The lines whose time comes next wait for it no longer; those after them do. */
  skipDelay(): void {
    const until = this.delayedUntil;
    if (until !== undefined) this.#wakeDelayed(until);
  }

  /** The task that may begin now, as `[line, step]`. */
  next(now: number): readonly [line: number, step: number] | undefined {
    this.#wake(now);
    const line = this.#schedule.next();
    return line === undefined ? undefined : [line, this.#line(line).step];
  }

  /** When a task that failed is tried again, or the time of a line has come. */
  get wakeAt(): number | undefined {
    const [again, delayed] = [this.#retrying.nextAt, this.#delayed.nextAt];
    if (again === undefined || delayed === undefined) return again ?? delayed;
    return Math.min(again, delayed);
  }

  /** One that waits to be tried again; for when it will not be. */
  firstRetrying(): readonly [line: number, step: number] | undefined {
    const [line] = this.#linesRetrying;
    return line === undefined ? undefined : [line, this.#line(line).step];
  }

  begin(line: number, step: number, attempt: number, at: number): void {
    const state = this.#line(line);
    assert(state.step === step, `task ${taskIdOf(this.number, line + 1, step + 1)} is next`);
    // Its time had come, and nobody had looked.
    if (state.state === "delayed") this.#goOn(line);
    if (state.state === "retrying") this.#schedule.add(line, this.#hostKey(line));
    this.#schedule.enter(line);
    state.state = "running";
    const former = this.taskRun(line, step);
    const tries = former?.state === "retrying" ? former.tries + 1 : 1;
    this.#put(line, step, { state: "running", attempt, tries, beganAt: at });
  }

  retryLater(line: number, step: number, ended: TaskRunEnd & { readonly nextAt: number }): void {
    this.#leave(line, step);
    const ran = this.#turn(line, step, "retrying", ended);
    ran.nextAt = ended.nextAt;
    this.#linesRetrying.add(line);
    this.#line(line).state = "retrying";
    this.#retrying.add(line, ended.nextAt);
  }

  end(line: number, step: number, outcome: TaskOutcome, ended: TaskRunEnd): void {
    if (this.#known(line, step).state === "running") this.#leave(line, step);
    else this.#schedule.withdraw(line);
    const ran = this.#turn(line, step, outcome, ended);
    if (ran.nextAt !== undefined) delete ran.nextAt;
    this.#linesRetrying.delete(line);
    this.#follow(line, step, outcome);
  }

  /** What failed or was stopped is ready again, from the task on that did; what is tried again later is due now. */
  tryAgain(now: number): void {
    this.#bringForward(now);
    this.#unknown = undefined;
    this.#failure = undefined;
    for (const [line, state] of this.lines.entries()) {
      if (state.state !== "failed") continue;
      const former = this.#known(line, state.step);
      if (former.state === "stopped") this.#linesStopped -= 1;
      else this.#linesFailed -= 1;
      this.#linesOver -= 1;
      this.#put(line, state.step, undefined, former.attempt);
      this.#goOn(line);
    }
  }

  #bringForward(now: number): void {
    for (const line of this.#linesRetrying) {
      const { state, step } = this.#line(line);
      const ran = this.#known(line, step);
      if (state !== "retrying" || (ran.nextAt ?? now) <= now) continue;
      ran.nextAt = now;
      this.#retrying.add(line, now);
    }
  }

  /** Attempts of a task so far. */
  attemptsOf(line: number, step: number): number {
    const key = taskIdOf(this.number, line + 1, step + 1);
    return this.taskRun(line, step)?.attempt ?? this.#formerAttempts.get(key) ?? 0;
  }

  #follow(line: number, step: number, outcome: TaskOutcome): void {
    const task = this.taskAt(line, step);
    const isGood = outcome === "done" || outcome === "unchanged";
    if (!isGood && (outcome === "stopped" || !task.continueOnFail)) {
      this.#fail(line, step, outcome);
      return;
    }
    this.#line(line).step += 1;
    this.#goOn(line);
  }

  #fail(line: number, step: number, outcome: TaskOutcome): void {
    this.#line(line).state = "failed";
    this.#linesOver += 1;
    if (outcome === "stopped") {
      this.#linesStopped += 1;
      return;
    }
    this.#linesFailed += 1;
    const task = taskIdOf(this.number, line + 1, step + 1);
    const failure = { task, reason: this.taskRun(line, step)?.reason ?? "it gave no reason" };
    this.#failure ??= failure;
    if (outcome === "unknown") this.#unknown ??= failure;
  }

  /** To its next task, or to its end. */
  #goOn(line: number): void {
    const state = this.#line(line);
    if (state.step < (this.stage.lines[line]?.length ?? 0)) {
      state.state = "ready";
      this.#schedule.add(line, this.#hostKey(line));
    } else {
      state.state = "done";
      this.#linesOver += 1;
    }
  }

  /** Lines whose wait is over are ready. */
  #wake(now: number): void {
    this.#wakeDelayed(now);
    for (let line = this.#retrying.take(now); line !== undefined; line = this.#retrying.take(now)) {
      this.#line(line).state = "ready";
      this.#schedule.add(line, this.#hostKey(line));
    }
  }

  #wakeDelayed(now: number): void {
    for (let line = this.#delayed.take(now); line !== undefined; line = this.#delayed.take(now)) {
      this.#goOn(line);
    }
  }

  #leave(line: number, step: number): void {
    assert(this.#known(line, step).state === "running", "only what runs ends");
    this.#schedule.leave(hostKeyOf(this.taskAt(line, step).where));
  }

  /** In place: copying every task for every change is half of what a large plan costs. */
  #turn(line: number, step: number, state: TaskState, ended: TaskRunEnd): TaskRun {
    const ran = this.#known(line, step);
    this.#counts[ran.state] -= 1;
    this.#counts[state] += 1;
    ran.state = state;
    ran.endedAt = ended.endedAt;
    if (ended.reason !== undefined) ran.reason = ended.reason;
    if (ended.lastLines !== undefined) ran.lastLines = ended.lastLines;
    if (ended.drones !== undefined) ran.drones = ended.drones;
    return ran;
  }

  #put(line: number, step: number, run: TaskRun | undefined, formerAttempts = 0): void {
    const runs = this.#tasks[line];
    assert(runs, `stage ${this.number} has a line ${line + 1}`);
    this.#counts[runs[step]?.state ?? "neverRun"] -= 1;
    this.#counts[run?.state ?? "neverRun"] += 1;
    runs[step] = run;
    this.#linesRetrying.delete(line);
    if (run) return;
    this.#formerAttempts.set(taskIdOf(this.number, line + 1, step + 1), formerAttempts);
  }

  #known(line: number, step: number): TaskRun {
    const run = this.taskRun(line, step);
    assert(run, `task ${taskIdOf(this.number, line + 1, step + 1)} has begun`);
    return run;
  }

  #line(line: number): LineRun {
    const state = this.lines[line];
    assert(state, `stage ${this.number} has a line ${line + 1}`);
    return state;
  }

  #afterOf(line: number): number {
    return this.stage.lines[line]?.[0]?.afterMs ?? 0;
  }

  #hostKey(line: number): string {
    return hostKeyOf(this.taskAt(line, this.#line(line).step).where);
  }
}

/** What is known of a task once an attempt of it is over. */
export interface TaskRunEnd {
  readonly endedAt: number;
  readonly reason?: string;
  readonly lastLines?: readonly string[];
  readonly drones?: DronesSeen;
}
