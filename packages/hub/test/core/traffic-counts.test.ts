import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LatencyHistogram, type TrafficCount, type TrafficReport } from "@propagit/protocol";
import { TrafficCounts } from "../../src/core/traffic-counts.js";

const commit = "7".repeat(40);
const begin = 1_000_000;

function counts(requests: number, more: Partial<TrafficCount> = {}): TrafficCount {
  const latency = new LatencyHistogram();
  for (let request = 0; request < requests; request++) latency.add(10);
  return {
    repo: "webapp",
    environment: "production",
    commit,
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

function report(life: string, ...rows: TrafficCount[]): TrafficReport {
  return { proxy: "edge-1", life: life.repeat(32), counts: rows };
}

const all = () => true;

describe("TrafficCounts", () => {
  it("takes what a life says first for its beginning, and what is added later for traffic", () => {
    const traffic = new TrafficCounts();
    traffic.take(report("1", counts(1_000)), begin);
    assert.equal(traffic.flowOf(all).requests, 0);
    traffic.take(report("1", counts(1_040)), begin + 5_000);
    assert.equal(traffic.flowOf(all).requests, 40);
    assert.equal(traffic.flowOf(all).latency.count, 40);
    const [row] = traffic.rows({}, 10, begin + 5_000);
    assert.equal(row?.total.requests, 1_040);
  });

  it("counts a report that comes twice once, and a row that its proxy forgot from its beginning", () => {
    const traffic = new TrafficCounts();
    traffic.take(report("1", counts(0)), begin);
    traffic.take(report("1", counts(30)), begin + 5_000);
    traffic.take(report("1", counts(30)), begin + 6_000);
    assert.equal(traffic.flowOf(all).requests, 30);
    traffic.take(report("1", counts(4)), begin + 7_000);
    assert.equal(traffic.flowOf(all).requests, 34);
  });

  it("begins anew with the next life of a proxy, and keeps what the one before counted", () => {
    const traffic = new TrafficCounts();
    traffic.take(report("1", counts(100)), begin);
    traffic.take(report("2", counts(3)), begin + 5_000);
    traffic.take(report("2", counts(8)), begin + 9_000);
    assert.equal(traffic.flowOf(all).requests, 5);
    assert.equal(traffic.rows({}, 10, begin + 9_000)[0]?.total.requests, 108);
  });

  it("adds proxies up, and takes a row that is new in a known life for traffic from its first request", () => {
    const traffic = new TrafficCounts();
    traffic.take({ ...report("1"), proxy: "edge-1" }, begin);
    traffic.take({ ...report("2"), proxy: "edge-2" }, begin);
    traffic.take({ ...report("1", counts(5)), proxy: "edge-1" }, begin + 4_000);
    traffic.take({ ...report("2", counts(7)), proxy: "edge-2" }, begin + 4_000);
    assert.equal(traffic.flowOf(all).requests, 12);
    assert.equal(traffic.rows({}, 10, begin + 4_000).length, 1);
  });

  it("tells rates of a window, and each second of the last minute", () => {
    const traffic = new TrafficCounts();
    traffic.take(report("1"), begin);
    traffic.take(report("1", counts(10, { failed: 1 })), begin + 10_000);
    traffic.take(report("1", counts(30, { failed: 4 })), begin + 11_000);
    const short = traffic.windowOf(all, 1, begin + 11_000);
    assert.deepEqual([short.requests, short.failed, short.latency.count], [20, 3, 20]);
    const long = traffic.windowOf(all, 60, begin + 11_000);
    assert.deepEqual([long.requests, long.failed, long.recent.slice(-3)], [30, 4, [0, 10, 20]]);
    assert.equal(traffic.windowOf(all, 60, begin + 100_000).requests, 0);
  });

  it("does not know what a proxy that is away has in flight", () => {
    const traffic = new TrafficCounts();
    traffic.take(report("1", counts(1, { inFlight: 4 })), begin);
    assert.equal(traffic.rows({}, 10, begin)[0]?.total.inFlight, 4);
    traffic.away("edge-1");
    assert.equal(traffic.rows({}, 10, begin)[0]?.total.inFlight, 0);
    assert.deepEqual(traffic.proxies, [{ proxy: "edge-1", isAway: true, at: begin }]);
  });

  it("keeps rows apart by variant and deployment, and finds those of a place", () => {
    const traffic = new TrafficCounts();
    const rows = [
      counts(1),
      counts(1, { variant: "control" }),
      counts(1, { deployment: "0d1c2b3a49586776" }),
      counts(1, { environment: "staging" }),
    ];
    traffic.take(report("1", ...rows), begin);
    assert.equal(traffic.rows({}, 10, begin).length, 4);
    assert.equal(traffic.rows({ environment: "staging" }, 10, begin).length, 1);
    assert.equal(traffic.rows({ repo: "other" }, 10, begin).length, 0);
  });

  it("forgets the row that said nothing for the longest time when there are too many", () => {
    const traffic = new TrafficCounts();
    const row = (at: number) => counts(1, { repo: `r${at}`, latency: { first: 0, counts: [] } });
    for (let at = 0; at < 2_100; at++) traffic.take(report("1", row(at)), begin + at);
    assert.equal(traffic.rows({}, 1, begin).length, 2_000);
    assert.equal(traffic.rows({ repo: "r99" }, 1, begin).length, 0);
    assert.equal(traffic.rows({ repo: "r100" }, 1, begin).length, 1);
  });
});
