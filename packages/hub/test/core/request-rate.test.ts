import assert from "node:assert/strict";
import { it } from "node:test";
import type { TrafficCount, TrafficReport } from "@propagit/protocol";
import { RequestRate } from "../../src/core/request-rate.js";

const count = (requests: number, change: Partial<TrafficCount> = {}): TrafficCount => ({
  repo: "webapp",
  environment: "production",
  commit: "a".repeat(40),
  requests,
  statuses: [0, requests, 0, 0, 0],
  refused: 0,
  cut: 0,
  late: 0,
  failed: 0,
  left: 0,
  retries: 0,
  inFlight: 0,
  latency: { first: 0, counts: [] },
  ...change,
});
const report = (counts: TrafficCount[], life = "1"): TrafficReport => ({
  proxy: "p",
  life: life.repeat(32),
  counts,
});

it("is what was added in the last seconds, whatever was before", () => {
  const rate = new RequestRate();
  assert.equal(rate.perSecond(0), undefined);
  rate.take(report([count(5_000)]), 1_000);
  assert.equal(rate.perSecond(1_500), undefined, "of less than a second nobody can say");
  for (let second = 1; second <= 20; second++) {
    rate.take(report([count(5_000 + second * 30)]), 1_000 + second * 1_000);
  }
  assert.equal(rate.perSecond(21_000), 30);
  assert.equal(rate.perSecond(26_000), 15, "nothing for five seconds");
  assert.equal(rate.perSecond(60_000), 0);
});

it("counts a request once, and begins anew with each life", () => {
  const rate = new RequestRate();
  rate.take(report([count(0), count(0, { variant: "colour=blue" })]), 1_000);
  rate.take(report([count(10), count(10, { variant: "colour=blue" })]), 2_000);
  assert.equal(rate.perSecond(2_000), 10);
  rate.take(report([count(3)], "2"), 3_000);
  assert.equal(rate.perSecond(3_500), undefined);
  rate.take(report([count(5)], "2"), 4_000);
  assert.equal(rate.perSecond(4_000), 2);
});
