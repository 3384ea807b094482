/**
 * A run on its way: feeds `Run` with what happens, has it written, and does what follows once it is on disk.
 *
 *     task ends, answers, asks, time --> Run --events--> RunWriter --on disk--> tasks are begun, listeners told
 *
 * What is in memory may be ahead of the disk; what is done outside never is, unless whoever does it remembers it
 * himself (`Executor.remembers`).
 */
import { toPropagitError } from "@propagit/protocol";
import type { Timer } from "@propagit/runtime";
import { Attempt } from "./attempt.js";
import { gateWaitedFor } from "./core/opening.js";
import type { Run } from "./core/run.js";
import type { StatusSight } from "./core/run-status.js";
import { eventOfEnd } from "./core/task-end.js";
import { GateWatch } from "./gate-watch.js";
import type { Gate, GateProbe, TaskId } from "./plan.js";
import type { RunAsk, RunEvent } from "./run-event.js";
import { RunWriter } from "./run-writer.js";
import type { PlanWorld, TaskEnd, TaskOrder } from "./world.js";

/** The machine's clock may be set meanwhile, so waits that are longer are looked at again. */
const lookMsMax = 60_000;

export type RunListener = (event: RunEvent, index: number) => void;

export interface LiveRunOptions {
  readonly world: PlanWorld;
  readonly id: string;
  readonly run: Run;
  /** Its end is on disk. */
  readonly onOver: () => void;
  readonly batchEventsMax?: number;
}

export class LiveRun {
  readonly id: string;
  readonly run: Run;
  readonly #world: PlanWorld;
  readonly #onOver: () => void;
  readonly #writer: RunWriter;
  readonly #attempts = new Map<TaskId, Attempt>();
  readonly #listeners = new Set<RunListener>();
  #gate: { readonly place: string; readonly watch: GateWatch } | undefined;
  #wake: { readonly at: number; readonly timer: Timer } | undefined;
  #isClosed = false;

  constructor({ world, id, run, onOver, batchEventsMax }: LiveRunOptions) {
    this.id = id;
    this.run = run;
    this.#world = world;
    this.#onOver = onOver;
    this.#writer = new RunWriter({
      ...world,
      run: id,
      written: run.eventCount,
      onWritten: (events, first) => this.#follow(events, first),
      ...(batchEventsMax === undefined ? {} : { batchEventsMax }),
    });
  }

  get sight(): StatusSight {
    const { suspended } = this.#writer;
    const gateSeen = this.#gate?.watch.seen;
    return {
      linesOf: (task) => this.#attempts.get(task)?.lastLines,
      dronesOf: (task) => this.#attempts.get(task)?.drones,
      ...(suspended === undefined ? {} : { suspended }),
      ...(gateSeen === undefined ? {} : { gateSeen }),
    };
  }

  /** Events that are on disk, and so may be told. */
  get written(): number {
    return this.#writer.written;
  }

  /** Goes on where the journal ends: what was under way then is asked after. */
  resume(): void {
    for (const task of this.run.underWay) void this.#recall(this.#orderOf(task));
    this.#pump();
  }

  begin(): void {
    const { by, locks } = this.run;
    this.#take({ at: this.#world.clock.now(), kind: "run-begun", by, locks });
    this.#pump();
  }

  /** The first event of a run. On disk when it resolves. */
  async open(event: RunEvent): Promise<void> {
    this.#take(event);
    this.#pump();
    await this.#writer.flushed();
  }

  /** On disk when it resolves; whether it makes sense was looked at before. */
  async ask(ask: RunAsk, by: string): Promise<void> {
    this.#take({ at: this.#world.clock.now(), kind: "asked", ask, by });
    if (ask.kind === "stop" && ask.now) this.#stopAttempts();
    this.#pump();
    await this.#writer.flushed();
  }

  /** Each event once it is on disk, from the one with the number `written` on. */
  listen(listener: RunListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Leaves everything as it is on disk. */
  close(): void {
    this.#isClosed = true;
    this.#wake?.timer.cancel();
    this.#gate?.watch.stop();
    this.#writer.close();
    this.#listeners.clear();
    for (const attempt of this.#attempts.values()) attempt.leave();
  }

  #take(event: RunEvent): void {
    this.run.apply(event);
    this.#writer.add(event);
  }

  /** All that follows now. */
  #pump(): void {
    if (this.#isClosed) return;
    for (const event of this.run.advance(this.#world.clock.now())) {
      this.#writer.add(event);
      if (event.kind !== "task-begun" || !this.#isRemembered(event.task)) continue;
      // Not before the events that follow now are all there.
      queueMicrotask(() => {
        if (!this.#isClosed) void this.#carryOut(this.#orderOf(event.task));
      });
    }
    this.#setWake();
    this.#watchGate();
  }

  #setWake(): void {
    const at = this.run.wakeAt;
    if (at === this.#wake?.at) return;
    this.#wake?.timer.cancel();
    this.#wake = undefined;
    if (at === undefined) return;
    const { clock } = this.#world;
    const timer = clock.after(Math.min(Math.max(0, at - clock.now()), lookMsMax), () => {
      this.#wake = undefined;
      this.#pump();
    });
    this.#wake = { at, timer };
  }

  /** Someone looks at the gate that is waited for, and at no other. */
  #watchGate(): void {
    const { run } = this;
    const view = run.openingView;
    const waits = run.state === "going" && !run.stopping && run.current?.state === "waiting";
    const gate = view && waits ? gateWaitedFor(run.opening, view) : undefined;
    const { gate: number = 0, since = 0 } = run.opening.waiting ?? {};
    const place = gate && isProbe(gate) ? `${view?.number}.${number} since ${since}` : undefined;
    if (place === this.#gate?.place) return;
    this.#gate?.watch.stop();
    this.#gate = undefined;
    if (!view || !gate || !isProbe(gate) || place === undefined) return;
    const { clock, prober } = this.#world;
    const onEnd = (end: "open" | "refused", why: string) => {
      const kind = end === "open" ? "gate-open" : "gate-refused";
      this.#take({ at: clock.now(), kind, stage: view.number, gate: number, why });
      this.#pump();
    };
    const { code } = run.plan;
    const watch = new GateWatch({ clock, prober, gate, ...(code && { code }), since, onEnd });
    this.#gate = { place, watch };
  }

  /** They are on disk: what they say may be told and done. */
  #follow(events: readonly RunEvent[], first: number): void {
    for (const [offset, event] of events.entries()) {
      this.#tell(event, first + offset);
      if (event.kind === "task-begun" && !this.#isRemembered(event.task)) {
        void this.#carryOut(this.#orderOf(event.task));
      }
      if (event.kind === "run-ended" && this.run.eventCount === first + offset + 1) this.#onOver();
    }
  }

  /** Who cannot listen does not hold up the plan. */
  #tell(event: RunEvent, index: number): void {
    for (const listener of this.#listeners) {
      try {
        listener(event, index);
      } catch (thrown) {
        this.#listeners.delete(listener);
        const { message } = toPropagitError(thrown);
        this.#world.log.warn(`plan ${this.id} is no longer told to one who listened: ${message}`);
      }
    }
  }

  /** @param isJoined it is under way already */
  async #carryOut(order: TaskOrder, isJoined = false): Promise<void> {
    const { stopping } = this.run;
    if (stopping?.now && !isJoined) return this.#ended(order, notBegun(stopping.by));
    const attempt = new Attempt(this.#world, order);
    this.#attempts.set(order.task.id, attempt);
    const end = attempt.run();
    if (stopping?.now) attempt.stop(stopReason(stopping.by));
    this.#ended(order, await end);
  }

  /** What became of a task that a former life of the engine began. */
  async #recall(order: TaskOrder): Promise<void> {
    const known = await this.#ask(order);
    if (this.#isClosed) return;
    if (typeof known === "object") return this.#ended(order, known);
    const { stopping } = this.run;
    if (known === "unknown" && order.task.once) {
      const reason = "the engine ended while it was under way, and nobody saw its end";
      return this.#ended(order, { outcome: "unknown", reason });
    }
    if (known === "not-begun" && stopping) return this.#ended(order, notBegun(stopping.by));
    if (known === "unknown" && stopping) {
      const reason = `${stopReason(stopping.by)}; the engine had ended while it was under way, and nobody saw its end`;
      return this.#ended(order, { outcome: "stopped", reason });
    }
    await this.#carryOut(order, known === "begun");
  }

  async #ask(order: TaskOrder): Promise<TaskEnd | "begun" | "not-begun" | "unknown"> {
    try {
      return await this.#world.executor.recall(order);
    } catch (thrown) {
      const { message } = toPropagitError(thrown);
      this.#world.log.warn(`what became of task ${order.key} cannot be learned: ${message}`);
      return "unknown";
    }
  }

  #ended({ task }: TaskOrder, end: TaskEnd): void {
    const ran = this.run.taskRun(task.id);
    if (this.#isClosed || !ran) return;
    this.#attempts.delete(task.id);
    // Who stops without having been told to has failed.
    const isOddStop = end.outcome === "stopped" && !this.run.stopping;
    const whole: TaskEnd = isOddStop ? { ...end, outcome: "failed" } : end;
    this.#take(eventOfEnd(task, ran, whole, this.#world.clock.now()));
    this.#pump();
  }

  #isRemembered(id: TaskId): boolean {
    return this.#world.executor.remembers?.(this.run.task(id)) ?? false;
  }

  #stopAttempts(): void {
    const reason = stopReason(this.run.stopping?.by ?? "");
    for (const attempt of this.#attempts.values()) attempt.stop(reason);
  }

  #orderOf(id: TaskId): TaskOrder {
    const attempt = this.run.taskRun(id)?.attempt ?? 1;
    const { code, secrets } = this.run.plan;
    const key = `${this.id}/${id}/${attempt}`;
    return {
      run: this.id,
      task: this.run.task(id),
      attempt,
      ...(code && { code }),
      ...(secrets && { secrets }),
      key,
    };
  }
}

function isProbe(gate: Gate): gate is GateProbe {
  return gate.kind !== "approval" && gate.kind !== "window";
}

function stopReason(by: string): string {
  return `stopped by ${by}`;
}

function notBegun(by: string): TaskEnd {
  return { outcome: "stopped", reason: `${stopReason(by)} before anything of it was done` };
}
