import assert from "node:assert/strict";
import { test } from "node:test";
import type { RestartRules } from "@propagit/protocol";
import { reportOf } from "../../src/core/instance-report.js";
import {
  announced,
  exited,
  launched,
  opened,
  ready,
  registered,
  rules,
  Subject,
  waiting,
} from "../support/instances.js";

const restart = (change: Partial<RestartRules>) => ({
  restart: { ...rules.restart, ...change },
});

const asked = { kind: "retry", isAsked: true } as const;
const adopted = {
  kind: "adopted",
  pid: 77,
  ports: { http: 5_000 },
  restarts: 2,
  wasReady: true,
  hasRecords: true,
  isOver: false,
} as const;

test("is done when it exits with 0 and is not to run always, and says so", () => {
  for (const policy of ["on-failure", "never"] as const) {
    const subject = ready(restart({ policy })).feed(exited(1, 0));
    const { phase, reason } = reportOf(subject.state);
    const why = `exited with code 0: it is done, and its restart policy is ${policy}`;
    assert.deepEqual([phase, reason], ["stopped", why]);
    assert.deepEqual([subject.phase, subject.dueMs, subject.kinds], ["done", undefined, ["free"]]);
    assert.deepEqual(subject.feed({ kind: "retry", isAsked: false }).kinds, []);
    assert.deepEqual(subject.feed(asked).kinds, ["fetch"]);
  }
});

test("is restarted after a failure when it is to run until it is done", () => {
  assert.equal(ready(restart({ policy: "on-failure" })).feed(exited()).phase, "restarting");
});

test("is never restarted when its policy is never, and says so", () => {
  const subject = ready(restart({ policy: "never" })).feed(exited());
  const why = "exited with code 1, and its restart policy is never";
  assert.deepEqual([subject.phase, subject.reason, subject.dueMs], ["failed", why, undefined]);
  assert.equal(subject.feed({ kind: "restart" }).phase, "fetching");
});

test("is given up in a crash loop until somebody asks, and begins to count anew then", () => {
  const subject = ready(restart({ crashesMax: 4 }));
  for (let run = 1; run <= 3; run++)
    subject
      .feed(exited(run))
      .pass(60_000)
      .feed(launched(run + 1));
  subject.feed(exited(4));
  assert.match(subject.reason ?? "", /^exited with code 1, 4 times in a row: a crash loop, so /);
  assert.deepEqual([subject.phase, subject.dueMs], ["failed", undefined]);
  assert.deepEqual(subject.pass(3_600_000).kinds, []);
  subject.feed(asked, { kind: "fetched" }, { kind: "checked-out" }, launched(5), exited(5));
  assert.deepEqual([subject.phase, subject.dueMs], ["restarting", 1_000]);
});

test("rests as its rules say, from the first to the longest time", () => {
  const subject = ready(restart({ firstMs: 200, maxMs: 500 }));
  const rests: (number | undefined)[] = [];
  for (let run = 1; run <= 4; run++) {
    subject.feed(exited(run));
    rests.push(subject.dueMs);
    subject.pass(500).feed(launched(run + 1));
  }
  assert.deepEqual(rests, [200, 400, 500, 500]);
});

test("is restarted in order when somebody asks, and at once", () => {
  const subject = ready().feed({ kind: "restart" });
  const { phase, reason } = reportOf(subject.state);
  assert.deepEqual([phase, reason], ["restarting", "somebody asked for a restart"]);
  assert.deepEqual(subject.kinds, ["free"]);
  subject.feed({ kind: "freed", run: 1 }, { kind: "drained", run: 1 });
  assert.deepEqual(subject.kinds, ["terminate"]);
  assert.deepEqual(subject.feed(exited()).kinds, ["launch"]);
  subject.feed(launched(2), opened(2), registered(2));
  assert.deepEqual([subject.phase, subject.state.restarts], ["ready", 1]);
});

test("stops for good when that is wanted while it restarts", () => {
  const subject = ready().feed({ kind: "restart" }, { kind: "stop" });
  assert.equal(reportOf(subject.state).phase, "stopping");
  assert.equal(subject.feed({ kind: "restart" }, exited()).phase, "stopped");
});

test("goes on as it was when it is adopted, with its records", () => {
  const subject = new Subject().feed(adopted);
  assert.deepEqual([subject.phase, subject.kinds], ["ready", ["register"]]);
  subject.feed(registered());
  const { pid, port, restarts, services } = reportOf(subject.state);
  assert.deepEqual([pid, port, restarts, services], [77, 5_000, 2, ["web"]]);
});

test("looks whether it listens when it is adopted before it was ever ready", () => {
  const subject = new Subject().feed({ ...adopted, wasReady: false, hasRecords: false });
  assert.deepEqual([subject.phase, subject.kinds, subject.dueMs], ["starting", ["probe"], 30_000]);
  assert.deepEqual(subject.feed(opened()).kinds, ["register"]);
});

test("leaves an adopted app that announces itself alone", () => {
  const subject = new Subject().feed({ ...adopted, hasRecords: false });
  assert.deepEqual([subject.phase, subject.kinds], ["ready", []]);
  subject.feed(announced(1, "http"));
  assert.deepEqual(reportOf(subject.state).services, ["http"]);
});

test("follows its restart policy when it ended while no drone was there", () => {
  const over = { ...adopted, isOver: true } as const;
  const subject = new Subject().feed(over);
  assert.deepEqual(subject.kinds, []);
  assert.equal(subject.feed(exited()).phase, "restarting");
  assert.deepEqual(subject.pass(1_000).kinds, ["launch"]);
  const done = new Subject(restart({ policy: "on-failure" })).feed(over, exited(1, 0));
  assert.equal(done.phase, "done");
});

test("rests in this life as it did in the last", () => {
  const rest = { kind: "rest", reason: "it is done", lastLines: [] } as const;
  const done = new Subject().feed({ ...rest, outcome: "done" });
  assert.deepEqual([reportOf(done.state).phase, done.reason], ["stopped", "it is done"]);
  const failed = new Subject().feed({ ...rest, outcome: "failed" });
  assert.deepEqual([failed.phase, failed.dueMs], ["failed", undefined]);
  assert.equal(failed.feed(asked).phase, "fetching");
});

test("is ready when all of its ports listen, and registers each under a name of its own", () => {
  const ports = [{ name: "http" }, { name: "admin", port: 9_000 }];
  const subject = waiting({ ports });
  assert.deepEqual(subject.feed(opened()).kinds, ["register"]);
  subject.feed(registered());
  assert.deepEqual(reportOf(subject.state).services, ["web", "web.admin"]);
});

test("waits for an app's own announcement when only that counts", () => {
  const subject = waiting({ ready: "registry", registers: false });
  assert.deepEqual(subject.kinds, []);
  subject.pass(30_000).pass(1_000);
  assert.equal(subject.reason, "did not announce itself in the registry within 30 s");
  assert.equal(subject.feed(announced(1, "http")).phase, "ready");
});
