/**
 * Requests that wait because their route is paused.
 *
 *     hold --> route changed --> asked again (and held again for what is left, if it is still paused)
 *        |---> limit passed ---> answered with 503
 *        `---> visitor left ---> forgotten
 */
import type { Clock, Timer } from "@propagit/runtime";

/** `full`: too many wait for this route already. */
export type HoldEnd = "changed" | "limit" | "left" | "full";

/**
 * Of all routes; at some 20 KB for a connection with its head, 200 MB. One route may hold as many as are still
 * free for all, so that there is room for the next one whatever the others hold: alone half of them, the second
 * a quarter (dynamic thresholds of shared buffers; A. Choudhury and E. Hahne, 1998).
 */
export const heldMax = 10_000;

interface Held {
  readonly timer: Timer;
  end(how: HoldEnd): void;
}

export class Holds {
  readonly #clock: Clock;
  /** By route (`REPO/ENVIRONMENT`). */
  readonly #held = new Map<string, Set<Held>>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests that wait now. */
  get count(): number {
    return this.#count;
  }

  /** Resolves when there is something to do about the request. */
  hold(route: string, limitMs: number, left: AbortSignal): Promise<HoldEnd> {
    const own = this.#held.get(route)?.size ?? 0;
    if (own >= heldMax - this.#count) return Promise.resolve("full");
    if (left.aborted) return Promise.resolve("left");
    return new Promise((resolve) => {
      const leave = () => held.end("left");
      const held: Held = {
        timer: this.#clock.after(limitMs, () => held.end("limit")),
        end: (how) => {
          held.timer.cancel();
          left.removeEventListener("abort", leave);
          this.#remove(route, held);
          resolve(how);
        },
      };
      left.addEventListener("abort", leave);
      this.#add(route, held);
    });
  }

  /** Has the requests of these routes asked again; without routes those of all. */
  wake(routes: Iterable<string> = [...this.#held.keys()]): void {
    for (const route of routes) {
      for (const held of this.#held.get(route) ?? []) held.end("changed");
    }
  }

  #add(route: string, held: Held): void {
    const others = this.#held.get(route);
    if (others) others.add(held);
    else this.#held.set(route, new Set([held]));
    this.#count += 1;
  }

  #remove(route: string, held: Held): void {
    const others = this.#held.get(route);
    others?.delete(held);
    if (others?.size === 0) this.#held.delete(route);
    this.#count -= 1;
  }
}
