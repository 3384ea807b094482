/**
 * Where a run stands, as the fold of its events: the machine that is drawn in `run.ts`, its states and what each
 * event makes of them.
 */
import { assert } from "@propagit/protocol";
import type { Plan, Stage, Task, TaskId } from "../plan.js";
import type { RunAsk, RunEvent, RunOutcome, StageOutcome } from "../run-event.js";
import { foldOpening, openingStart, type Opening, type OpeningView } from "./opening.js";
import { rollbackStages } from "./rollback.js";
import { unknownReason } from "./run-reasons.js";
import { StageRun, type TaskRun } from "./stage-run.js";
import { positionOf } from "./task-place.js";

export type RunState = "new" | "queued" | "going" | "over";
export type StageState = "ahead" | "waiting" | "running" | StageOutcome;

/** One stage with what became of it. */
export interface StageProgress {
  readonly run: StageRun;
  state: StageState;
  beganAt?: number;
  endedAt?: number;
  reason?: string;
}

/** Stop was asked: nothing new begins. */
export interface Stopping {
  readonly by: string;
  readonly undo: boolean;
  readonly now: boolean;
}

/** How it goes to its end; the first reason stays. */
export interface Ending {
  readonly outcome: "failed" | "stopped";
  readonly undo: boolean;
  readonly reason: string;
}

export class RunFold {
  readonly plan: Plan;
  readonly #stages: StageProgress[];
  #state: RunState = "new";
  #current = 0;
  #opening: Opening = openingStart;
  #by = "";
  #locks: readonly string[] = [];
  #queuedAt: number | undefined;
  #beganAt = 0;
  #endedAt: number | undefined;
  #outcome: RunOutcome | undefined;
  #reason: string | undefined;
  #isPaused = false;
  #stopping: Stopping | undefined;
  #ending: Ending | undefined;
  #rollback: string | undefined;
  /** When the newest stage ended. */
  #formerEndedAt = 0;
  #eventCount = 0;
  readonly #underWay = new Set<TaskId>();

  constructor(plan: Plan, events: Iterable<RunEvent> = []) {
    this.plan = plan;
    this.#stages = plan.stages.map((stage, index) => progressOf(stage, index + 1));
    for (const event of events) this.apply(event);
  }

  get state(): RunState {
    return this.#state;
  }
  get outcome(): RunOutcome | undefined {
    return this.#outcome;
  }
  get reason(): string | undefined {
    return this.#reason;
  }
  get by(): string {
    return this.#by;
  }
  get locks(): readonly string[] {
    return this.#locks;
  }
  get queuedAt(): number | undefined {
    return this.#queuedAt;
  }
  get beganAt(): number {
    return this.#beganAt;
  }
  get endedAt(): number | undefined {
    return this.#endedAt;
  }
  get isPaused(): boolean {
    return this.#isPaused;
  }
  get stopping(): Stopping | undefined {
    return this.#stopping;
  }
  /** Its stages are left for this; what is under way has ended then. */
  get ending(): Ending | undefined {
    return this.#ending;
  }
  /** Why it is rolled back; undefined when it is not. */
  get rollback(): string | undefined {
    return this.#rollback;
  }
  /** The plan's own, then those of the rollback once that has begun. */
  get stages(): readonly StageProgress[] {
    return this.#stages;
  }
  /** What it is about: the stages of the rollback once that has begun, else the plan's. */
  get part(): readonly StageProgress[] {
    return this.#rollback === undefined
      ? this.#stages
      : this.#stages.slice(this.plan.stages.length);
  }
  get eventCount(): number {
    return this.#eventCount;
  }
  /** Tasks that have begun and not ended. */
  get underWay(): ReadonlySet<TaskId> {
    return this.#underWay;
  }

  /** The stage that has its turn; undefined when all are through. */
  get current(): StageProgress | undefined {
    return this.#stages[this.#current];
  }

  /** What the stage that has its turn waits for. */
  get opening(): Opening {
    return this.#opening;
  }

  get openingView(): OpeningView | undefined {
    const { current } = this;
    if (!current) return undefined;
    return {
      stage: current.run.stage,
      number: current.run.number,
      runBeganAt: this.#beganAt,
      formerEndedAt: Math.max(this.#formerEndedAt, this.#beganAt),
    };
  }

  task(id: TaskId): Task {
    const { stage, line, step } = positionOf(id);
    return this.#stageAt(stage).run.taskAt(line - 1, step - 1);
  }

  taskRun(id: TaskId): TaskRun | undefined {
    const { stage, line, step } = positionOf(id);
    return this.#stageAt(stage).run.taskRun(line - 1, step - 1);
  }

  apply(event: RunEvent): void {
    this.#eventCount += 1;
    switch (event.kind) {
      case "run-queued":
        this.#state = "queued";
        this.#queuedAt = event.at;
        this.#by = event.by;
        this.#locks = event.locks;
        return;
      case "run-begun":
        this.#state = "going";
        this.#beganAt = event.at;
        this.#by = event.by;
        this.#locks = event.locks ?? [];
        return;
      case "stage-waits":
      case "gate-open":
      case "gate-refused":
        this.#opening = foldOpening(this.#opening, event);
        this.#stageAt(event.stage).state = "waiting";
        return;
      case "stage-begun":
        this.#beginStage(this.#stageAt(event.stage), event.at);
        return;
      case "stage-ended":
        this.#endStage(event);
        return;
      case "task-begun":
      case "task-retries":
      case "task-ended":
        this.#applyToTask(event);
        return;
      case "asked":
        this.#ask(event.ask, event.by, event.at);
        return;
      case "rollback-begun":
        this.#beginRollback(event.reason);
        return;
      case "run-ended":
        this.#state = "over";
        this.#outcome = event.outcome;
        this.#reason = event.reason;
        this.#endedAt = event.at;
        this.#waitNoMore();
        return;
      default:
        event satisfies never;
    }
  }

  #applyToTask(
    event: Extract<RunEvent, { kind: "task-begun" | "task-retries" | "task-ended" }>,
  ): void {
    const { stage, line, step } = positionOf(event.task);
    const { run } = this.#stageAt(stage);
    if (event.kind === "task-begun") {
      run.begin(line - 1, step - 1, event.attempt, event.at);
      this.#underWay.add(event.task);
      return;
    }
    this.#underWay.delete(event.task);
    const { reason, lastLines } = event;
    const ended = {
      endedAt: event.at,
      ...(reason === undefined ? {} : { reason }),
      ...(lastLines === undefined ? {} : { lastLines }),
    };
    if (event.kind === "task-ended") {
      const { drones } = event;
      run.end(line - 1, step - 1, event.outcome, { ...ended, ...(drones && { drones }) });
    } else run.retryLater(line - 1, step - 1, { ...ended, nextAt: event.nextAt });
  }

  #beginStage(progress: StageProgress, at: number): void {
    progress.state = "running";
    progress.beganAt ??= at;
    progress.run.open(at);
    delete progress.endedAt;
    delete progress.reason;
  }

  #endStage(event: Extract<RunEvent, { kind: "stage-ended" }>): void {
    const progress = this.#stageAt(event.stage);
    const isWithinBudget = progress.state === "running" && !progress.run.isBroken;
    progress.state = event.outcome;
    progress.endedAt = event.at;
    if (event.reason !== undefined) progress.reason = event.reason;
    this.#formerEndedAt = event.at;
    if (event.outcome === "failed" && !isWithinBudget) {
      this.#ending ??= this.#endingAfter(progress);
    }
    if (event.outcome === "stopped") return;
    if (!this.#ending) this.#turnTo(this.#current + 1);
  }

  #endingAfter({ run, reason = "it failed" }: StageProgress): Ending | undefined {
    const { name, onFailure } = run.stage;
    const why = `stage ${name} failed: ${reason}`;
    if (run.unknown) return { outcome: "failed", undo: false, reason: unknownReason(run) };
    if (this.#rollback !== undefined) {
      if (onFailure === "continue") return undefined;
      const both = `${this.#rollback}; its rollback failed: ${why}`;
      return { outcome: "failed", undo: false, reason: both };
    }
    if (onFailure === "continue") return undefined;
    return { outcome: "failed", undo: onFailure === "rollback", reason: why };
  }

  /** To the next stage of which something is left. */
  #turnTo(index: number): void {
    this.#opening = openingStart;
    this.#current = index;
    while (this.current?.state === "done") this.#current += 1;
  }

  /** What waited has never begun. */
  #waitNoMore(): void {
    if (this.current?.state === "waiting") this.current.state = "ahead";
  }

  #beginRollback(reason: string): void {
    this.#waitNoMore();
    const stages = rollbackStages(
      this.plan,
      this.#stages.map(({ run }) => run),
    );
    this.#rollback = reason;
    this.#ending = undefined;
    this.#stopping = undefined;
    this.#isPaused = false;
    for (const [index, stage] of stages.entries()) {
      this.#stages.push(progressOf(stage, this.plan.stages.length + index + 1));
    }
    this.#turnTo(this.plan.stages.length);
  }

  #ask(ask: RunAsk, by: string, at: number): void {
    switch (ask.kind) {
      case "pause":
        this.#isPaused = true;
        return;
      case "resume":
        this.#isPaused = false;
        return;
      case "stop": {
        if (this.#state === "over") return this.#takeBack(by);
        const former = this.#stopping;
        const undo = ask.undo || (former?.undo ?? false);
        this.#stopping = { by: former?.by ?? by, undo, now: ask.now ?? former?.now ?? false };
        if (this.#state === "queued") this.#state = "going";
        return;
      }
      case "skip-wait":
        if (this.current?.state === "running") this.current.run.skipDelay();
        this.#opening = { ...this.#opening, skippedBy: by };
        return;
      case "approve":
        this.#opening = { ...this.#opening, approvedBy: by };
        return;
      case "retry":
        this.#tryAgain(at);
        return;
      default:
        ask satisfies never;
    }
  }

  /** A run that is over, and that nobody has put back. */
  #takeBack(by: string): void {
    const why = this.#reason === undefined ? "" : `${this.#reason}; `;
    const outcome = this.#outcome === "stopped" ? "stopped" : "failed";
    this.#goOn();
    this.#ending = { outcome, undo: true, reason: `${why}taken back by ${by}` };
  }

  /** From where it ended. */
  #goOn(): void {
    this.#state = "going";
    this.#outcome = undefined;
    this.#reason = undefined;
    this.#endedAt = undefined;
    this.#ending = undefined;
    this.#stopping = undefined;
    this.#isPaused = false;
  }

  #tryAgain(at: number): void {
    if (this.#state !== "over") {
      this.current?.run.tryAgain(at);
      return;
    }
    const { current } = this;
    const { skippedBy } = this.#opening;
    this.#goOn();
    const part = this.part;
    for (const progress of part) {
      if (progress.state === "ahead" || !isLacking(progress)) continue;
      progress.run.tryAgain(at);
      progress.state = "ahead";
    }
    this.#turnTo(this.#stages.length - part.length);
    this.#waitOn(part);
    const isSame = this.current === current && skippedBy !== undefined;
    if (isSame) this.#opening = { ...openingStart, skippedBy };
  }

  /** The delay of a stage that never began counts from where it did; its gates are gone through anew. */
  #waitOn(part: readonly StageProgress[]): void {
    const before = part.filter(({ run, endedAt }) => {
      return endedAt !== undefined && run.number < (this.current?.run.number ?? 0);
    });
    this.#formerEndedAt = Math.max(0, ...before.map(({ endedAt = 0 }) => endedAt));
  }

  #stageAt(number: number): StageProgress {
    const progress = this.#stages[number - 1];
    assert(progress, `the plan ${this.plan.name} has a stage ${number}`);
    return progress;
  }
}

/** Something of it has not been done that should have been. */
export function isLacking({ state, run }: StageProgress): boolean {
  return state !== "done" || run.linesFailed > 0;
}

function progressOf(stage: Stage, number: number): StageProgress {
  return { run: new StageRun(stage, number), state: "ahead" };
}
