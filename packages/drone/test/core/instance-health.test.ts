import assert from "node:assert/strict";
import { test } from "node:test";
import { isFine, beginChecks, judge, type HealthState } from "../../src/core/health.js";
import { reportOf } from "../../src/core/instance-report.js";
import {
  exited,
  health,
  launched,
  opened,
  ready,
  registered,
  type Subject,
  waiting,
} from "../support/instances.js";

const good = { kind: "checked", run: 1, ok: true, reason: "" } as const;
const bad = { kind: "checked", run: 1, ok: false, reason: "GET /up returned 502" } as const;

/** Ready after two good answers. */
function healthy(change: Partial<typeof health> = {}): Subject {
  return waiting({ health: { ...health, ...change } })
    .feed(opened(), { kind: "tick" }, good)
    .pass(600)
    .feed(good, registered());
}

test("asks once it listens, and registers after enough good answers in a row", () => {
  const subject = waiting({ health }).feed(opened());
  assert.deepEqual([subject.kinds, subject.dueMs], [[], 0]);
  assert.deepEqual(subject.feed({ kind: "tick" }).kinds, ["check"]);
  // One check at a time: until it is answered nothing is due but the deadline.
  assert.equal(subject.dueMs, 30_000);
  subject.feed(good);
  assert.deepEqual([subject.kinds, subject.dueMs], [[], 550]);
  subject.pass(550).feed(bad).pass(2_000).feed(good).pass(2_000).feed(good);
  assert.deepEqual(subject.kinds, ["register"]);
  assert.equal(reportOf(subject.feed(registered()).state).health, "passing");
});

test("asks at its interval once it was well, a little earlier or later each time", () => {
  const { dueMs = 0 } = healthy();
  assert.ok(dueMs > 9_000 && dueMs <= 11_000, String(dueMs));
});

test("has no timer without checks", () => {
  assert.equal(ready().dueMs, undefined);
});

test("has no records while it is not well, and new ones when it is again", () => {
  const subject = healthy().pass(11_000).feed(bad);
  assert.deepEqual([subject.phase, subject.kinds], ["ready", []]);
  subject.pass(11_000).feed(bad);
  assert.deepEqual([subject.phase, subject.kinds], ["ready", ["free"]]);
  const { health: told, services, port, reason } = reportOf(subject.state);
  assert.deepEqual(
    [told, services, port, reason],
    ["failing", [], undefined, "unhealthy: GET /up returned 502"],
  );
  subject.pass(11_000).feed(good).pass(11_000).feed(good);
  assert.deepEqual(subject.kinds, ["register"]);
  assert.deepEqual(reportOf(subject.feed(registered()).state).services, ["web"]);
});

test("is restarted when it is not well and its rules say so; that counts as a crash", () => {
  const subject = healthy({ restart: true }).pass(11_000).feed(bad).pass(11_000).feed(bad);
  assert.deepEqual([reportOf(subject.state).phase, subject.kinds], ["restarting", ["free"]]);
  subject.feed({ kind: "freed", run: 1 }).pass(300);
  assert.deepEqual(subject.kinds, ["terminate"]);
  subject.feed(exited());
  assert.deepEqual(
    [subject.phase, subject.reason, subject.dueMs],
    ["restarting", "unhealthy: GET /up returned 502", 1_000],
  );
  subject.pass(1_000).feed(launched(2));
  assert.deepEqual([subject.phase, subject.state.crashes], ["starting", 1]);
});

test("counts no failures within the time of grace", () => {
  const subject = waiting({ health: { ...health, restart: true, graceMs: 5_000 } }).feed(opened());
  for (let answer = 0; answer < 4; answer++) subject.pass(1_000).feed(bad);
  assert.equal(subject.phase, "starting");
  subject.pass(2_000).feed(bad).pass(10_000).feed(bad);
  assert.equal(subject.phase, "stopping");
});

test("says what is wrong when it does not become well in time", () => {
  const subject = waiting({ health }).feed(opened(), { kind: "tick" }, bad).pass(30_000);
  subject.pass(1_000);
  assert.equal(subject.reason, "did not become healthy within 30 s: GET /up returned 502");
  subject.feed(good, good);
  assert.deepEqual(subject.kinds, ["register"]);
  assert.equal(subject.feed(registered()).phase, "ready");
});

test("takes no answers of an earlier process, nor of one that is being stopped", () => {
  const subject = healthy().feed({ kind: "stop" });
  const before = subject.state;
  assert.equal(subject.feed(bad).state, before);
  assert.equal(subject.feed({ ...bad, run: 0 }).state, before);
});

test("knows which statuses are fine", () => {
  const ranges = [
    { low: 200, high: 299 },
    { low: 401, high: 401 },
  ];
  const fine = [199, 200, 299, 300, 401, 402].filter((status) => isFine(status, ranges));
  assert.deepEqual(fine, [200, 299, 401]);
});

test("asks less and less often what never was well, and never more seldom than its interval", () => {
  let state: HealthState = beginChecks(0);
  const waits: number[] = [];
  let now = 0;
  for (let answer = 0; answer < 7; answer++) {
    state = judge(health, state, { ok: false, reason: "" }, { now, date: 0, fraction: 0.5 }, 0);
    waits.push((state.nextAt ?? 0) - now);
    now = state.nextAt ?? 0;
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
});
