/**
 * The part of a drone that carries out tasks of plans, loaded with the first of them: a drone is on every machine, and
 * what most never need they should not hold in memory.
 */
import { assert } from "@propagit/protocol";
import type { Handlers } from "@propagit/runtime";
import type { CommandStore } from "../command-world.js";
import type { CommandDesk } from "../commands.js";
import type { DistributedCommits } from "../distributed-commits.js";
import type { DroneContext, DronePart } from "../drone-part.js";
import type { GitCommits } from "./commits.js";

export interface CommandPartOptions {
  readonly store: CommandStore;
  readonly commits: GitCommits;
  /** Brought here ahead of their use. */
  readonly distributed: DistributedCommits;
  /** The drone's data folder. */
  readonly folder: string;
}

type Called = "drone.command" | "drone.command-cancel" | "drone.command-recall";

export class CommandPart implements DronePart {
  readonly handlers: Handlers;
  readonly commitsInUse: NonNullable<DronePart["commitsInUse"]>;
  readonly #context: DroneContext;
  readonly #options: CommandPartOptions;
  #desk: Promise<CommandDesk> | undefined;
  #isStopped = false;

  constructor(context: DroneContext, options: CommandPartOptions) {
    this.#context = context;
    this.#options = options;
    this.commitsInUse = () => options.distributed.all;
    this.handlers = {
      "drone.command": async (params, call) => (await this.#handler("drone.command"))(params, call),
      "drone.command-cancel": async (params, call) =>
        (await this.#handler("drone.command-cancel"))(params, call),
      "drone.command-recall": async (params, call) =>
        (await this.#handler("drone.command-recall"))(params, call),
    };
  }

  readonly stop = async (): Promise<void> => {
    this.#isStopped = true;
    await (await this.#desk)?.stop();
  };

  async #handler<M extends Called>(method: M): Promise<NonNullable<Handlers[M]>> {
    this.#desk ??= this.#load();
    const handler = (await this.#desk).handlers[method];
    assert(handler, `the desk answers ${method}`);
    return handler;
  }

  async #load(): Promise<CommandDesk> {
    const { openCommandDesk } = await import("./command-desk.js");
    const desk = openCommandDesk(this.#context, this.#options);
    if (this.#isStopped) await desk.stop();
    return desk;
  }
}
