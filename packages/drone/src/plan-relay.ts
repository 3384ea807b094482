/**
 * A relay carries its part of a plan out: an engine of its own, on a journal in its data folder.
 *
 *     hub --drone.delegate--> on disk --> PlanEngine --> this machine
 *         <-drone.delegate-follow- events      '-------> drones, on the lines that they keep to it (errands)
 *
 * From then on nobody needs the hub: the part goes on while the line to it is cut, also when the relay is killed and
 * started again. What happened is told by number when the line is back, and what was asked meanwhile is heard then.
 */
import {
  PropagitError,
  toPropagitError,
  type DelegationWish,
  type DroneCommandEnd,
  type Params,
  type PlanEvent,
  type PlanSummary,
} from "@propagit/protocol";
import {
  partOf,
  PlanEngine,
  planHash,
  readPlan,
  type Commands,
  type Executor,
  type Journal,
  type RunSummary,
  type TaskCall,
  type TaskEnd,
  type TaskOrder,
} from "@propagit/plan";
import { aborted, type Conversation, type Handlers, type IncomingCall } from "@propagit/runtime";
import { wishedOf } from "./core/plan-wish.js";
import type { DroneContext, DronePart } from "./drone-part.js";
import type { CarriedPart, ErrandCall } from "./plan-errands.js";
import type { PlanTasks } from "./plan-tasks.js";

export interface PlanRelayParts {
  /** Of this relay's own parts. */
  readonly journal: Journal;
  readonly commands: Commands;
  readonly tasks: Pick<PlanTasks, "run">;
  readonly wishes: WishStore;
}

/** What the hub wanted of each part when it was heard last, across lives of the relay. */
export interface WishStore {
  read(run: string): Promise<DelegationWish | undefined>;
  /** On disk when it resolves. @throws DATA_UNUSABLE */
  write(run: string, wish: DelegationWish): Promise<void>;
}

/** A drone whose line to the relay was cut is back by then, or away: the task is tried again later. */
const lineMsMax = 30_000;
/** Events of one part of an answer. */
const eventsAtOnce = 500;
/** Parts that are over and kept for a hub that has not heard of their end. */
const runsKept = 100;

export class PlanRelay implements DronePart {
  readonly handlers: Handlers;
  readonly #context: DroneContext;
  readonly #parts: PlanRelayParts;
  readonly #engine: Promise<PlanEngine>;
  /** Lines of drones, by their names. */
  readonly #lines = new Map<string, Conversation>();
  readonly #waiting = new Set<() => void>();

  constructor(context: DroneContext, parts: PlanRelayParts) {
    this.#context = context;
    this.#parts = parts;
    this.#engine = this.#open();
    this.#engine.catch(() => undefined);
    this.handlers = {
      "drone.delegate": (params) => this.#take(params),
      "drone.delegate-follow": (params, call) => this.#follow(params, call),
      "drone.delegate-wish": (params) => this.#wish(params),
    };
  }

  /** Of lines that drones keep to this relay. */
  readonly lineHandlers: Handlers = {
    "relay.errands": ({ drone }, { conversation }) => {
      this.#lines.set(drone, conversation);
      for (const look of this.#waiting) look();
      void this.#untilOver(drone, conversation);
      return {};
    },
  };

  readonly stop = async (): Promise<void> => {
    await this.#engine.then(
      (engine) => engine.close(),
      () => undefined,
    );
    for (const line of this.#lines.values()) {
      line.end(new PropagitError("LINK_LOST", "the relay ends"));
    }
    await this.#parts.journal.close();
  };

  /** A part that another relay asked for: carried out to its end. */
  readonly carryPart = async (part: CarriedPart, call: ErrandCall): Promise<DroneCommandEnd> => {
    const { commands } = this.#parts;
    const { parent, task, by } = part;
    const where = { kind: "drone", drone: this.#context.name() } as const;
    const args = JSON.parse(part.args) as Record<string, unknown>;
    const { run, plan } = partOf(parent, { id: task, where, args }, commands);
    const engine = await this.#engine;
    await begun(engine.start(plan, { by, id: run }));
    call.onOutput(`carries out ${plan.name} as ${run}`);
    const summary = await Promise.race([engine.over(run), aborted(call.signal)]);
    if (summary) return endOfPart(summary);
    throw new PropagitError("LINK_LOST", "who asked has gone; the part goes on");
  };

  async #untilOver(drone: string, line: Conversation): Promise<void> {
    await line.over;
    if (this.#lines.get(drone) === line) this.#lines.delete(drone);
  }

  async #open(): Promise<PlanEngine> {
    const { clock, random, log } = this.#context.world;
    const { journal } = this.#parts;
    const prober = {
      look: () => Promise.resolve({ state: "refused" as const, why: "a relay looks at no gates" }),
    };
    const executor = this.#executor();
    try {
      const world = { clock, random, log, journal, executor, prober };
      return await PlanEngine.open(world, { runsKept });
    } catch (thrown) {
      log.warn(`parts of plans cannot be carried out: ${toPropagitError(thrown).message}`);
      throw thrown;
    }
  }

  async #take({ run, plan: text, hash, by }: Params<"drone.delegate">) {
    const plan = readPlan({ file: `part ${run}`, text }, this.#parts.commands);
    if (planHash(plan) !== hash) {
      throw new PropagitError("BAD_PLAN", `part ${run} is another one to this relay`, {
        hint: "it may be of another version than the hub: update it",
      });
    }
    await begun((await this.#engine).start(plan, { by, id: run }));
    return {};
  }

  async #follow(
    { run, from }: Params<"drone.delegate-follow">,
    { part, signal }: IncomingCall<"drone.delegate-follow">,
  ): Promise<PlanSummary> {
    const engine = await this.#engine;
    let waiting: { index: number; event: PlanEvent }[] = [];
    const tell = () => {
      if (waiting.length > 0) part(waiting);
      waiting = [];
    };
    const following = await engine.follow(
      run,
      (event, index) => {
        if (waiting.length === 0) queueMicrotask(tell);
        waiting.push({ index, event: event as PlanEvent });
        if (waiting.length >= eventsAtOnce) tell();
      },
      from,
    );
    try {
      const summary = await Promise.race([engine.over(run), aborted(signal)]);
      tell();
      if (summary) return { ...summary, locks: [...summary.locks] };
      throw new PropagitError("LINK_LOST", `part ${run} is no longer followed`);
    } finally {
      following.stop();
    }
  }

  /** Whatever of it was not heard before; what makes no sense any more is left out. */
  async #wish({ run, wish }: Params<"drone.delegate-wish">): Promise<Record<string, never>> {
    const engine = await this.#engine;
    const { wishes } = this.#parts;
    for (const ask of wishedOf(await wishes.read(run), wish)) {
      try {
        await engine.ask(run, ask, wish.by);
      } catch (thrown) {
        if (toPropagitError(thrown).code !== "NOT_NOW") throw thrown;
      }
    }
    // Last, so that a relay that is killed before hears it again.
    await wishes.write(run, wish);
    return {};
  }

  #executor(): Executor {
    return {
      run: (order, call) => this.#run(order, call),
      // What is under way somewhere is joined by its key; whoever cannot know says so himself.
      recall: () => Promise.resolve("begun"),
    };
  }

  async #run({ run, task, attempt, key }: TaskOrder, call: TaskCall): Promise<TaskEnd> {
    const { where, command, args: values, timeoutMs, once, id } = task;
    const drone = where.kind === "drone" ? where.drone : "";
    const by = `relay ${this.#context.name()}`;
    if (drone === this.#context.name()) {
      const args = JSON.stringify(values);
      const own = { task: id, command, args, timeoutMs, once, key, by };
      return endOf(await this.#parts.tasks.run(own, call));
    }
    const plan = await (await this.#engine).plan(run);
    const params = { run, hash: planHash(plan), task: id, attempt };
    for (;;) {
      const line = await this.#lineOf(drone, call.signal);
      if (!line) return { outcome: "failed", reason: `drone ${drone} has no line to this relay` };
      const end = await this.#ask(line, params, call);
      if (end) return endOf(end);
    }
  }

  /** Undefined when the line was lost meanwhile. */
  async #ask(
    line: Conversation,
    params: Params<"drone.errand">,
    { signal, onOutput }: TaskCall,
  ): Promise<DroneCommandEnd | undefined> {
    try {
      return await line.call("drone.errand", params, {
        limitMs: 0,
        signal,
        onPart: (lines) => lines.forEach(onOutput),
      });
    } catch (thrown) {
      if (!line.isOpen && !signal.aborted) return undefined;
      throw thrown;
    }
  }

  /** As soon as the drone is there; undefined when it is not in time. */
  #lineOf(drone: string, signal: AbortSignal): Promise<Conversation | undefined> {
    const there = () => {
      const line = this.#lines.get(drone);
      return line?.isOpen ? line : undefined;
    };
    const line = there();
    if (line) return Promise.resolve(line);
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        this.#waiting.delete(look);
        signal.removeEventListener("abort", end);
        resolve(there());
      };
      const look = () => {
        if (there()) end();
      };
      const timer = this.#context.world.clock.after(lineMsMax, end);
      this.#waiting.add(look);
      signal.addEventListener("abort", end, { once: true });
    });
  }
}

/** Said again, it is there already. */
async function begun(start: Promise<string>): Promise<void> {
  await start.catch((thrown: unknown) => {
    if (toPropagitError(thrown).code !== "EXISTS") throw thrown;
  });
}

function endOfPart({ outcome, reason, counts }: RunSummary): DroneCommandEnd {
  const { done, unchanged, failed, tasks } = counts;
  const isWhole = outcome === "done" && failed === 0;
  const all = `${done + unchanged} of ${tasks} tasks are done`;
  const why = failed > 0 ? `${all}, ${failed} failed` : (reason ?? all);
  return {
    outcome: isWhole ? "done" : "failed",
    reason: (isWhole ? all : why).slice(0, 1_000),
    lastLines: [],
  };
}

function endOf({ outcome, reason, lastLines }: DroneCommandEnd): TaskEnd {
  return { outcome, lastLines, ...(reason !== undefined && { reason }) };
}
