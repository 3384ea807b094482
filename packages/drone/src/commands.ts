/**
 * Tasks of plans: each key is one attempt, whoever asks and how often.
 *
 *     drone.command --> ended before? --> its end again
 *                   --> under way?    --> joins it
 *                   --> begun by a former life, and may run once? --> unknown
 *                   --> else its turn --> (once: "begun" on disk) --> carried out --> end on disk --> told
 *
 * Who asked may go; what is under way is not ended by that, but by `drone.command-cancel`, its time, or the end of
 * the drone: programs talk to it over pipes, and would not survive it whole.
 */
import {
  PropagitError,
  toPropagitError,
  type DroneCommandEnd,
  type Result,
} from "@propagit/protocol";
import { aborted, type Handlers, type IncomingCall } from "@propagit/runtime";
import type { CommandWorld } from "./command-world.js";
import { CommandRun, type CommandParams } from "./commands-run.js";
import type { DroneContext, DronePart } from "./drone-part.js";
import { Gate } from "./gate.js";
import type { CommitName } from "./world.js";

/** At the same time; how many a plan wants is its own to say, this bounds what all plans together may. A guess. */
const runningMax = 16;
/** With those that wait for their turn; a guess. */
const livingMax = 1_000;

type Call = IncomingCall<"drone.command">;
type Recalled = Result<"drone.command-recall">["commands"][number];

interface Living {
  readonly run: CommandRun;
  /** Rejects with LINK_LOST when the drone ends first, and it is to be asked again. */
  readonly end: Promise<DroneCommandEnd>;
}

export class CommandDesk implements DronePart {
  readonly handlers: Handlers;
  readonly commitsInUse: () => readonly CommitName[];
  readonly #drone: DroneContext;
  readonly #world: CommandWorld;
  readonly #living = new Map<string, Living>();
  readonly #gate = new Gate(runningMax);
  #isStopped = false;

  constructor(drone: DroneContext, world: CommandWorld) {
    this.#drone = drone;
    this.#world = world;
    this.commitsInUse = () => world.distributed?.() ?? [];
    this.handlers = {
      "drone.command": (params, call) => this.#answer(params, call),
      "drone.command-cancel": ({ key }) => {
        this.#living.get(key)?.run.cancel("it was told to end");
        return {};
      },
      "drone.command-recall": async ({ keys }) => ({
        commands: await Promise.all(keys.map((key) => this.#recall(key))),
      }),
    };
  }

  readonly stop = async (): Promise<void> => {
    this.#isStopped = true;
    const living = [...this.#living.values()];
    for (const { run } of living) run.cancel(`drone ${this.#drone.name()} ended`);
    await Promise.allSettled(living.map(({ end }) => end));
  };

  async #answer(params: CommandParams, call: Call): Promise<DroneCommandEnd> {
    const { run, end } = this.#living.get(params.key) ?? this.#begin(params);
    const tell = (lines: string[]) => call.part(lines);
    if (run.lines.length > 0) tell([...run.lines]);
    run.listeners.add(tell);
    try {
      const ended = await Promise.race([end, aborted(call.signal).then(() => undefined)]);
      if (ended) return ended;
      throw new PropagitError("LINK_LOST", "who asked has gone; the task goes on");
    } finally {
      run.listeners.delete(tell);
    }
  }

  /** At once, so that whoever asks next joins it. */
  #begin(params: CommandParams): Living {
    const { name, world } = this.#drone;
    if (this.#isStopped) throw new PropagitError("LINK_LOST", `drone ${name()} ends`);
    if (this.#living.size >= livingMax) {
      throw new PropagitError("OVERLOADED", `${livingMax} tasks wait on drone ${name()} already`);
    }
    const { key } = params;
    const commits = this.#world.commits?.(this.#drone);
    const project = this.#world.project?.(this.#drone);
    const context = {
      clock: world.clock,
      world: this.#world,
      name: name(),
      ...(commits && { commits }),
      ...(project && { project }),
    };
    const run = new CommandRun(context, params);
    const end = this.#carryOut(run, params).finally(() => this.#living.delete(key));
    // Nobody may be left to hear it.
    end.catch(() => undefined);
    const living = { run, end };
    this.#living.set(key, living);
    return living;
  }

  async #carryOut(run: CommandRun, params: CommandParams): Promise<DroneCommandEnd> {
    const { key, once, look = false } = params;
    const { store } = this.#world;
    const record = look ? undefined : await store.read(key);
    if (record?.end) return record.end;
    if (record && once)
      return unknown("a former life of the drone began it, and nobody saw its end");
    try {
      return await this.#gate.pass(run.signal, async () => {
        if (once) await store.write({ key });
        const end = await run.run();
        if (this.#isStopped && !once) throw new PropagitError("LINK_LOST", "the drone ends");
        return look ? end : await this.#remember(end, params);
      });
    } catch (thrown) {
      const { code, message } = toPropagitError(thrown);
      // To be asked again: nothing of it was done, or it may be done again.
      if (this.#isStopped || code === "LINK_LOST") {
        throw new PropagitError("LINK_LOST", `drone ${this.#drone.name()} ends`);
      }
      return { outcome: "failed", reason: message.slice(0, 1_000), lastLines: [] };
    }
  }

  /** On disk before it is told. What cannot be written may be forgotten, and is done again or unknown then. */
  async #remember(end: DroneCommandEnd, { key, once }: CommandParams): Promise<DroneCommandEnd> {
    try {
      await this.#world.store.write({ key, end });
    } catch (thrown) {
      const { message } = toPropagitError(thrown);
      this.#drone.world.log.warn(`the end of task ${key} cannot be kept: ${message}`);
      if (once && end.outcome === "failed") return unknown(message);
    }
    return end;
  }

  async #recall(key: string): Promise<Recalled> {
    if (this.#living.has(key)) return { state: "begun" };
    const record = await this.#world.store.read(key);
    if (!record) return { state: "not-begun" };
    return record.end ? { state: "ended", end: record.end } : { state: "unknown" };
  }
}

function unknown(why: string): DroneCommandEnd {
  return { outcome: "unknown", reason: why.slice(0, 1_000), lastLines: [] };
}
