import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOfCount, type TrafficCount } from "@propagit/protocol";
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
  });

  it("adds proxies up, and takes a row that is new in a known life for traffic from its first request", () => {
    const traffic = new TrafficCounts();
    traffic.take({ ...reportOf("1"), proxy: "edge-1" }, begin);
    traffic.take({ ...reportOf("2"), proxy: "edge-2" }, begin);
    traffic.take({ ...reportOf("1", countOf(5)), proxy: "edge-1" }, begin + 4_000);
    traffic.take({ ...reportOf("2", countOf(7)), proxy: "edge-2" }, begin + 4_000);
    assert.equal(traffic.flowOf(all).requests, 12);
    assert.equal(traffic.groups(keyOfCount, 10, begin + 4_000).size, 1);
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
    const inFlight = () => [...traffic.groups(keyOfCount, 10, begin).values()][0]?.inFlight;
    assert.equal(inFlight(), 4);
    traffic.away("edge-1");
    assert.equal(inFlight(), 0);
    assert.deepEqual(traffic.proxies, [{ proxy: "edge-1", isAway: true, at: begin }]);
  });

  it("keeps rows apart by variant and deployment", () => {
    const traffic = new TrafficCounts();
    const rows = [
      countOf(1),
      countOf(1, { variant: "control" }),
      countOf(1, { deployment: "0d1c2b3a49586776" }),
      countOf(1, { environment: "staging" }),
    ];
    traffic.take(reportOf("1", ...rows), begin);
    assert.equal(traffic.groups(keyOfCount, 10, begin).size, 4);
    const ofStaging = (row: TrafficCount) => (row.environment === "staging" ? "" : undefined);
    assert.equal(traffic.groups(ofStaging, 10, begin).size, 1);
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
    const repos = traffic.groups(({ repo }) => repo, 1, begin);
    assert.deepEqual([repos.size, repos.has("r99"), repos.has("r100")], [2_000, false, true]);
  });
});
