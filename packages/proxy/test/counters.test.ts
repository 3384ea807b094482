import assert from "node:assert/strict";
import { test } from "node:test";
import { countRowsMax, LatencyHistogram } from "@propagit/protocol";
import { commitStatsOf, Counters, MergedCounters, type Outcome } from "../src/counters.js";
import { commitA } from "./support/samples.js";

const place = { repo: "webapp", environment: "production", commit: commitA };
const fine: Outcome = {
  status: 200,
  hasLeft: false,
  failure: undefined,
  headMs: 3,
  retries: 0,
};

test("tells only what changed since it was asked", () => {
  const counters = new Counters();
  const row = counters.rowOf(place);
  counters.rowOf({ ...place, variant: "direct" }).begin();
  assert.equal(counters.takeChanged().length, 2);
  assert.deepEqual(counters.takeChanged(), []);
  row.begin();
  row.end(fine);
  const [changed, ...others] = counters.takeChanged();
  assert.deepEqual([changed?.requests, changed?.inFlight, others.length], [1, 0, 0]);
  assert.equal(counters.all().length, 2);
});

test("forgets an idle row when there are too many, never one in flight, and says so to who keeps it", () => {
  const counters = new Counters();
  const busy = counters.rowOf({ ...place, variant: "busy" });
  busy.begin();
  const idle = counters.rowOf({ ...place, variant: "idle" });
  for (let count = 2; count <= countRowsMax; count++) {
    counters.rowOf({ ...place, variant: `variant ${count}` });
  }
  assert.deepEqual([busy.isForgotten, idle.isForgotten], [false, true]);
  assert.equal(counters.all().length, countRowsMax);
});

test("puts the counts of several threads together, those of ended ones included", () => {
  const merged = new MergedCounters();
  const threads = [1, 2, 3].map(() => new Counters());
  for (const [index, counters] of threads.entries()) {
    for (let count = 0; count <= index; count++) {
      const row = counters.rowOf(place);
      row.begin();
      row.end(fine);
    }
    counters.rowOf(place).begin();
    merged.put(`thread ${index}`, counters.all());
  }
  const sum = () => merged.all().map((count) => [count.requests, count.inFlight]);
  assert.deepEqual(sum(), [[6, 3]]);
  merged.end("thread 2");
  merged.end("thread 1");
  assert.deepEqual(sum(), [[6, 1]]);
  const [count] = merged.takeChanged();
  assert.equal(count && LatencyHistogram.decode(count.latency).count, 6);
  assert.deepEqual(merged.takeChanged(), []);
  merged.put("thread 3", threads[0]?.all() ?? []);
  assert.deepEqual(sum(), [[7, 2]]);
});

test("adds up commits over variants without counting experiments twice", () => {
  const counters = new Counters();
  for (const variant of [undefined, "direct", "control", "color=red"]) {
    const row = counters.rowOf(variant === undefined ? place : { ...place, variant });
    row.begin();
    row.end({ ...fine, status: 500 });
  }
  assert.deepEqual(commitStatsOf(counters.all()), [
    { commit: commitA, requests: 3, errors: 3, inFlight: 0 },
  ]);
});
