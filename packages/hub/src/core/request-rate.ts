/** How many requests a second one proxy answers, out of what it reports: cumulative rows, some of them each time. */
import { keyOfCount, type TrafficReport } from "@propagit/protocol";

/** Rows that are remembered; a proxy has fewer. */
const rowsMax = 2_000;
/** Seconds that a rate is made of: long enough to be calm, short enough to be of now. A guess. */
const windowSeconds = 10;

export class RequestRate {
  #life = "";
  /** By row, in this life. */
  readonly #known = new Map<string, number>();
  /** Requests that were new in each of the last seconds. */
  #slots: { readonly second: number; requests: number }[] = [];
  #sinceMs = 0;

  /** @param now in ms */
  take({ life, counts }: TrafficReport, now: number): void {
    if (life !== this.#life || this.#known.size > rowsMax) this.#begin(life, now);
    let fresh = 0;
    for (const count of counts) {
      // A request in an experiment is counted once more in the experiment's own row.
      if (count.variant?.includes("=")) continue;
      const key = keyOfCount(count);
      const before = this.#known.get(key) ?? 0;
      this.#known.set(key, count.requests);
      fresh += Math.max(0, count.requests - before);
    }
    // What a life says first may be of any time.
    if (now > this.#sinceMs) this.#add(fresh, now);
  }

  /** Undefined while nothing was told for long enough. */
  perSecond(now: number): number | undefined {
    const knownSeconds = Math.min(windowSeconds, Math.floor((now - this.#sinceMs) / 1_000));
    if (this.#life === "" || knownSeconds < 1) return undefined;
    const first = Math.floor(now / 1_000) - windowSeconds;
    const recent = this.#slots.filter(({ second }) => second > first);
    const requests = recent.reduce((sum, slot) => sum + slot.requests, 0);
    return Math.round((requests / knownSeconds) * 10) / 10;
  }

  #begin(life: string, now: number): void {
    this.#life = life;
    this.#sinceMs = now;
    this.#known.clear();
    this.#slots = [];
  }

  #add(requests: number, now: number): void {
    const second = Math.floor(now / 1_000);
    const last = this.#slots.at(-1);
    if (last?.second === second) last.requests += requests;
    else this.#slots.push({ second, requests });
    if (this.#slots.length > windowSeconds) this.#slots.shift();
  }
}
