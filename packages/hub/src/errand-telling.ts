/**
 * Drones hear what a relay may ask of them: those that are there before anything of a part begins, the others as they
 * come, until the part is over.
 */
import { toPropagitError, type Errands } from "@propagit/protocol";
import type { PlanPart } from "@propagit/plan";
import type { Log } from "@propagit/runtime";
import { errandsOf, type RelayAddress } from "./core/errands.js";
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
  /** Parts of which each drone has not heard yet. */
  readonly #waiting = new Map<string, Set<PlanPart>>();
  #told: readonly ToldPart[] = [];

  constructor(parts: ErrandTellingParts) {
    this.#parts = parts;
  }

  /** Resolves when those that are connected were told. */
  async begin(parts: readonly PlanPart[], until: number, over: AbortSignal): Promise<void> {
    const { fleet } = this.#parts;
    this.#told = parts.map((part) => ({ part, until, place: undefined, errands: new Map() }));
    const listening = fleet.listen({
      observed: () => undefined,
      contact: (identity, contact) => {
        if (contact !== "connected") return;
        const name = fleet.nameOf(identity);
        void this.#tell([name, ...this.#placed(name)]);
      },
    });
    over.addEventListener("abort", () => listening.stop(), { once: true });
    await this.#tell(parts.flatMap(({ relay }) => this.#placed(relay)));
  }

  /** Who does not hear it forgets it when its time is over. */
  async end(parts: readonly PlanPart[]): Promise<void> {
    const { fleet } = this.#parts;
    const there = connectedOf(fleet);
    for (const part of parts) {
      const { run } = part;
      const identities = [...errandsOf(part, nowhere, 0).keys()].flatMap(
        (drone) => there.get(drone) ?? [],
      );
      await inParallel(identities, toldAtOnce, async (identity) => {
        await fleet.call(identity, "drone.errands-over", { run }).catch(() => undefined);
      });
    }
  }

  /**
   * A relay is where it is told of only once it is connected, and may be elsewhere then.
   *
   * @returns the drones that are to hear of it
   */
  #placed(relay: string): readonly string[] {
    const place = memberOf(this.#parts.fleet, relay)?.swarm?.relay;
    if (!place) return [];
    return this.#told.flatMap((told) => {
      const { part, until } = told;
      if (part.relay !== relay || isSamePlace(told.place, place)) return [];
      told.place = { host: place.host, port: place.port };
      told.errands = errandsOf(part, told.place, until);
      const drones = [...told.errands.keys()];
      for (const drone of drones) {
        this.#waiting.set(drone, (this.#waiting.get(drone) ?? new Set()).add(part));
      }
      return drones;
    });
  }

  async #tell(drones: readonly string[]): Promise<void> {
    const waiting = [...new Set(drones)].filter((drone) => this.#waiting.has(drone));
    if (waiting.length === 0) return;
    const there = connectedOf(this.#parts.fleet);
    const told = waiting.filter((drone) => there.has(drone));
    await inParallel(told, toldAtOnce, (drone) => this.#tellOne(drone, there.get(drone) ?? ""));
  }

  async #tellOne(drone: string, identity: string): Promise<void> {
    const parts = this.#waiting.get(drone);
    this.#waiting.delete(drone);
    for (const part of parts ?? []) {
      const errands = this.#told.find((told) => told.part === part)?.errands.get(drone);
      try {
        if (errands) await this.#parts.fleet.call(identity, "drone.errands", errands);
      } catch (thrown) {
        // It is told when it comes back.
        this.#waiting.set(drone, (this.#waiting.get(drone) ?? new Set()).add(part));
        const { message } = toPropagitError(thrown);
        this.#parts.log.warn(`drone ${drone} was not told its errands: ${message}`);
      }
    }
  }
}

interface ToldPart {
  readonly part: PlanPart;
  readonly until: number;
  /** Undefined until the relay is connected. */
  place: RelayAddress | undefined;
  errands: ReadonlyMap<string, Errands>;
}

const nowhere = { host: "", port: 0 };

export function memberOf(fleet: Pick<Fleet, "members">, drone: string): Member | undefined {
  return fleet.members.find(({ name, contact }) => name === drone && contact !== "left");
}

/** Identities of those that are connected, by name. */
function connectedOf(fleet: Fleet): ReadonlyMap<string, string> {
  const there = fleet.members.filter(({ contact }) => contact === "connected");
  return new Map(there.map(({ name, identity }) => [name, identity]));
}

function isSamePlace(one: RelayAddress | undefined, other: RelayAddress): boolean {
  return one?.host === other.host && one.port === other.port;
}
