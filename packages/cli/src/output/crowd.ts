/**
 * Which steps of drones get a line in a log. Of a few drones all; of thousands those of the first ones, what
 * went wrong on any, and now and then how far all of them are.
 */
import type { DroneProgress } from "@propagit/protocol";

/** Drones with lines of their own: a screen or two. */
const toldMax = 50;
/** A guess: a rollout over thousands takes minutes. */
const countMs = 5_000;

export class Crowd {
  readonly #told = new Set<string>();
  #countedAt = Number.NEGATIVE_INFINITY;

  isTold({ drone, phase }: DroneProgress): boolean {
    if (this.#told.size < toldMax) this.#told.add(drone);
    return this.#told.has(drone) || phase === "failed" || phase === "away";
  }

  /** @param at moment of a step that has no line, in the hub's time */
  isCountDue(at: number): boolean {
    if (at - this.#countedAt < countMs) return false;
    this.#countedAt = at;
    return true;
  }
}
