/** Tells the hub what is counted: each second what changed, and everything after each connect. */
import { countsPerReportMax, type TrafficCount } from "@propagit/protocol";
import type { Clock, Conversation, Timer } from "@propagit/runtime";
import type { CountSource } from "./counters.js";

export interface ReporterOptions {
  readonly clock: Clock;
  readonly counts: CountSource;
  /** Which proxy; the same over its restarts. */
  readonly proxy: string;
  /** Which life of it: counts begin at 0 with it. */
  readonly life: string;
}

const reportMs = 1_000;

export class Reporter {
  readonly #options: ReporterOptions;
  #conversation: Conversation | undefined;
  #timer: Timer | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** The hub is there (again): it may know nothing of what was told before. */
  met(conversation: Conversation): void {
    this.#conversation = conversation;
    this.#tell(this.#options.counts.all());
    if (!this.#timer) this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#tell(this.#options.counts.takeChanged());
  }

  #wait(): void {
    this.#timer = this.#options.clock.after(reportMs, () => {
      // While the hub is away they are left: it gets all of them when it is back.
      if (this.#conversation?.isOpen) this.#tell(this.#options.counts.takeChanged());
      this.#wait();
    });
  }

  #tell(counts: readonly TrafficCount[]): void {
    const { proxy, life } = this.#options;
    for (let at = 0; at < counts.length; at += countsPerReportMax) {
      const some = counts.slice(at, at + countsPerReportMax);
      this.#conversation?.tell("hub.report", { proxy, life, counts: some });
    }
  }
}
