/**
 * A drone as far as tasks of plans go: it joins, takes some time for each task, and remembers what it began and how
 * that ended across its deaths, as the real one does.
 */
import type { DroneCommandEnd, Params } from "@propagit/protocol";
import { Link, randomBetween, sessionPaths } from "@propagit/runtime";
import { credential, hubAddress, identityOf, type SimHub } from "./sim-hub.js";

/** What of it survives its death. */
export interface PlanDroneDisk {
  readonly ends: Map<string, DroneCommandEnd>;
  /** Of tasks that may run once. */
  readonly begun: Set<string>;
}

export interface PlanDroneOptions {
  readonly disk: PlanDroneDisk;
  /** Each time that something is really done. */
  readonly onDone: (params: Params<"drone.command">) => void;
  readonly endOf?: (params: Params<"drone.command">) => DroneCommandEnd;
  readonly taskMsMax?: number;
}

const done: DroneCommandEnd = { outcome: "done", lastLines: [], exit: 0 };

export class PlanDrone {
  readonly name: string;
  readonly link: Link;
  readonly #hub: SimHub;
  readonly #options: PlanDroneOptions;
  readonly #living = new Map<string, Promise<DroneCommandEnd>>();
  #isDead = false;

  constructor(hub: SimHub, name: string, options: PlanDroneOptions) {
    this.name = name;
    this.#hub = hub;
    this.#options = options;
    this.link = new Link(hub.sim.worldOf(name), {
      address: hubAddress,
      path: sessionPaths.hub,
      role: "drone",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        await conversation.call("hub.join", {
          identity: identityOf(name),
          name,
          labels: {},
          host: name,
          version: "1.0.0",
          instances: [],
        });
      },
      tellingHandlers: { "drone.assign": () => undefined },
      handlers: {
        "drone.command": (params, { part }) => {
          part(["said"]);
          return this.#join(params);
        },
        "drone.command-cancel": () => ({}),
        "drone.command-recall": ({ keys }) => ({ commands: keys.map((key) => this.#recall(key)) }),
      },
    });
  }

  get isUp(): boolean {
    return this.link.state.kind === "up";
  }

  /** As kill -9 does. */
  die(): void {
    this.#isDead = true;
    this.link.stop();
  }

  #join(params: Params<"drone.command">): Promise<DroneCommandEnd> {
    const living = this.#living.get(params.key) ?? this.#carryOut(params);
    this.#living.set(params.key, living);
    return living;
  }

  async #carryOut(params: Params<"drone.command">): Promise<DroneCommandEnd> {
    const { disk, onDone, endOf = () => done, taskMsMax = 3_000 } = this.#options;
    const { key, once } = params;
    const known = disk.ends.get(key);
    if (known) return known;
    if (disk.begun.has(key)) return { outcome: "unknown", reason: "it died", lastLines: [] };
    if (once) disk.begun.add(key);
    onDone(params);
    const { clock, random } = this.#hub.sim;
    await new Promise<void>((resolve) => {
      clock.after(randomBetween(random, 1, taskMsMax), resolve);
    });
    if (this.#isDead) return new Promise<never>(() => undefined);
    const end = endOf(params);
    disk.ends.set(key, end);
    this.#living.delete(key);
    return end;
  }

  #recall(key: string) {
    const { disk } = this.#options;
    const end = disk.ends.get(key);
    if (end) return { state: "ended" as const, end };
    if (this.#living.has(key)) return { state: "begun" as const };
    return { state: disk.begun.has(key) ? ("unknown" as const) : ("not-begun" as const) };
  }
}
