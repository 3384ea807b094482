/** A machine on which tasks of plans are done: it outlives its drone, and remembers what was really done on it. */
import type { DroneCommandEnd } from "@propagit/protocol";
import { deferred, randomBetween, type Handlers, type Simulation } from "@propagit/runtime";
import type { Life } from "./life.js";

/** Something that was really done, in the order of the whole cluster. */
export interface Deed {
  readonly at: number;
  readonly kind: "begun" | "ended";
  readonly machine: string;
  /** `<run>/<task>/<attempt>` */
  readonly key: string;
  readonly once: boolean;
}

interface Living {
  readonly end: Promise<DroneCommandEnd>;
  readonly settle: (end: DroneCommandEnd) => void;
}

type Asked = Parameters<NonNullable<Handlers["drone.command"]>>[0];

const taskMsMax = 3_000;
const done: DroneCommandEnd = { outcome: "done", lastLines: [], exit: 0 };
const cancelled: DroneCommandEnd = {
  outcome: "failed",
  reason: "it was told to end",
  lastLines: [],
};

export class SimMachine {
  readonly name: string;
  readonly #sim: Simulation;
  readonly #deeds: Deed[];
  readonly #ends = new Map<string, DroneCommandEnd>();
  /** Of tasks that may run once. */
  readonly #begun = new Set<string>();
  readonly #living = new Map<string, Living>();

  constructor(sim: Simulation, name: string, deeds: Deed[]) {
    this.name = name;
    this.#sim = sim;
    this.#deeds = deeds;
  }

  /** Of a drone that lives on it now. */
  handlers(life: Life): Handlers {
    return {
      "drone.command": (asked, { part }) => {
        part(["said"]);
        return this.#carryOut(asked, life);
      },
      "drone.command-cancel": ({ key }) => {
        this.#living.get(key)?.settle(cancelled);
        return {};
      },
      "drone.command-recall": ({ keys }) => ({ commands: keys.map((key) => this.#recall(key)) }),
    };
  }

  /** What was under way ends with the drone, and nobody saw how. */
  die(): void {
    for (const key of this.#living.keys()) this.#note("ended", key, this.#begun.has(key));
    this.#living.clear();
  }

  async #carryOut({ key, once }: Asked, life: Life): Promise<DroneCommandEnd> {
    const living = this.#living.get(key);
    if (living) return living.end;
    const known = this.#ends.get(key);
    if (known) return known;
    if (this.#begun.has(key)) return { outcome: "unknown", reason: "it died", lastLines: [] };
    if (once) this.#begun.add(key);
    this.#note("begun", key, once);
    const { promise, resolve: settle } = deferred<DroneCommandEnd>();
    this.#living.set(key, { end: promise, settle });
    const { clock, random } = this.#sim;
    clock.after(randomBetween(random, 1, taskMsMax), () => settle(done));
    const end = await promise;
    if (life.isOver || !this.#living.delete(key)) return new Promise<never>(() => undefined);
    this.#note("ended", key, once);
    this.#ends.set(key, end);
    return end;
  }

  #recall(key: string) {
    const end = this.#ends.get(key);
    if (this.#living.has(key)) return { state: "begun" as const };
    if (end) return { state: "ended" as const, end };
    return { state: this.#begun.has(key) ? ("unknown" as const) : ("not-begun" as const) };
  }

  #note(kind: Deed["kind"], key: string, once: boolean): void {
    this.#deeds.push({ at: this.#sim.clock.now(), kind, machine: this.name, key, once });
  }
}
