/**
 * Drones hear what a relay may ask of them: those that are there before anything of a part begins, the others as they
 * come, until the part is over.
 */
import { toPropagitError } from "@propagit/protocol";
import type { PlanPart } from "@propagit/plan";
import type { Log } from "@propagit/runtime";
import { errandsOf } from "./core/errands.js";
import type { Fleet, Member } from "./fleet.js";
import { inParallel } from "./in-parallel.js";

/** Drones that are told at the same time. */
const toldAtOnce = 64;

export interface ErrandTellingParts {
  readonly fleet: Fleet;
  readonly log: Log;
}

export class ErrandTelling {
  readonly #parts: ErrandTellingParts;
  /** What each drone has not heard yet. */
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();

  constructor(parts: ErrandTellingParts) {
    this.#parts = parts;
  }

  /** Resolves when those that are connected were told. */
  async begin(parts: readonly PlanPart[], until: number, over: AbortSignal): Promise<void> {
    const { fleet } = this.#parts;
    for (const part of parts) this.#add(part, until);
    const listening = fleet.listen({
      observed: () => undefined,
      contact: (identity, contact) => {
        const drone = fleet.nameOf(identity);
        if (contact === "connected" && drone !== undefined) void this.#tell(drone);
      },
    });
    over.addEventListener("abort", () => listening.stop(), { once: true });
    const there = [...this.#waiting.keys()].filter((drone) => isThere(memberOf(fleet, drone)));
    await inParallel(there, toldAtOnce, (drone) => this.#tell(drone));
  }

  /** Who does not hear it forgets it when its time is over. */
  async end(parts: readonly PlanPart[]): Promise<void> {
    const { fleet } = this.#parts;
    for (const part of parts) {
      const { run } = part;
      const drones = [...errandsOf(part, nowhere, 0).keys()];
      const there = drones.flatMap((drone) => memberOf(fleet, drone) ?? []).filter(isThere);
      await inParallel(there, toldAtOnce, async ({ identity }) => {
        await fleet.call(identity, "drone.errands-over", { run }).catch(() => undefined);
      });
    }
  }

  #add(part: PlanPart, until: number): void {
    const { fleet } = this.#parts;
    const relay = memberOf(fleet, part.relay)?.swarm?.relay;
    if (!relay) return;
    for (const [drone, errands] of errandsOf(part, relay, until)) {
      const tell = async () => {
        const { identity } = memberOf(fleet, drone) ?? {};
        if (identity !== undefined) await fleet.call(identity, "drone.errands", errands);
      };
      this.#waiting.set(drone, [...(this.#waiting.get(drone) ?? []), tell]);
    }
  }

  async #tell(drone: string): Promise<void> {
    const tells = this.#waiting.get(drone);
    if (!tells) return;
    this.#waiting.delete(drone);
    try {
      for (const tell of tells) await tell();
    } catch (thrown) {
      // It is told when it comes back.
      this.#waiting.set(drone, tells);
      const { message } = toPropagitError(thrown);
      this.#parts.log.warn(`drone ${drone} was not told its errands: ${message}`);
    }
  }
}

const nowhere = { host: "", port: 0 };

export function memberOf(fleet: Pick<Fleet, "members">, drone: string): Member | undefined {
  return fleet.members.find(({ name, contact }) => name === drone && contact !== "left");
}

export function isThere(member: Member | undefined): member is Member {
  return member?.contact === "connected";
}
