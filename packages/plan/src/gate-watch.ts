/**
 * Looks whether a gate is open, again and again, until it is, will never be, or its time is over.
 *
 *     look --open (for long enough)--> opened
 *      ^ |--refused, or its time is over--> refused
 *      '-+--shut: everyMs later
 */
import { toPropagitError } from "@propagit/protocol";
import type { Clock, Timer } from "@propagit/runtime";
import { timeText } from "./core/time-text.js";
import type { CodePlace, GateProbe } from "./plan.js";
import type { GateView, Prober } from "./world.js";

/** An answer that comes later is none. */
const lookMsMax = 30_000;
/** However often a plan wants it. */
const everyMsMin = 100;

export interface GateWatchOptions {
  readonly clock: Clock;
  readonly prober: Prober;
  readonly gate: GateProbe;
  /** Where commands are that are not propagit's own. */
  readonly code?: CodePlace;
  /** When the waiting for it began; its time is measured from there, also across restarts. */
  readonly since: number;
  readonly onEnd: (end: "open" | "refused", why: string) => void;
}

export class GateWatch {
  readonly #options: GateWatchOptions;
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  #seen: string | undefined;
  #openSince: number | undefined;
  #isOver = false;

  constructor(options: GateWatchOptions) {
    this.#options = options;
    void this.#look();
  }

  /** What was seen last. */
  get seen(): string | undefined {
    return this.#seen;
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#abort.abort();
  }

  async #look(): Promise<void> {
    const { clock, gate, since } = this.#options;
    const view = await this.#ask();
    if (this.#isOver) return;
    this.#seen = view.why;
    if (view.state === "refused") return this.#end("refused", view.why);
    if (this.#isOpen(view)) return this.#end("open", view.why);
    const leftMs = since + gate.timeoutMs - clock.now();
    if (leftMs <= 0) {
      const limit = timeText(gate.timeoutMs);
      return this.#end("refused", `it did not open within ${limit}; seen last: ${view.why}`);
    }
    const nextMs = Math.max(everyMsMin, Math.min(gate.everyMs, this.#lastingMs));
    this.#timer = clock.after(Math.min(nextMs, leftMs), () => void this.#look());
  }

  async #ask(): Promise<GateView> {
    const { clock, gate, prober, code } = this.#options;
    const limitMs = gate.kind === "command" ? gate.task.timeoutMs : lookMsMax;
    const limit = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, limit.signal]);
    const late: GateView = { state: "shut", why: `no answer within ${timeText(limitMs)}` };
    const tooLate = new Promise<GateView>((resolve) => {
      this.#timer = clock.after(limitMs, () => {
        limit.abort();
        resolve(late);
      });
    });
    try {
      return await Promise.race([prober.look(gate, signal, code), tooLate]);
    } catch (thrown) {
      return { state: "shut", why: toPropagitError(thrown).message };
    } finally {
      this.#timer?.cancel();
    }
  }

  /** Health must last. */
  #isOpen({ state }: GateView): boolean {
    const { clock, gate } = this.#options;
    if (state !== "open") this.#openSince = undefined;
    else this.#openSince ??= clock.now();
    if (this.#openSince === undefined) return false;
    return gate.kind !== "health" || clock.now() - this.#openSince >= gate.forMs;
  }

  /** Until what is so now will have been so for long enough. */
  get #lastingMs(): number {
    const { clock, gate } = this.#options;
    if (gate.kind !== "health" || this.#openSince === undefined) return Infinity;
    return this.#openSince + gate.forMs - clock.now();
  }

  #end(end: "open" | "refused", why: string): void {
    this.stop();
    this.#options.onEnd(end, why);
  }
}
