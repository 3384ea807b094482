import assert from "node:assert/strict";
import { test } from "node:test";
import type { SightRow, TrafficSight } from "@propagit/protocol";
import { formatTop } from "../../src/output/top.js";

const blue = "a".repeat(40);
const green = "b".repeat(40);

function rowOf(more: Partial<SightRow> = {}): SightRow {
  return {
    repo: "webapp",
    environment: "production",
    commit: blue,
    release: 14,
    wantedPercent: 90,
    observedPercent: 89.71,
    perSecond: 431.4,
    failedPerSecond: 0.2,
    p50Ms: 3.04,
    p95Ms: 12.4,
    p99Ms: 1_240,
    inFlight: 4,
    recent: [0, 100, 400, 431],
    ...more,
  };
}

function sightOf(rows: readonly SightRow[], more: Partial<TrafficSight> = {}): TrafficSight {
  return { at: 0, windowMs: 10_000, proxies: 1, reporting: 1, rows: [...rows], ...more };
}

function shown(sight: TrafficSight, columns = Infinity): string[] {
  return formatTop(sight, columns).trimEnd().split("\n");
}

test("shows each commit of an environment with what it should get and gets", () => {
  const rows = [
    rowOf({ commit: green, release: 13, wantedPercent: 10, observedPercent: 10.29, perSecond: 49 }),
    rowOf(),
    rowOf({ environment: "staging", perSecond: 0, failedPerSecond: 0, observedPercent: 0 }),
  ];
  const lines = shown(sightOf(rows));
  assert.equal(lines[0], "480 requests/s over 1 proxy, of the last 10 s");
  assert.equal(lines[2], "webapp");
  assert.match(
    lines[4] ?? "",
    /aaaaaaa + ▂██ +14 +90 % +89\.7 % +431 +0 % +3 ms +12 ms +1\.2 s +4$/,
  );
  assert.match(lines[5] ?? "", /bbbbbbb + ▂██ +13 +10 % +10\.3 % +49 +0\.4 %/);
  assert.equal(lines[7], "webapp in staging");
});

test("counts what is in an experiment once, and shows its variants below", () => {
  const variant = { variant: "colour=red", perSecond: 200 } as const;
  const { wantedPercent: _, release: __, ...rest } = rowOf(variant);
  const lines = shown(sightOf([rest, rowOf()]));
  assert.match(lines[0] ?? "", /^431 requests/);
  assert.match(lines[5] ?? "", /aaaaaaa colour=red/);
});

test("says who is silent, and what to do when there is nothing to see", () => {
  const [headline, , hint] = shown(sightOf([], { proxies: 3, reporting: 1 }));
  assert.equal(headline, "0 requests/s over 3 proxies, 2 of them silent, of the last 10 s");
  assert.match(hint ?? "", /propagit promote REPO COMMIT/);
  assert.match(shown(sightOf([], { proxies: 0, reporting: 0 })).join(" "), /propagit proxy --hub/);
});

test("leaves columns out on a narrow terminal, and never wraps", () => {
  for (const columns of [40, 60, 80]) {
    const lines = shown(sightOf([rowOf()]), columns).slice(2);
    for (const line of lines) assert.ok(line.length <= columns, `${columns}: ${line}`);
  }
});
