/**
 * `hub.plan-*`: plans that the hub carries out, from its own store, whoever goes away meanwhile.
 *
 *     hub.plan-start --> checked here again (`plan-check.ts`) --> PlanEngine --> tasks --> drones | this machine | hosts
 *     hub.plan-follow <-- events, once they are on disk <--'
 */
import { PropagitError, sendPieces, type Params, type Result } from "@propagit/protocol";
import {
  endOfCommand,
  followRun,
  HostExecutor,
  PlanEngine,
  planHash,
  storeJournal,
  toldSummary,
  writePlan,
  type Executor,
  type Means,
  type Plan,
  type RunAsk,
  type RunSummary,
  type StartOptions,
} from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";
import type { Assignments } from "./assignments.js";
import { askedText, beganText } from "./core/plan-texts.js";
import { fitted } from "./core/plan-sight.js";
import type { NewEvent } from "./core/rows.js";
import { sendText } from "./core/text-pieces.js";
import type { TrafficCounts } from "./core/traffic-counts.js";
import type { Fleet } from "./fleet.js";
import { HoldDesk } from "./hold-desk.js";
import type { Ledger } from "./ledger.js";
import type { OwnTasks } from "./own-tasks.js";
import { isOnDrone, PlanDrones, type DroneOrder } from "./plan-drones.js";
import { balancedHere, PlanBalancer } from "./plan-balancer.js";
import type { PlanBegin } from "./plan-begin.js";
import type { PlanCheck } from "./plan-check.js";
import { PlanEnds } from "./plan-ends.js";
import type { PlanMeans } from "./plan-means.js";
import { PlanProber } from "./plan-prober.js";
import { PlanSecrets } from "./plan-secrets.js";
import type { Rollouts } from "./rollouts.js";
import type { HubWorld } from "./world.js";

export interface PlanDeskParts {
  readonly world: HubWorld;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly rollouts: Pick<Rollouts, "isRun" | "held">;
  readonly means: PlanMeans;
  readonly counts: Pick<TrafficCounts, "flowOf">;
  readonly assignments: Pick<Assignments, "counts">;
  /** Tasks on drones that the hub carries out for them. */
  readonly own?: OwnTasks;
  /** Carries out plans that were made of a change. */
  readonly changes: Pick<PlanBegin, "begin">;
  /** Says what can be begun. */
  readonly checks: Pick<PlanCheck, "read" | "check">;
  /** How the end of a plan is told in the log of events, when not as of any. */
  readonly eventOf?: (summary: RunSummary) => Promise<NewEvent | undefined>;
}

/** Of one stage, when all its tasks are wanted. */
const tasksMax = 1_000;

export class PlanDesk {
  readonly #parts: PlanDeskParts;
  readonly #here: HostExecutor;
  readonly #drones: PlanDrones;
  readonly #ends: PlanEnds;
  readonly #secrets: PlanSecrets;
  /** Runs whose ends are not in the log of events yet. */
  readonly #noting = new Map<string, Promise<void>>();
  #engine: PlanEngine | undefined;

  constructor(parts: PlanDeskParts) {
    const { world, ledger, fleet, means, rollouts } = parts;
    const { clock } = world;
    const holds = new HoldDesk(world, ledger, fleet, rollouts);
    this.#parts = parts;
    const { eventOf = () => Promise.resolve(undefined) } = parts;
    this.#ends = new PlanEnds({ ledger, log: world.log, eventOf });
    this.#secrets = new PlanSecrets({ world, ledger, commands: means.commands });
    const { crypto } = world;
    const secretsOf = (order: DroneOrder) => this.#secrets.of(order);
    this.#drones = new PlanDrones({ clock, fleet, crypto, secretsOf });
    const hubMeans: Means = {
      secret: () => Promise.resolve(undefined),
      readFile: (path) => Promise.reject(noFile(path)),
      balancer: new PlanBalancer({ clock, fleet, holds }),
    };
    this.#here = new HostExecutor({
      commands: means.commands,
      clock,
      ...(means.project && { project: means.project }),
      means: hubMeans,
      meansOf: (order) => ({
        ...hubMeans,
        secret: (name) => Promise.resolve(this.#secrets.of(order).get(name)),
      }),
      hostFor: (where) => {
        if (where.kind !== "drone") return means.hostFor(where);
        throw new PropagitError("INTERNAL", "a drone is no host of the hub");
      },
    });
  }

  /** Goes on with what an earlier life began. @throws DATA_UNUSABLE */
  async open(): Promise<PlanEngine> {
    const { world } = this.#parts;
    const { clock, random, log, store } = world;
    const prober = new PlanProber({
      ...this.#parts,
      clock,
      random,
      drones: this.#drones,
      here: this.#here,
    });
    const journal = storeJournal(store);
    const executor = this.#executor();
    const engine = await PlanEngine.open({ clock, random, log, journal, executor, prober });
    this.#engine = engine;
    const all = engine.list();
    const { rollouts } = this.#parts;
    // What becomes of a release is told as such.
    await this.#ends.note(
      all.filter(({ run }) => !rollouts.isRun(run)),
      all,
    );
    for (const { run, state } of all) {
      if (state !== "over" && state !== "unreadable") this.#noteEnd(engine, run);
    }
    return engine;
  }

  /** Plans go on when the hub is opened again. */
  async stop(): Promise<void> {
    this.#engine?.close();
    await this.#here.end();
    await this.#parts.means.close();
  }

  /** All that it carries out or did. @throws UNREACHABLE while they are read */
  get runs(): Pick<PlanEngine, "list" | "plan" | "find" | "follow" | "over" | "checkRoom"> {
    return this.#open;
  }

  /**
   * Carries out a plan of which whoever asked for it waits for the end, so that the log of events only has what it
   * does. In the next life of the hub nobody waits any more, and its end is there as that of any.
   *
   * @throws OVERLOADED, DATA_UNUSABLE
   */
  async carryOut(
    plan: Plan,
    { by, id }: { readonly by: string; readonly id: string },
  ): Promise<RunSummary> {
    const engine = this.#open;
    await engine.start(plan, { by, id });
    const summary = await engine.over(id);
    void this.#ends.know(summary, engine.list());
    return summary;
  }

  /**
   * Begins a plan that may be; its end is going to be in the log of events.
   *
   * @throws EXISTS, OVERLOADED, and what its tasks lack
   */
  async begin(plan: Plan, asked: StartOptions): Promise<string> {
    const engine = this.#open;
    const letGo = await this.#parts.own?.accept(plan);
    const run = await engine.start(plan, asked).finally(letGo);
    this.#noteEnd(engine, run);
    return run;
  }

  /** When the end of a run that is over is in the log of events. */
  async noted(run: string): Promise<void> {
    await this.#noting.get(run);
  }

  readonly handlers: Handlers = {
    "hub.plan-start": (params) => this.#start(params),
    "hub.plan-check": (params) => this.#parts.checks.check(params),
    "hub.plans": (_, call) => {
      const plans = this.#open.list().map(toldSummary);
      return { plans: sendPieces(plans, call.part) };
    },
    "hub.plan-status": (params, call) => this.#status(params, call),
    "hub.plan-follow": (params, call) => this.#follow(params, call),
    "hub.plan-ask": (params) => this.#ask(params),
    "hub.plan-text": (params, call) => this.#text(params, call),
  };

  async #start(params: Params<"hub.plan-start">): Promise<Result<"hub.plan-start">> {
    const { file, by, locks, id, hash: wanted } = params;
    const { changes, checks } = this.#parts;
    if (id !== undefined && wanted !== undefined && (await this.#isBegun(id, wanted))) {
      return { id, hash: wanted };
    }
    const plan = await checks.read(params);
    const hash = planHash(plan);
    const begun = await changes.begin(plan, { by, file, ...(id !== undefined && { id }) });
    if (begun !== undefined) return { id: begun, hash };
    const asked = { by, ...(locks && { locks }), ...(id !== undefined && { id }) };
    const run = await this.begin(plan, asked);
    this.#note("plan-began", by, beganText(plan, run, by));
    return { id: run, hash };
  }

  /**
   * Whether somebody asks once more, as the answer was lost: what the plan did since is no reason to refuse it.
   *
   * @throws EXISTS when it is the id of another plan
   */
  async #isBegun(id: string, hash: string): Promise<boolean> {
    const engine = this.#open;
    if (!engine.list().some(({ run }) => run === id)) return this.#parts.rollouts.isRun(id);
    if (planHash(await engine.plan(id)) === hash) return true;
    throw new PropagitError("EXISTS", `there is another plan with the id ${id} already`);
  }

  async #status(
    { id, tasks = "notable" }: Params<"hub.plan-status">,
    { part }: IncomingCall<"hub.plan-status">,
  ): Promise<Result<"hub.plan-status">> {
    const engine = this.#open;
    const wish = tasks === "all" ? { tasks, tasksMax } : { tasks };
    const { stages, ...standing } = await engine.status(engine.find(id), wish);
    const told = stages.map(fitted);
    return { plan: toldSummary(standing), stages: sendPieces(told, part) };
  }

  async #follow(
    { id, from }: Params<"hub.plan-follow">,
    { part, signal }: IncomingCall<"hub.plan-follow">,
  ): Promise<Result<"hub.plan-follow">> {
    const engine = this.#open;
    return followRun(engine, engine.find(id), { from, part, signal, what: "plan" });
  }

  async #ask({ id, ask, by }: Params<"hub.plan-ask">): Promise<Result<"hub.plan-ask">> {
    const engine = this.#open;
    const run = engine.find(id);
    const before = engine.list().find((summary) => summary.run === run);
    await engine.ask(run, this.#whole(run, ask), by);
    this.#note("plan-asked", by, askedText(before, run, ask, by));
    // A retry, or a stop that puts back what was done: it is on its way again.
    if (before?.state === "over") this.#noteEnd(engine, run);
    return { id: run };
  }

  async #text(
    { id }: Params<"hub.plan-text">,
    { part }: IncomingCall<"hub.plan-text">,
  ): Promise<Result<"hub.plan-text">> {
    const engine = this.#open;
    const run = engine.find(id);
    const plan = await engine.plan(run);
    const text = sendText(JSON.stringify(writePlan(plan, this.#parts.means.commands)), part);
    return { id: run, hash: planHash(plan), text };
  }

  /** A release that is stopped is put back: nothing of it stays by half. */
  #whole(run: string, ask: RunAsk): RunAsk {
    const isPutBack = ask.kind === "stop" && this.#parts.rollouts.isRun(run);
    return isPutBack ? { ...ask, undo: true } : ask;
  }

  #executor(): Executor {
    return {
      run: async (asked, call) => {
        const task = balancedHere(asked.task);
        const order = { ...asked, task };
        const own = this.#parts.own?.of(task.command);
        if (own) return own.run(order, call);
        if (isOnDrone(task)) return endOfCommand(await this.#drones.run({ ...order, task }, call));
        return this.#secrets.hidden(order, call, (quiet) => this.#here.run(order, quiet));
      },
      recall: (order) => {
        const { key } = order;
        const task = balancedHere(order.task);
        const own = this.#parts.own?.of(task.command);
        if (own) return own.recall(order);
        return isOnDrone(task) ? this.#drones.recall({ key, task }) : this.#here.recall();
      },
      remembers: (task) => this.#parts.own?.of(task.command)?.remembers?.(task) ?? false,
      outlives: (task) => this.#parts.own?.of(task.command)?.outlives?.(task) ?? false,
    };
  }

  get #open(): PlanEngine {
    if (this.#engine) return this.#engine;
    throw new PropagitError("UNREACHABLE", "the hub is still reading its plans; ask again");
  }

  /** Once it is over. */
  #noteEnd(engine: PlanEngine, run: string): void {
    if (this.#parts.rollouts.isRun(run)) return;
    const noting = engine
      .over(run)
      .then((summary) => this.#ends.note([summary], engine.list()))
      .finally(() => {
        if (this.#noting.get(run) === noting) this.#noting.delete(run);
      });
    this.#noting.set(run, noting);
  }

  #note(kind: "plan-began" | "plan-asked", by: string, text: string): void {
    this.#parts.ledger.note({ kind, by, text: text.slice(0, 2_000) });
  }
}

function noFile(path: string): PropagitError {
  return new PropagitError("TASK_REFUSED", `the hub gives plans no files of its own: ${path}`, {
    hint: "bring files to drones first: propagit files push",
  });
}
