import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "@propagit/protocol";
import { TrafficCounts } from "../../src/core/traffic-counts.js";
import { trafficSight, type SightSource } from "../../src/core/traffic-sight.js";
import { countOf as reported } from "../support/counts.js";

const blue = { commit: "a".repeat(40), deployment: "a".repeat(16) };
const green = { commit: "b".repeat(40), deployment: "b".repeat(16) };
const proxy = "1".repeat(32);
/** Long after its life began, so that what is told is of now. */
const now = 1_000_000;

interface Told {
  readonly to: typeof blue;
  readonly requests: number;
  readonly failed?: number;
  readonly variant?: string;
  readonly environment?: string;
}

function countOf({ to, requests, failed = 0, variant, environment = "production" }: Told) {
  return reported(requests, {
    environment,
    ...to,
    ...(variant !== undefined && { variant }),
    statuses: [0, requests - failed, 0, 0, failed],
    failed,
    inFlight: 2,
  });
}

function sourceOf(told: readonly Told[], more: Partial<SightSource> = {}): SightSource {
  const counts = new TrafficCounts();
  const life = "2".repeat(32);
  counts.take({ proxy, life, counts: [] }, now - 100_000);
  counts.take({ proxy, life, counts: told.map(countOf) }, now);
  const route: Route = {
    repo: "webapp",
    shares: [
      { ...blue, weight: 3 },
      { ...green, weight: 1 },
    ],
  };
  const releaseOf = (deployment: string) => (deployment === blue.deployment ? 14 : 13);
  return { counts, routes: [route], releaseOf, proxies: 1, reporting: 1, ...more };
}

test("shows what is wanted beside what is observed, also of who has no visitors", () => {
  const { rows, ...rest } = trafficSight(
    sourceOf([{ to: blue, requests: 80, failed: 4 }]),
    {},
    now,
  );
  assert.deepEqual(rest, { at: now, windowMs: 10_000, proxies: 1, reporting: 1 });
  const [first, second] = rows;
  assert.equal(rows.length, 2);
  assert.deepEqual([first?.release, first?.wantedPercent, first?.observedPercent], [14, 75, 100]);
  assert.deepEqual([first?.perSecond, first?.failedPerSecond, first?.inFlight], [8, 0.4, 2]);
  assert.ok(Math.abs((first?.p95Ms ?? 0) - 10) < 0.7);
  assert.equal(first?.recent.at(-1), 80);
  assert.deepEqual(
    [second?.release, second?.wantedPercent, second?.observedPercent, second?.perSecond],
    [13, 25, 0, 0],
  );
  assert.equal(second?.p95Ms, undefined);
});

test("counts those who are counted apart for a rollout with their share", () => {
  const told = [
    { to: blue, requests: 60 },
    { to: blue, requests: 15, variant: "control" },
    { to: green, requests: 25 },
  ];
  const { rows } = trafficSight(sourceOf(told), {}, now);
  assert.deepEqual(
    rows.map(({ observedPercent, inFlight }) => [observedPercent, inFlight]),
    [
      [75, 4],
      [25, 2],
    ],
  );
});

test("draws no share of those who asked for a commit, and one for each experiment", () => {
  const told = [
    { to: blue, requests: 40 },
    { to: green, requests: 10, variant: "direct" },
    { to: blue, requests: 30, variant: "colour=red" },
    { to: blue, requests: 10, variant: "colour=blue" },
    { to: blue, requests: 5, variant: "size=big" },
  ];
  const { rows } = trafficSight(sourceOf(told, { routes: [] }), {}, now);
  const observed = Object.fromEntries(
    rows.map(({ variant = "", observedPercent }) => [variant, observedPercent]),
  );
  assert.deepEqual(observed, {
    "": 100,
    direct: undefined,
    "colour=red": 75,
    "colour=blue": 25,
    "size=big": 100,
  });
});

test("shows one environment only when that is asked for", () => {
  const told = [
    { to: blue, requests: 1 },
    { to: green, requests: 1, environment: "staging" },
  ];
  const { rows } = trafficSight(sourceOf(told), { environment: "staging" }, now);
  assert.deepEqual(
    rows.map(({ environment, commit }) => [environment, commit]),
    [["staging", green.commit]],
  );
});

test("forgets what nobody asks for any more", () => {
  const source = sourceOf([{ to: blue, requests: 1 }], { routes: [] });
  source.counts.away(proxy);
  assert.deepEqual(trafficSight(source, {}, now + 61_000).rows, []);
});
