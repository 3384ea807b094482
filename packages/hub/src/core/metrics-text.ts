/**
 * What a hub knows of its drones and of artifacts, as Prometheus reads it. Labels are few: repositories, states,
 * no drones; `propagit swarm` names those.
 */
import { totalsOf, type ShareReport, type SwarmView } from "@propagit/protocol";
import { familyText, type MetricFamily, type MetricSample } from "@propagit/runtime";
import type { SwarmCounts, SwarmTally } from "./swarm-tally.js";

export interface HubMetrics {
  readonly version: string;
  /** When this life of the hub began, in ms since 1970. */
  readonly startedAt: number;
  /** Drones by whether they are there: `connected`, `away`. */
  readonly drones: ReadonlyMap<string, number>;
  readonly views: readonly SwarmView[];
  readonly tally: Pick<SwarmTally, "byRepo" | "labelOf">;
}

export function hubMetricsText(metrics: HubMetrics): string {
  const { version, startedAt, drones } = metrics;
  return [
    family("info", "gauge", "Always 1; says which version runs.", [[{ version }, 1]]),
    family("start_time_seconds", "gauge", "When it started, since 1970.", [
      [{}, startedAt / 1_000],
    ]),
    family(
      "drones",
      "gauge",
      "Drones that are known, by whether they are connected.",
      [...drones].map(([contact, count]) => [{ contact }, count]),
    ),
    ...gauges(metrics),
    ...counters(metrics.tally.byRepo),
  ].join("");
}

const states: readonly ShareReport["state"][] = ["taking", "whole", "used", "failed", "gone"];

/** As it is now. */
function gauges({ views, tally }: HubMetrics): string[] {
  const sums = new Map<string, Map<string, number>>();
  const add = (repo: string, name: string, value: number) => {
    const own = sums.get(repo) ?? new Map<string, number>();
    sums.set(repo, own.set(name, (own.get(name) ?? 0) + value));
  };
  for (const view of views) {
    const repo = tally.labelOf(view.repo);
    const { lagging, bytesPerSecond } = totalsOf(view);
    add(repo, "artifacts", 1);
    add(repo, "bytes", view.bytes);
    add(repo, "lagging", lagging);
    add(repo, "rate", bytesPerSecond);
    for (const { report } of view.shares) add(repo, report.state, 1);
  }
  const of = (name: string): MetricSample[] =>
    [...sums].map(([repo, own]) => [{ repo }, own.get(name) ?? 0]);
  const shares = states.flatMap((state) =>
    of(state).map(([labels, value]): MetricSample => [{ ...labels, state }, value]),
  );
  return [
    family("swarm_artifacts", "gauge", "Artifacts that drones take part in.", of("artifacts")),
    family("swarm_artifact_bytes", "gauge", "Size of these together.", of("bytes")),
    family("swarm_shares", "gauge", "Drones that take part, by how far they are.", shares),
    family("swarm_lagging", "gauge", "Drones that are behind the others.", of("lagging")),
    family("swarm_received_bytes_per_second", "gauge", "What all of them receive now.", of("rate")),
  ];
}

/** Since the hub started. */
function counters(byRepo: ReadonlyMap<string, SwarmCounts>): string[] {
  const of = (name: keyof SwarmCounts): MetricSample[] =>
    [...byRepo].map(([repo, counts]) => [{ repo }, counts[name]]);
  const counter = (name: string, help: string, samples: readonly MetricSample[]) =>
    family(`swarm_${name}_total`, "counter", help, samples);
  return [
    counter("hub_sent_bytes", "Bytes of pieces that the hub itself sent.", of("hubSentBytes")),
    counter("received_bytes", "Bytes of pieces that drones received.", of("receivedBytes")),
    counter("sent_bytes", "Bytes of pieces that drones sent to others.", of("sentBytes")),
    counter("wasted_bytes", "Bytes that came twice, or wrong.", of("wastedBytes")),
    counter("failures", "Drones that gave up pieces and went on with git.", of("failures")),
    counter("bans", "Peers that a drone no longer believed.", of("bans")),
  ];
}

function family(
  name: string,
  type: MetricFamily["type"],
  help: string,
  samples: readonly MetricSample[],
): string {
  return familyText({ name: `propagit_hub_${name}`, type, help, samples });
}
