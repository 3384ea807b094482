import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrafficCounts } from "../../src/core/traffic-counts.js";
import { countOf, reportOf } from "../support/counts.js";

const begin = 1_000_000;

const all = () => true;

describe("TrafficCounts", () => {
  it("takes what a life says first for its beginning, and what is added later for traffic", () => {
    const traffic = new TrafficCounts();
    traffic.take(reportOf("1", countOf(1_000)), begin);
    assert.equal(traffic.flowOf(all).requests, 0);
    traffic.take(reportOf("1", countOf(1_040)), begin + 5_000);
    assert.equal(traffic.flowOf(all).requests, 40);
    assert.equal(traffic.flowOf(all).latency.count, 40);
    const [row] = traffic.rows({}, 10, begin + 5_000);
    assert.equal(row?.total.requests, 1_040);
  });

  it("counts a report that comes twice once, and a row that its proxy forgot from its beginning", () => {
    const traffic = new TrafficCounts();
    traffic.take(reportOf("1", countOf(0)), begin);
    traffic.take(reportOf("1", countOf(30)), begin + 5_000);
    traffic.take(reportOf("1", countOf(30)), begin + 6_000);
    assert.equal(traffic.flowOf(all).requests, 30);
    traffic.take(reportOf("1", countOf(4)), begin + 7_000);
    assert.equal(traffic.flowOf(all).requests, 34);
  });

  it("begins anew with the next life of a proxy, and keeps what the one before counted", () => {
    const traffic = new TrafficCounts();
    traffic.take(reportOf("1", countOf(100)), begin);
    traffic.take(reportOf("2", countOf(3)), begin + 5_000);
    traffic.take(reportOf("2", countOf(8)), begin + 9_000);
    assert.equal(traffic.flowOf(all).requests, 5);
    assert.equal(traffic.rows({}, 10, begin + 9_000)[0]?.total.requests, 108);
  });

  it("adds proxies up, and takes a row that is new in a known life for traffic from its first request", () => {
    const traffic = new TrafficCounts();
    traffic.take({ ...reportOf("1"), proxy: "edge-1" }, begin);
    traffic.take({ ...reportOf("2"), proxy: "edge-2" }, begin);
    traffic.take({ ...reportOf("1", countOf(5)), proxy: "edge-1" }, begin + 4_000);
    traffic.take({ ...reportOf("2", countOf(7)), proxy: "edge-2" }, begin + 4_000);
    assert.equal(traffic.flowOf(all).requests, 12);
    assert.equal(traffic.rows({}, 10, begin + 4_000).length, 1);
  });

  it("tells rates of a window, and each second of the last minute", () => {
    const traffic = new TrafficCounts();
    traffic.take(reportOf("1"), begin);
    traffic.take(reportOf("1", countOf(10, { failed: 1 })), begin + 10_000);
    traffic.take(reportOf("1", countOf(30, { failed: 4 })), begin + 11_000);
    const short = traffic.windowOf(all, 1, begin + 11_000);
    assert.deepEqual([short.requests, short.failed, short.latency.count], [20, 3, 20]);
    const long = traffic.windowOf(all, 60, begin + 11_000);
    assert.deepEqual([long.requests, long.failed, long.recent.slice(-3)], [30, 4, [0, 10, 20]]);
    assert.equal(traffic.windowOf(all, 60, begin + 100_000).requests, 0);
  });

  it("does not know what a proxy that is away has in flight", () => {
    const traffic = new TrafficCounts();
    traffic.take(reportOf("1", countOf(1, { inFlight: 4 })), begin);
    assert.equal(traffic.rows({}, 10, begin)[0]?.total.inFlight, 4);
    traffic.away("edge-1");
    assert.equal(traffic.rows({}, 10, begin)[0]?.total.inFlight, 0);
    assert.deepEqual(traffic.proxies, [{ proxy: "edge-1", isAway: true, at: begin }]);
  });

  it("keeps rows apart by variant and deployment, and finds those of a place", () => {
    const traffic = new TrafficCounts();
    const rows = [
      countOf(1),
      countOf(1, { variant: "control" }),
      countOf(1, { deployment: "0d1c2b3a49586776" }),
      countOf(1, { environment: "staging" }),
    ];
    traffic.take(reportOf("1", ...rows), begin);
    assert.equal(traffic.rows({}, 10, begin).length, 4);
    assert.equal(traffic.rows({ environment: "staging" }, 10, begin).length, 1);
    assert.equal(traffic.rows({ repo: "other" }, 10, begin).length, 0);
  });

  it("adds rows up by group, and leaves out those that are in none", () => {
    const traffic = new TrafficCounts();
    traffic.take(reportOf("1"), begin);
    const rows = [
      countOf(3, { inFlight: 1 }),
      countOf(4, { variant: "control", inFlight: 2 }),
      countOf(5, { environment: "staging" }),
      countOf(6, { repo: "other" }),
    ];
    traffic.take(reportOf("1", ...rows), begin + 10_000);
    const groupOf = ({ repo, environment }: { repo: string; environment: string }) =>
      repo === "webapp" ? environment : undefined;
    const groups = [...traffic.groups(groupOf, 10, begin + 10_000)];
    const seen = groups.map(([name, { inFlight, window }]) => [name, inFlight, window.requests]);
    assert.deepEqual(seen, [
      ["production", 3, 7],
      ["staging", 0, 5],
    ]);
  });

  it("forgets the row that said nothing for the longest time when there are too many", () => {
    const traffic = new TrafficCounts();
    const row = (at: number) => countOf(1, { repo: `r${at}`, latency: { first: 0, counts: [] } });
    for (let at = 0; at < 2_100; at++) traffic.take(reportOf("1", row(at)), begin + at);
    assert.equal(traffic.rows({}, 1, begin).length, 2_000);
    assert.equal(traffic.rows({ repo: "r99" }, 1, begin).length, 0);
    assert.equal(traffic.rows({ repo: "r100" }, 1, begin).length, 1);
  });
});
