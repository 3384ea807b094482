/**
 * Carries plans out: all runs of a journal, each by a `LiveRun`. Runs that need the same lock go one after the
 * other; a run whose engine died goes on where its journal ends.
 *
 *     start --> create in the journal --> locks free? --run-begun--> on its way --run-ended--> concluded
 *                                            '--run-queued--> waits behind ----^                  |
 *     open: reads what is not concluded, goes on with it             retry, undo: goes on again <-'
 */
import { PropagitError } from "@propagit/protocol";
import { refusalOf } from "./core/asks.js";
import { runsToRemove } from "./core/kept-runs.js";
import { lockWait, type LockWait } from "./core/locks.js";
import { Run } from "./core/run.js";
import {
  statusOf,
  summaryOf,
  unreadableRun,
  type RunStatus,
  type RunSummary,
  type StatusWish,
} from "./core/run-status.js";
import { LiveRun, type RunListener } from "./live-run.js";
import type { Plan } from "./plan.js";
import { freshRunId } from "./run-id.js";
import type { RunAsk, RunEvent } from "./run-event.js";
import type { PlanWorld } from "./world.js";

export interface EngineOptions {
  /** Runs that are over and kept, the newest ones, and as many of one task; older ones are removed. */
  readonly runsKept?: number;
  /** Events written together; only tests want fewer than there are. */
  readonly batchEventsMax?: number;
}

export interface StartOptions {
  /** Who wants it, for the log. */
  readonly by: string;
  /** What no other run may work on at the same time, such as `webapp/production`; it waits for its turn. */
  readonly locks?: readonly string[];
  /** Default: made by chance. */
  readonly id?: string;
}

/** Who listens to a run, until it is over or they stop. */
export interface Following {
  stop(): void;
}

/** A guess: months of a busy cluster. */
const runsKeptDefault = 200;
/** On their way at the same time; a guess, far above what people can follow. */
const runsMax = 1_000;

export class PlanEngine {
  readonly #world: PlanWorld;
  readonly #options: EngineOptions;
  /** In the order in which they were asked for. */
  readonly #live = new Map<string, LiveRun>();
  /** Of runs that are not on their way here, oldest first. */
  readonly #summaries = new Map<string, RunSummary>();
  readonly #overWaiters = new Map<string, ((summary: RunSummary) => void)[]>();
  #turn: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(world: PlanWorld, options: EngineOptions) {
    this.#world = world;
    this.#options = options;
  }

  /**
   * Goes on with all runs of the journal that are not over. One that cannot be read is said and left alone.
   *
   * @throws DATA_UNUSABLE when the journal cannot be listed
   */
  static async open(world: PlanWorld, options: EngineOptions = {}): Promise<PlanEngine> {
    const engine = new PlanEngine(world, options);
    const resumed: LiveRun[] = [];
    for (const { run, summary } of [...(await world.journal.list())].reverse()) {
      if (summary) engine.#summaries.set(run, summary);
      else resumed.push(...(await engine.#read(run)));
    }
    // Those that wait for locks come after those that hold them, in the order in which they began to wait.
    const order = ({ run }: LiveRun) => (run.state === "queued" ? (run.queuedAt ?? 0) : 0);
    resumed.sort((left, right) => order(left) - order(right));
    for (const live of resumed) engine.#live.set(live.id, live);
    for (const live of resumed) live.resume();
    engine.#admit();
    return engine;
  }

  /**
   * Begins a plan, or puts it behind the runs that hold one of its locks. It is on disk when this resolves, and
   * goes on whatever becomes of who asked.
   *
   * @returns the run's id
   * @throws EXISTS when there is a run of that id, OVERLOADED, DATA_UNUSABLE
   * @example
   * async function onceMore(engine: PlanEngine, run: string) {
   *   const plan = await engine.plan(run);
   *   return engine.start(plan, { by: "anna", locks: ["webapp/production"] });
   * }
   */
  async start(
    plan: Plan,
    { by, locks = [], id = freshRunId(this.#world.random) }: StartOptions,
  ): Promise<string> {
    const { journal, clock } = this.#world;
    this.checkRoom();
    await journal.create(id, plan);
    const live = this.#makeLive(id, new Run(plan));
    const waits = this.#waitOf(locks);
    this.#live.set(id, live);
    await live.open({ at: clock.now(), kind: waits ? "run-queued" : "run-begun", by, locks });
    return id;
  }

  /** Whether one more could begin now. @throws OVERLOADED */
  checkRoom(): void {
    if (this.#live.size < runsMax) return;
    throw new PropagitError("OVERLOADED", `${runsMax} plans are on their way already`);
  }

  /**
   * Pauses, stops, approves …: see `RunAsk`. On disk when it resolves.
   *
   * @throws NO_PLAN, NOT_NOW with why it makes no sense now, DENIED when it is not for `by` to approve,
   *   DATA_IN_USE when another process carries it out, DATA_UNUSABLE when it cannot be written
   */
  async ask(id: string, ask: RunAsk, by: string): Promise<void> {
    const live = this.#live.get(id);
    if (!live) return this.#inTurn(() => this.#askAgain(id, ask, by));
    const { suspended } = live.sight;
    if (suspended) {
      const why = `plan ${id} cannot be written to its journal: ${suspended.why}`;
      throw new PropagitError("DATA_UNUSABLE", why);
    }
    this.#refuse(live.run, id, ask, by);
    await live.ask(ask, by);
  }

  /** Newest first. */
  list(): readonly RunSummary[] {
    const live = [...this.#live.values()].map(({ id, run }) => summaryOf(id, run));
    return [...this.#summaries.values(), ...live].reverse();
  }

  /**
   * The id that begins like that.
   *
   * @throws NO_PLAN, AMBIGUOUS with those that do
   */
  find(prefix: string): string {
    const ids = this.list().map(({ run }) => run);
    const fitting = ids.filter((id) => id.startsWith(prefix));
    const [id, ...others] = ids.includes(prefix) ? [prefix] : fitting;
    if (id === undefined) throw noPlan(prefix);
    if (others.length === 0) return id;
    throw new PropagitError("AMBIGUOUS", `${prefix} fits the plans ${fitting.join(", ")}`, {
      hint: "write more characters of it: propagit plans",
    });
  }

  /** @throws NO_PLAN, DATA_UNUSABLE */
  async status(id: string, wish: StatusWish = {}): Promise<RunStatus> {
    const live = this.#live.get(id);
    if (!live) {
      const { plan, events } = await this.#world.journal.read(id);
      return statusOf(id, new Run(plan, events), wish);
    }
    const waitsFor = live.run.state === "queued" ? this.#waitOf(live.run.locks, id) : undefined;
    const sight = waitsFor === undefined ? live.sight : { ...live.sight, waitsFor };
    return statusOf(id, live.run, wish, sight);
  }

  /** @throws NO_PLAN, DATA_UNUSABLE */
  async plan(id: string): Promise<Plan> {
    return this.#live.get(id)?.run.plan ?? (await this.#world.journal.read(id)).plan;
  }

  /**
   * Tells all events of a run from number `from` on, in order, each once: those that are on disk, then each as
   * soon as it is. Resolves when the former have been told.
   *
   * @throws NO_PLAN, DATA_UNUSABLE
   */
  async follow(id: string, listener: RunListener, from = 0): Promise<Following> {
    const live = this.#live.get(id);
    const early: [RunEvent, number][] = [];
    let tell: RunListener = (event, index) => void early.push([event, index]);
    const known = live?.written;
    const stop = live?.listen((event, index) => tell(event, index));
    let isStopped = false;
    const following: Following = {
      stop: () => {
        isStopped = true;
        stop?.();
      },
    };
    const events = from < (known ?? Infinity) ? await this.#eventsOf(id, following) : [];
    const told = (event: RunEvent, index: number) => {
      if (!isStopped && index >= from) listener(event, index);
    };
    for (const [index, event] of events.slice(0, known).entries()) told(event, index);
    for (const [event, index] of early) told(event, index);
    tell = told;
    return following;
  }

  /**
   * Resolves when the run is over; at once when it is, cannot be read, or is carried out by another process.
   *
   * @throws NO_PLAN
   */
  async over(id: string): Promise<RunSummary> {
    const summary = this.#summaries.get(id);
    if (summary) return summary;
    if (!this.#live.has(id)) throw noPlan(id);
    return new Promise((resolve) => {
      this.#overWaiters.set(id, [...(this.#overWaiters.get(id) ?? []), resolve]);
    });
  }

  /** Begins nothing more and leaves every run as its journal says; the next engine goes on from there. */
  close(): void {
    this.#isClosed = true;
    for (const live of this.#live.values()) live.close();
  }

  /** Nobody is told of what follows when what was cannot be read. */
  async #eventsOf(id: string, following: Following): Promise<readonly RunEvent[]> {
    try {
      return (await this.#world.journal.read(id)).events;
    } catch (thrown) {
      following.stop();
      throw thrown;
    }
  }

  /** A run that the journal does not call over. */
  async #read(id: string): Promise<readonly LiveRun[]> {
    const { journal, log } = this.#world;
    try {
      const isOurs = await journal.take(id);
      const { plan, events } = await journal.read(id);
      const run = new Run(plan, events);
      if (isOurs && run.state !== "over" && run.state !== "new") return [this.#makeLive(id, run)];
      this.#summaries.set(id, summaryOf(id, run));
      if (isOurs) await this.#tidy(id, run);
    } catch (thrown) {
      const reason = textOf(thrown);
      log.warn(`plan ${id} cannot be gone on with: ${reason}`);
      this.#summaries.set(id, unreadableRun(id, reason));
    }
    return [];
  }

  /** What a former life did not come to: a run that was over, or that nobody was told had begun. */
  async #tidy(id: string, run: Run): Promise<void> {
    try {
      if (run.state === "over") return await this.#conclude(id, summaryOf(id, run));
      await this.#world.journal.remove(id);
      this.#summaries.delete(id);
    } catch (thrown) {
      this.#world.log.warn(`the end of plan ${id} cannot be noted: ${textOf(thrown)}`);
    }
  }

  #makeLive(id: string, run: Run): LiveRun {
    const { batchEventsMax } = this.#options;
    return new LiveRun({
      world: this.#world,
      id,
      run,
      onOver: () => void this.#over(id, summaryOf(id, run)),
      ...(batchEventsMax === undefined ? {} : { batchEventsMax }),
    });
  }

  /** Of a run that is over a retry can be asked, or to take it back; it needs its locks again. */
  async #askAgain(id: string, ask: RunAsk, by: string): Promise<void> {
    const { journal } = this.#world;
    // Somebody else may have asked the same before.
    if (this.#live.has(id)) return this.ask(id, ask, by);
    const { plan, events } = await journal.read(id);
    const run = new Run(plan, events);
    this.#refuse(run, id, ask, by);
    const waits = this.#waitOf(run.locks);
    if (waits) {
      const why = `${waits.lock} is taken by plan ${waits.behind}; ask again when that is over`;
      throw notNow(id, ask, why);
    }
    if (!(await journal.take(id))) {
      throw new PropagitError("DATA_IN_USE", `plan ${id} is carried out by another process`);
    }
    await journal.conclude(id, undefined);
    this.#summaries.delete(id);
    const live = this.#makeLive(id, run);
    this.#live.set(id, live);
    await live.ask(ask, by);
  }

  #refuse(run: Run, id: string, ask: RunAsk, by: string): void {
    const refusal = refusalOf(run, ask, by);
    if (refusal?.kind === "not-now") throw notNow(id, ask, refusal.why);
    if (!refusal) return;
    throw new PropagitError("DENIED", `plan ${id} cannot be approved: ${refusal.why}`, {
      hint: `ask one of them to; what it waits for is seen with: propagit plans status ${id}`,
    });
  }

  /** What a run with these locks waits for: those that are on their way, and those that came before it. */
  #waitOf(locks: readonly string[], id?: string): LockWait | undefined {
    const before: { run: string; locks: readonly string[] }[] = [];
    for (const { id: other, run } of this.#live.values()) {
      if (other === id) break;
      before.push({ run: other, locks: run.locks });
    }
    return locks.length === 0 ? undefined : lockWait(locks, before);
  }

  /** Runs whose turn has come. */
  #admit(): void {
    for (const { id, run } of this.#live.values()) {
      if (run.state !== "queued" || this.#waitOf(run.locks, id)) continue;
      this.#live.get(id)?.begin();
    }
  }

  async #over(id: string, summary: RunSummary): Promise<void> {
    if (this.#isClosed) return;
    this.#live.get(id)?.close();
    this.#live.delete(id);
    this.#summaries.set(id, summary);
    for (const resolve of this.#overWaiters.get(id) ?? []) resolve(summary);
    this.#overWaiters.delete(id);
    this.#admit();
    try {
      await this.#inTurn(async () => {
        if (this.#live.has(id)) return;
        await this.#conclude(id, summary);
        await this.#removeOld();
      });
    } catch (thrown) {
      // It is read again at the next start, and concluded then.
      this.#world.log.warn(`the end of plan ${id} cannot be noted: ${textOf(thrown)}`);
    }
  }

  async #conclude(id: string, summary: RunSummary): Promise<void> {
    this.#summaries.set(id, summary);
    const { journal } = this.#world;
    await journal.conclude(id, summary);
    await journal.release(id);
  }

  /** A run ends, and goes on again, in one order only. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async #removeOld(): Promise<void> {
    const { runsKept = runsKeptDefault } = this.#options;
    const over = [...this.#summaries.values()].filter(({ state }) => state === "over");
    for (const run of runsToRemove(over, runsKept)) {
      this.#summaries.delete(run);
      await this.#world.journal.remove(run);
    }
  }
}

function notNow(id: string, ask: RunAsk, why: string): PropagitError {
  return new PropagitError("NOT_NOW", `plan ${id} cannot be asked to ${ask.kind}: ${why}`, {
    hint: `see where it stands: propagit plans status ${id}`,
  });
}

function noPlan(id: string): PropagitError {
  return new PropagitError("NO_PLAN", `there is no plan ${id}`);
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
