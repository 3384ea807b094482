/** Takes what proxies count, and forgets what is in flight at one that cannot be reached. */
import type { TrafficReport } from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import { TrafficCounts } from "./core/traffic-counts.js";
import type { Proxies } from "./proxies.js";

export class Reports {
  readonly counts = new TrafficCounts();
  readonly #clock: Clock;

  constructor(clock: Clock, proxies: Pick<Proxies, "listen" | "contactOf">) {
    this.#clock = clock;
    proxies.listen(() => {
      for (const { proxy, isAway } of this.counts.proxies) {
        if (!isAway && proxies.contactOf(proxy) !== "connected") this.counts.away(proxy);
      }
    });
  }

  hear(report: TrafficReport): void {
    this.counts.take(report, this.#clock.now());
  }
}
