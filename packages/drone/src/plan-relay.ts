/**
 * A relay carries its part of a plan out: an engine of its own, on a journal in its data folder.
 *
 *     hub --drone.delegate--> on disk --> PlanEngine --> this machine
 *         <-drone.delegate-follow- events      '-------> drones, on the lines that they keep to it (RelayErrands)
 *     hub --drone.delegate-wish--> what is asked of it, as it stands
 *
 * From then on nobody needs the hub: the part goes on while the line to it is cut, also when the relay is killed and
 * started again. What happened is told by number when the line is back, and what was asked meanwhile is heard then.
 *
 * Another relay hands a part on in turn as a task: what it asks for, it asks for again until it has heard the end.
 */
import {
  PropagitError,
  toPropagitError,
  type CommandRecalled,
  type DelegationWish,
  type DroneCommandEnd,
  type Params,
} from "@propagit/protocol";
import {
  askedAfter,
  endOfPart,
  followRun,
  nothingAsked,
  partOf,
  PlanEngine,
  planHash,
  readPlan,
  runOfPart,
  type Commands,
  type Journal,
  type RunAsk,
  type RunSummary,
} from "@propagit/plan";
import { aborted, type Handlers } from "@propagit/runtime";
import { nothingWished, wishedOf } from "./core/plan-wish.js";
import type { DroneContext, DronePart } from "./drone-part.js";
import type { CarriedPart, ErrandCall, PartCarrier } from "./plan-errands.js";
import { RelayErrands, type RelayErrandsParts } from "./relay-errands.js";

export interface PlanRelayParts extends Pick<RelayErrandsParts, "tasks"> {
  /** Of this relay's own parts. */
  readonly journal: Journal;
  readonly commands: Commands;
  readonly wishes: WishStore;
}

/**
 * What the hub wanted of each part when it was heard last, across lives of the relay. `retries` are those that had been
 * wanted when the part was begun here: those since then are in its journal.
 */
export interface WishStore {
  read(run: string): Promise<DelegationWish | undefined>;
  /** On disk when it resolves. @throws DATA_UNUSABLE */
  write(run: string, wish: DelegationWish): Promise<void>;
  /** Forgets all others. */
  keep(runs: ReadonlySet<string>): Promise<void>;
}

/** Parts that are over and kept for a hub that has not heard of their end. */
const runsKept = 100;

export class PlanRelay implements DronePart, PartCarrier {
  readonly handlers: Handlers;
  /** Of lines that drones keep to this relay. */
  readonly lineHandlers: Handlers;
  readonly #context: DroneContext;
  readonly #parts: PlanRelayParts;
  readonly #errands: RelayErrands;
  readonly #engine: Promise<PlanEngine>;
  /** What is asked of a part is asked in the order in which it was heard. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(context: DroneContext, parts: PlanRelayParts) {
    this.#context = context;
    this.#parts = parts;
    this.#errands = new RelayErrands({
      context,
      tasks: parts.tasks,
      planOf: async (run) => (await this.#engine).plan(run),
      isStopping: async (run) => this.#summaryOf(await this.#engine, run)?.state === "stopping",
    });
    this.lineHandlers = this.#errands.lineHandlers;
    this.#engine = this.#open();
    this.#engine.catch(() => undefined);
    this.handlers = {
      "drone.delegate": (params) => this.#take(params),
      "drone.delegate-follow": async ({ run, from }, { part, signal }) =>
        followRun(await this.#engine, run, { from, part, signal, what: "part" }),
      "drone.delegate-wish": ({ run, wish }) => this.#inTurn(run, () => this.#wish(run, wish)),
    };
  }

  readonly stop = async (): Promise<void> => {
    await this.#engine.then(
      (engine) => engine.close(),
      () => undefined,
    );
    this.#errands.stop();
    await this.#parts.journal.close();
  };

  /** A part that another relay asked for: carried out to its end. */
  async carry(part: CarriedPart, call: ErrandCall): Promise<DroneCommandEnd> {
    const { parent, task } = part;
    const run = runOfPart(parent, task);
    const refused = await this.#inTurn(run, () => this.#beginHanded(run, part));
    if (refused) return refused;
    call.onOutput(`carries it out as ${run}`);
    const summary = await Promise.race([(await this.#engine).over(run), aborted(call.signal)]);
    if (summary) return endOfPart(summary);
    throw new PropagitError("LINK_LOST", "who asked has gone; the part goes on");
  }

  async recall({ parent, task }: Pick<CarriedPart, "parent" | "task">): Promise<CommandRecalled> {
    const known = (await this.#engine).list().some(({ run }) => run === runOfPart(parent, task));
    return { state: known ? "begun" : "not-begun" };
  }

  async #open(): Promise<PlanEngine> {
    const { clock, random, log } = this.#context.world;
    const { journal, wishes } = this.#parts;
    const prober = {
      look: () => Promise.resolve({ state: "refused" as const, why: "a relay looks at no gates" }),
    };
    try {
      const world = { clock, random, log, journal, executor: this.#errands, prober };
      const engine = await PlanEngine.open(world, { runsKept });
      await wishes.keep(new Set(engine.list().map(({ run }) => run)));
      return engine;
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
    await this.#inTurn(run, async () => {
      const engine = await this.#engine;
      if (this.#summaryOf(engine, run)) return;
      await this.#parts.wishes.write(run, { ...nothingWished, by });
      await engine.start(plan, { by, id: run });
    });
    return {};
  }

  /** Begins it, or what failed of it again; the end of one that is not to begin. */
  async #beginHanded(run: string, part: CarriedPart): Promise<DroneCommandEnd | undefined> {
    const { parent, task, attempt, by } = part;
    const engine = await this.#engine;
    const known = this.#summaryOf(engine, run);
    if (known) {
      const isFailed = known.state === "over" && known.outcome !== "done";
      const retries = isFailed ? (await this.#heard(engine, run)).heard.retries : Infinity;
      if (attempt - 1 > retries) await ask(engine, run, { kind: "retry" }, by);
      return undefined;
    }
    const { wishes, commands } = this.#parts;
    const wished = attempt === 1 ? await wishes.read(run) : undefined;
    if (wished?.stop) return stoppedBefore(wished.by);
    const where = { kind: "drone", drone: this.#context.name() } as const;
    const args = JSON.parse(part.args) as Record<string, unknown>;
    const { plan } = partOf(parent, { id: task, where, args }, commands);
    await wishes.write(run, { ...nothingWished, retries: attempt - 1, by });
    await engine.start(plan, { by, id: run });
    return undefined;
  }

  /** Whatever of it was not heard before; what makes no sense any more is left out. */
  async #wish(run: string, wish: DelegationWish): Promise<Record<string, never>> {
    const engine = await this.#engine;
    const { wishes } = this.#parts;
    // One that is not here yet: it does not begin when it was to stop before.
    if (!this.#summaryOf(engine, run)) {
      await wishes.write(run, wish);
      return {};
    }
    const { heard, kept } = await this.#heard(engine, run);
    // First, so that a relay that is killed now skips nothing twice: what waits then may be another delay.
    const { skips } = wish;
    if (skips > kept.skips) await wishes.write(run, { ...kept, skips });
    for (const one of wishedOf(heard, wish)) await ask(engine, run, one, wish.by);
    await wishes.write(run, { ...wish, retries: kept.retries });
    return {};
  }

  /**
   * What was asked of it as its journal says, so that a relay that was killed while it asked knows it; only waits that were
   * to be skipped are counted elsewhere, as several that were not heard are skipped as one.
   */
  async #heard(
    engine: PlanEngine,
    run: string,
  ): Promise<{ readonly heard: DelegationWish; readonly kept: DelegationWish }> {
    const kept = (await this.#parts.wishes.read(run)) ?? nothingWished;
    let asked = nothingAsked;
    const following = await engine.follow(run, (event) => {
      asked = askedAfter(asked, event);
    });
    following.stop();
    const { skips, retries } = kept;
    return { kept, heard: { ...asked, skips, retries: retries + asked.retries } };
  }

  #summaryOf(engine: PlanEngine, run: string): RunSummary | undefined {
    return engine.list().find((summary) => summary.run === run);
  }

  async #inTurn<T>(run: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(run) ?? Promise.resolve();
    const turn = before.then(work);
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(run, over);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(run) === over) this.#turns.delete(run);
    }
  }
}

async function ask(engine: PlanEngine, run: string, wanted: RunAsk, by: string): Promise<void> {
  await engine.ask(run, wanted, by).catch((thrown: unknown) => {
    if (toPropagitError(thrown).code !== "NOT_NOW") throw thrown;
  });
}

function stoppedBefore(by: string): DroneCommandEnd {
  const reason = `stopped by ${by} before anything of it was done`;
  return { outcome: "failed", reason: reason.slice(0, 1_000), lastLines: [] };
}
