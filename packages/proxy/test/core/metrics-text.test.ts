import assert from "node:assert/strict";
import { test } from "node:test";
import { LatencyHistogram, type TrafficCount } from "@propagit/protocol";
import { metricsText, type MetricsSnapshot } from "../../src/core/metrics-text.js";

const commit = "a".repeat(40);

function countsOf(latenciesMs: readonly number[]): TrafficCount {
  const histogram = new LatencyHistogram();
  for (const ms of latenciesMs) histogram.add(ms);
  return {
    repo: "webapp",
    environment: "production",
    commit,
    requests: 12,
    statuses: [0, 9, 0, 1, 1],
    refused: 1,
    cut: 0,
    late: 0,
    failed: 1,
    left: 1,
    retries: 2,
    inFlight: 3,
    latency: histogram.encode(),
  };
}

function snapshotOf(more: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  return {
    version: "0.1.0",
    startedAt: 1_000,
    counts: [],
    tallies: [],
    shares: [],
    connections: { open: 5, accepted: 7, refused: 2, tunnels: 1 },
    revision: 42,
    stale: [],
    ...more,
  };
}

/** Samples by name and labels, as a scraper reads them. */
function samplesOf(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, key, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    assert.ok(key !== undefined && !samples.has(key), `a sample that cannot be read: ${line}`);
    samples.set(key, Number(value));
  }
  return samples;
}

test("tells what was counted for each place", () => {
  const samples = samplesOf(metricsText(snapshotOf({ counts: [countsOf([])] })));
  const place = `repo="webapp",environment="production",commit="${commit}"`;
  const of = (name: string, more = "") => samples.get(`propagit_proxy_${name}{${place}${more}}`);
  assert.equal(of("requests_total", ',status="2xx"'), 9);
  assert.equal(of("requests_total", ',status="none"'), 1);
  assert.equal(of("request_failures_total", ',reason="refused"'), 1);
  assert.equal(of("requests_failed_total"), 1);
  assert.equal(of("requests_left_total"), 1);
  assert.equal(of("request_retries_total"), 2);
  assert.equal(of("requests_in_flight"), 3);
});

test("tells latencies as a histogram whose buckets only grow", () => {
  const latencies = [0.05, 0.5, 1, 3, 10, 30, 100, 10_000];
  const samples = samplesOf(metricsText(snapshotOf({ counts: [countsOf(latencies)] })));
  const buckets = [...samples].filter(([key]) => key.includes("_bucket"));
  const values = buckets.map(([, value]) => value);
  assert.deepEqual(
    values,
    values.toSorted((left, right) => left - right),
  );
  assert.equal(values.at(-1), latencies.length);
  for (const [key, value] of buckets) {
    const le = Number(/le="([^"]+)"/.exec(key)?.[1]?.replace("+Inf", "Infinity"));
    // Exact at the edges, as they are the edges of what is counted.
    assert.equal(value, latencies.filter((ms) => ms / 1_000 < le).length, key);
  }
  const sum = [...samples].find(([key]) => key.includes("_sum"))?.[1] ?? 0;
  const real = latencies.reduce((total, ms) => total + ms, 0) / 1_000;
  assert.ok(Math.abs(sum - real) / real < 0.065, `${sum} beside ${real}`);
});

test("tells whom the book wants to have visitors, and whether it may be old", () => {
  const shares = [{ repo: "webapp", environment: "production", commit, percent: 90 }];
  const samples = samplesOf(metricsText(snapshotOf({ shares, stale: ["hub"] })));
  const place = `repo="webapp",environment="production",commit="${commit}"`;
  assert.equal(samples.get(`propagit_proxy_share_percent{${place}}`), 90);
  assert.equal(samples.get('propagit_proxy_stale{of="hub"}'), 1);
  assert.equal(samples.get('propagit_proxy_stale{of="registry"}'), 0);
  assert.equal(samples.get("propagit_proxy_connections"), 5);
  assert.equal(samples.get("propagit_proxy_connections_refused_total"), 2);
  assert.equal(samples.get("propagit_proxy_book_revision"), 42);
});

test("says each family once, with its kind, before its samples", () => {
  const text = metricsText(snapshotOf({ counts: [countsOf([1]), countsOf([2])] }));
  const families = text.match(/^# TYPE \S+/gm) ?? [];
  assert.equal(new Set(families).size, families.length);
  assert.ok(text.endsWith("\n"));
});

test("escapes what would end a label", () => {
  const odd = { ...countsOf([]), variant: 'a="b"\\\n=c' };
  assert.match(metricsText(snapshotOf({ counts: [odd] })), /variant="a=\\"b\\"\\\\\\n=c"/);
});
