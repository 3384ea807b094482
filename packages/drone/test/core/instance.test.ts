import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "../../src/core/instance-report.js";
import type { InstanceEvent } from "../../src/core/instance-state.js";
import {
  announced,
  epoch,
  exited,
  identity,
  launched,
  opened,
  ready,
  registered,
  rules,
  starting,
  Subject,
  waiting,
} from "../support/instances.js";

test("goes from waiting to ready, step by step", () => {
  const subject = new Subject();
  assert.equal(subject.phase, "waiting");

  subject.feed({ kind: "start" });
  assert.deepEqual([subject.phase, subject.kinds], ["fetching", ["fetch"]]);

  subject.feed({ kind: "fetched" });
  assert.deepEqual(
    [subject.phase, subject.kinds, subject.done],
    ["checking-out", ["check-out"], "fetched"],
  );

  subject.feed({ kind: "checked-out" });
  assert.deepEqual(
    [subject.phase, subject.kinds, subject.done],
    ["starting", ["launch"], "checked out"],
  );

  subject.feed(launched());
  assert.deepEqual(
    [subject.phase, subject.kinds, subject.done],
    ["starting", ["probe"], "started"],
  );

  subject.feed(opened());
  assert.deepEqual([subject.phase, subject.kinds], ["starting", ["register"]]);

  subject.now = 1_234;
  subject.feed(registered());
  const { artifact: _, ...told } = identity;
  assert.deepEqual(reportOf(subject.state), {
    ...told,
    phase: "ready",
    pid: 101,
    port: 5_000,
    services: ["web"],
    restarts: 0,
    since: epoch + 1_234,
  });
});

test("fails when it cannot be fetched, and tries again after a back-off that doubles", () => {
  const subject = new Subject().feed({ kind: "start" }, { kind: "not-fetched", reason: "no line" });
  assert.deepEqual([subject.phase, subject.reason, subject.dueMs], ["failed", "no line", 1_000]);
  subject.pass(1_000);
  assert.deepEqual([subject.phase, subject.kinds], ["fetching", ["fetch"]]);
  subject.feed({ kind: "not-fetched", reason: "no line" });
  assert.equal(subject.dueMs, 1_999);
});

test("fails when it cannot be checked out, and begins with fetching again", () => {
  const subject = new Subject()
    .feed({ kind: "start" }, { kind: "fetched" })
    .feed({ kind: "not-fetched", reason: "disk full" });
  assert.deepEqual([subject.phase, subject.reason], ["failed", "disk full"]);
  assert.deepEqual(subject.feed({ kind: "retry", isAsked: false }).kinds, ["fetch"]);
});

test("fails at once when there can be no process, and tries that again later", () => {
  const subject = starting().feed({ kind: "not-launched", run: 1, reason: "command not found: x" });
  assert.deepEqual([subject.phase, subject.reason], ["failed", "command not found: x"]);
  assert.deepEqual(subject.pass(1_000).kinds, ["launch"]);
  assert.equal(subject.state.restarts, 0);
});

test("rests before a restart, and fails at the third crash in a row", () => {
  const subject = waiting().feed(exited());
  assert.deepEqual(
    [subject.phase, subject.reason, subject.dueMs],
    ["restarting", "exited with code 1", 1_000],
  );
  assert.deepEqual(subject.pass(1_000).kinds, ["launch"]);
  subject.feed(launched(2), exited(2));
  assert.deepEqual([subject.phase, subject.dueMs], ["restarting", 1_999]);
  subject.pass(2_000).feed(launched(3), exited(3));
  assert.deepEqual(
    [subject.phase, subject.reason, reportOf(subject.state).lastLines],
    ["failed", "exited with code 1, 3 times in a row before it was ready", ["oh"]],
  );
  assert.deepEqual(subject.pass(4_000).kinds, ["launch"]);
  assert.equal(subject.state.restarts, 3);
});

test("never waits longer than a minute for a restart", () => {
  const subject = waiting({ restart: { ...rules.restart, crashesMax: 100 } });
  for (let run = 1; run < 20; run++) {
    subject.feed(exited(run));
    assert.ok((subject.dueMs ?? Infinity) <= 60_000);
    subject.pass(60_000).feed(launched(run + 1));
  }
});

test("goes on restarting, not failed, when it was ready before", () => {
  const subject = ready();
  for (let run = 1; run <= 5; run++) {
    subject.feed(exited(run));
    assert.equal(subject.phase, "restarting");
    subject.pass(60_000).feed(launched(run + 1));
  }
});

test("forgets earlier crashes when it was ready for a minute", () => {
  const subject = ready().feed(exited()).pass(1_000).feed(launched(2), opened(2), registered(2));
  subject.now += 60_000;
  assert.equal(subject.feed(exited(2)).dueMs, 1_000);
});

test("frees its record when its process ends", () => {
  assert.deepEqual(ready().feed(exited()).effects, [{ kind: "free", run: 1 }]);
});

test("fails when it does not listen in time, with its last lines, and takes it when it does later", () => {
  const subject = waiting().pass(29_999);
  assert.equal(subject.phase, "starting");
  assert.deepEqual([subject.pass(1).kinds, subject.phase], [["read-output"], "starting"]);
  subject.feed({ kind: "said", run: 1, lastLines: ["hm"] });
  assert.deepEqual(
    [subject.phase, subject.reason, reportOf(subject.state).lastLines],
    [
      "failed",
      'did not listen on port 5000 within 30 s; is it a worker? start the drone with --worker, or give its service "port: none"',
      ["hm"],
    ],
  );
  assert.equal(subject.state.run?.pid, 101);
  assert.deepEqual(subject.feed(opened()).kinds, ["register"]);
  assert.equal(subject.feed(registered()).phase, "ready");
});

test("does not wait for last lines that cannot be read", () => {
  assert.equal(waiting().pass(30_000).pass(1_000).phase, "failed");
});

test("gives a living process another span of time when somebody deploys again", () => {
  const subject = waiting().pass(30_000).pass(1_000).feed({ kind: "retry", isAsked: false });
  assert.deepEqual([subject.phase, subject.kinds, subject.dueMs], ["starting", [], 30_000]);
});

test("restarts at once when somebody deploys again", () => {
  assert.deepEqual(ready().feed(exited(), { kind: "retry", isAsked: true }).kinds, ["launch"]);
});

test("rests after a crash, however often the hub tells something else", () => {
  const unasked = { kind: "retry", isAsked: false } as const;
  const restarting = ready().feed(exited(), unasked);
  assert.deepEqual([restarting.phase, restarting.kinds], ["restarting", []]);
  assert.ok((restarting.dueMs ?? 0) > 0);
});

test("fails while the registry refuses its record, asks again, and lets the process live", () => {
  const refused: InstanceEvent = { kind: "not-registered", run: 1, reason: "port 5000 is taken" };
  const subject = waiting().feed(opened(), refused);
  assert.deepEqual([subject.phase, subject.reason], ["failed", "port 5000 is taken"]);
  assert.deepEqual(subject.pass(1_000).kinds, ["register"]);
  assert.equal(subject.feed(registered()).phase, "ready");
});

test("says that the registry is what is missing when it does not answer", () => {
  const subject = waiting().feed(opened()).pass(30_000).pass(1_000);
  assert.equal(
    subject.reason,
    "it listens on port 5000, but the registry did not take its record within 30 s",
  );
  assert.equal(subject.feed(registered()).phase, "ready");
});

test("is ready when the app announces itself, and makes no record of its own", () => {
  const subject = waiting().feed(announced(1, "http", "admin", "http"));
  const { phase, services, port } = reportOf(subject.state);
  assert.deepEqual([phase, services, port], ["ready", ["http", "admin"], 6_000]);
  assert.deepEqual(subject.feed(opened()).kinds, []);
});

test("is ready as soon as it is there when the app announced itself before", () => {
  const subject = starting().feed(announced(1, "http"));
  assert.equal(subject.phase, "starting");
  assert.equal(subject.feed(launched()).phase, "ready");
});

test("gives its own record up when the app announces itself", () => {
  const subject = ready().feed(announced(1, "http"));
  assert.deepEqual([subject.phase, subject.kinds], ["ready", ["free"]]);
  assert.deepEqual(reportOf(subject.state).services, ["http"]);
});

test("is not ready any more when the app withdraws its records, until it announces itself again", () => {
  const subject = waiting().feed(announced(1, "http"), announced(1));
  assert.deepEqual([subject.phase, subject.dueMs], ["starting", 30_000]);
  subject.pass(30_000).pass(1_000);
  assert.equal(
    subject.reason,
    "it withdrew its record from the registry and did not make a new one within 30 s",
  );
  assert.equal(subject.feed(announced(1, "http")).phase, "ready");
});

test("takes a worker as ready when it lived for a second, without a port", () => {
  const subject = waiting({ ready: "alive", ports: [], registers: false });
  assert.deepEqual([subject.kinds, subject.dueMs], [[], 1_000]);
  subject.pass(1_000);
  const { phase, port, services } = reportOf(subject.state);
  assert.deepEqual([phase, port, services], ["ready", undefined, []]);
});

test("stops what has no process at once", () => {
  const stop: InstanceEvent = { kind: "stop" };
  assert.equal(new Subject().feed(stop).phase, "stopped");
  const fetching = new Subject().feed({ kind: "start" }, stop);
  assert.deepEqual([fetching.phase, fetching.kinds], ["stopped", ["abandon"]]);
  assert.equal(waiting().feed(exited(), stop).phase, "stopped");
});

test("stops in order: records, what is under way, SIGTERM, SIGKILL", () => {
  const subject = ready().feed({ kind: "stop" });
  assert.deepEqual([subject.phase, subject.kinds], ["stopping", ["free"]]);
  subject.feed({ kind: "freed", run: 1 });
  assert.deepEqual(subject.effects, [{ kind: "drain", run: 1, waitMs: 10_000 }]);
  subject.feed({ kind: "drained", run: 1 });
  assert.deepEqual([subject.kinds, subject.dueMs], [["terminate"], 10_000]);
  assert.deepEqual(subject.feed({ kind: "drained", run: 1 }).kinds, [], "once");
  assert.deepEqual(subject.pass(10_000).kinds, ["kill"]);
  assert.deepEqual(subject.pass(1_000).kinds, ["kill"]);
  assert.equal(subject.feed(exited()).phase, "stopped");
});

test("does not wait for a registry that is away when it stops", () => {
  const subject = ready().feed({ kind: "stop" }).pass(2_000);
  assert.deepEqual([subject.kinds, subject.dueMs], [["drain"], 10_000]);
});

test("waits no longer than the stop deadline for what is under way", () => {
  const subject = ready().feed({ kind: "stop" }, { kind: "freed", run: 1 });
  assert.deepEqual(subject.pass(9_999).kinds, []);
  assert.deepEqual([subject.pass(1).kinds, subject.dueMs], [["terminate"], 10_000]);
});

test("lets an app free its own records when it stops, once nothing is under way to it", () => {
  const subject = waiting().feed(announced(1, "http"), { kind: "stop" });
  assert.deepEqual(subject.kinds, ["drain"]);
  assert.deepEqual(subject.feed({ kind: "drained", run: 1 }).kinds, ["terminate"]);
});

test("waits for a process that is being started before it stops it", () => {
  const subject = starting().feed({ kind: "stop" });
  assert.deepEqual([subject.phase, subject.kinds], ["stopping", []]);
  assert.deepEqual(subject.feed(launched()).kinds, ["terminate"]);
  const other = starting().feed({ kind: "stop" });
  assert.equal(other.feed({ kind: "not-launched", run: 1, reason: "no" }).phase, "stopped");
});

test("does not restart what ends while it is being stopped", () => {
  assert.equal(ready().feed({ kind: "stop" }, exited()).phase, "stopped");
});

test("takes no notice of what an earlier process did", () => {
  const subject = waiting().feed(exited()).pass(1_000).feed(launched(2));
  const before = subject.state;
  for (const late of [opened(1), registered(1), exited(1), announced(1, "http"), launched(1)]) {
    subject.feed(late);
    assert.deepEqual([subject.state, subject.kinds], [before, []]);
  }
});
