/** Engines that die and come back, over a journal and machines that live on; everything by seed. */
import { PropagitError } from "@propagit/protocol";
import { randomBetween, silentLog, SimClock, simRandom, type Random } from "@propagit/runtime";
import { PlanEngine, type EngineOptions } from "../../src/engine.js";
import type { Plan, Task } from "../../src/plan.js";
import type { RunAsk, RunEvent } from "../../src/run-event.js";
import { MortalWorld, type MortalOptions } from "../../src/simulated/mortal-world.js";
import { SimExecutor, type SimTask } from "../../src/simulated/sim-executor.js";
import { SimJournal } from "../../src/simulated/sim-journal.js";
import type { GateView, PlanWorld } from "../../src/world.js";

/** A Tuesday, 06:00 UTC. */
export const startMs = Date.UTC(2026, 2, 3, 6);
/** Longer than any plan of chance takes: a window, and retries of a full disk. */
const limitMs = 3 * 24 * 60 * 60_000;

export class SimCluster {
  readonly clock: SimClock;
  readonly random: Random;
  readonly journal = new SimJournal();
  readonly executor: SimExecutor;
  readonly world: PlanWorld;

  constructor(seed: number, taskOf: (task: Task, attempt: number) => SimTask) {
    const settle = () => new Promise<void>((resolve) => process.nextTick(resolve));
    this.clock = new SimClock(startMs, { settle });
    this.random = simRandom(seed);
    this.executor = new SimExecutor(this.clock, taskOf);
    const looks = simRandom(seed + 1);
    this.world = {
      clock: this.clock,
      random: this.random,
      log: silentLog,
      journal: this.journal,
      executor: this.executor,
      prober: { look: async () => gateView(looks) },
    };
  }

  /** Asks after a while of whichever engine lives then; asks that make no sense then are refused. */
  askLater(afterMs: number, ask: RunAsk): void {
    this.clock.after(afterMs, () => {
      if (!this.#engine) this.askLater(1_000, ask);
      else this.#engine.ask("run", ask, "ben").catch(ignoreRefusal);
    });
  }

  #engine: PlanEngine | undefined;

  /** Carries a plan out through as many lives as are given; the last one does not die. */
  async carryOut(
    plan: Plan,
    deaths: readonly MortalOptions[] = [],
    options: EngineOptions = {},
  ): Promise<readonly RunEvent[]> {
    for (const death of [...deaths, {}]) {
      const { world, isOver } = this.#live(plan, death, options);
      await this.clock.until("the run to be over", () => isOver() || world.isDead, limitMs);
      this.#engine = undefined;
      if (isOver()) break;
      await this.clock.advance(randomBetween(this.random, 0, 5_000));
    }
    return (await this.journal.read("run")).events;
  }

  /** Asks the same of a run that is over, of as many lives as it takes until its journal has it, to its end. */
  async askOver(ask: RunAsk, deaths: readonly MortalOptions[] = []): Promise<readonly RunEvent[]> {
    const { length } = (await this.journal.read("run")).events;
    for (const death of [...deaths, {}]) {
      const world = new MortalWorld(this.world, death);
      let isOver = false;
      const work = async () => {
        const engine = await PlanEngine.open(world.world);
        const { events } = await this.journal.read("run");
        if (events.length === length) await engine.ask("run", ask, "ben");
        await engine.over("run");
        isOver = true;
        engine.close();
      };
      void work();
      await this.clock.until("the run to be over again", () => isOver || world.isDead, limitMs);
      if (isOver) break;
      await this.clock.advance(randomBetween(this.random, 0, 5_000));
    }
    return (await this.journal.read("run")).events;
  }

  #live(plan: Plan, death: MortalOptions, options: EngineOptions) {
    const world = new MortalWorld(this.world, death);
    let isOver = false;
    const begin = async () => {
      const engine = await PlanEngine.open(world.world, options);
      // Who was not told that it has begun asks again.
      this.#engine = engine;
      while (!engine.list().some(({ run, state }) => run === "run" && state !== "new")) {
        await engine.start(plan, { by: "anna", id: "run" }).catch(ignoreFull);
      }
      await engine.over("run");
      isOver = true;
      engine.close();
    };
    void begin();
    return { world, isOver: () => isOver };
  }
}

/** A machine that takes each attempt in its own way, the same for the same seed. */
export function machinesByChance(seed: number): (task: Task, attempt: number) => SimTask {
  return ({ id }, attempt) => {
    const random = simRandom(seed * 7919 + hash(`${id}/${attempt}`));
    const percent = random.fraction() * 100;
    const ms = randomBetween(random, 1, 3_000);
    const isForgotten = random.fraction() < 0.3;
    if (percent < 12) return { ms, isForgotten, end: { outcome: "failed", reason: "no room" } };
    if (percent < 25) return { ms, isForgotten, end: { outcome: "unchanged" } };
    if (percent < 28) return { ms: 200_000, isForgotten, end: { outcome: "done" } };
    return { ms, isForgotten, end: { outcome: "done" } };
  };
}

/** Machines on which all goes well. */
export function goodMachines(seed: number): (task: Task) => SimTask {
  return ({ id }) => {
    const random = simRandom(seed * 7919 + hash(id));
    const ms = randomBetween(random, 1, 3_000);
    return { ms, end: { outcome: random.fraction() < 0.3 ? "unchanged" : "done" } };
  };
}

function ignoreRefusal(thrown: unknown): void {
  const isKnown = thrown instanceof PropagitError && ["NOT_NOW", "NO_PLAN"].includes(thrown.code);
  if (!isKnown) throw thrown;
}

function ignoreFull(thrown: unknown): void {
  if (!(thrown instanceof PropagitError) || thrown.code !== "DATA_UNUSABLE") throw thrown;
}

function gateView(random: Random): GateView {
  const percent = random.fraction() * 100;
  if (percent < 40) return { state: "open", why: "it answers 200" };
  if (percent < 45) return { state: "refused", why: "it answers 410" };
  return { state: "shut", why: "it answers 503" };
}

function hash(text: string): number {
  let value = 7;
  for (const char of text) value = (value * 31 + (char.codePointAt(0) ?? 0)) | 0;
  return value >>> 0;
}
