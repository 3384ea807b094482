/** What proxies report of traffic, as tests make it up. */
import { LatencyHistogram, type TrafficCount, type TrafficReport } from "@propagit/protocol";

/** Of `webapp`: all answered well, each after 10 ms. */
export function countOf(requests: number, more: Partial<TrafficCount> = {}): TrafficCount {
  const latency = new LatencyHistogram();
  for (let request = 0; request < requests; request++) latency.add(10);
  return {
    repo: "webapp",
    environment: "production",
    commit: "7".repeat(40),
    requests,
    statuses: [0, requests, 0, 0, 0],
    refused: 0,
    cut: 0,
    late: 0,
    failed: 0,
    left: 0,
    retries: 0,
    inFlight: 0,
    latency: latency.encode(),
    ...more,
  };
}

/** @param life a hex digit */
export function reportOf(life: string, ...counts: TrafficCount[]): TrafficReport {
  return { proxy: "edge-1", life: life.repeat(32), counts };
}
