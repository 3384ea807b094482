/** Opens the page for who watches a proxy, with what it knows at the moment it is asked. */
import { environmentDefault, type Route } from "@propagit/protocol";
import { MetricsPage } from "@propagit/runtime";
import { metricsText, type ShareSample } from "../core/metrics-text.js";
import type { ProxyDaemon } from "../proxy.js";
import type { Serving } from "./serving.js";

export interface WatchOptions {
  readonly daemon: ProxyDaemon;
  readonly serving: Serving;
  readonly version: string;
  readonly port: number;
  /** Default: this machine only. */
  readonly host?: string;
}

/** @throws PORT_IN_USE, BAD_USAGE */
export function openMetricsPage(options: WatchOptions): Promise<MetricsPage> {
  const { daemon, serving, version, port, host } = options;
  const startedAt = Date.now();
  return MetricsPage.open({
    port,
    ...(host !== undefined && { host }),
    whyDown: () => daemon.blocked()?.message,
    text: async () =>
      metricsText({
        version,
        startedAt,
        counts: serving.counts.all(),
        tallies: serving.tallies.all(),
        shares: daemon.table.snapshot().book.routes.flatMap(sharesOf),
        connections: serving.connections,
        revision: daemon.table.position?.revision ?? 0,
        stale: daemon.stale(),
      }),
  });
}

function sharesOf({ repo, environment = environmentDefault, shares }: Route): ShareSample[] {
  const sum = shares.reduce((weights, { weight }) => weights + weight, 0);
  return shares.map(({ commit, deployment, weight }) => ({
    repo,
    environment,
    commit,
    ...(deployment !== undefined && { deployment }),
    percent: (100 * weight) / sum,
  }));
}
