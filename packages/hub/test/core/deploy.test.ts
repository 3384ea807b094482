import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstancePhase, InstanceReport } from "@propagit/protocol";
import {
  rememberFailures,
  startDeploy,
  stepDeploy,
  type DeployEvent,
} from "../../src/core/deploy.js";
import type { Participant } from "../../src/core/verdict.js";

const commit = "7".repeat(40);

function report(phase: InstancePhase, more: Partial<InstanceReport> = {}): InstanceReport {
  const base = { process: "p", repo: "webapp", commit, service: "web", services: [], restarts: 0 };
  return { ...base, phase, since: 1, ...more };
}

function drone(name: string, more: Partial<Participant> = {}): Participant {
  return {
    identity: name,
    drone: name,
    isConcerned: true,
    ranBefore: false,
    staleFailures: [],
    contact: "connected",
    reports: [],
    ...more,
  };
}

const observed = (identity: string, ...reports: InstanceReport[]): DeployEvent => ({
  kind: "observed",
  identity,
  reports,
});

/** Feeds events; what is told, and how it ends if it does. */
function play(goal: "deploy" | "stop", participants: Participant[], events: DeployEvent[]) {
  let step = startDeploy(goal, participants);
  const told = step.lines.map(({ drone, phase }) => `${drone} ${phase}`);
  for (const event of events) {
    if (step.end) break;
    step = stepDeploy(step.state, event);
    told.push(...step.lines.map(({ drone, phase }) => `${drone} ${phase}`));
  }
  const verdicts = step.end?.drones.map(({ drone, outcome }) => `${drone} ${outcome}`);
  return { told, outcome: step.end?.outcome, verdicts, end: step.end };
}

test("it waits for the last drone", () => {
  const both = [drone("a"), drone("b")];
  const ready = report("ready", { port: 80 });
  assert.equal(play("deploy", both, [observed("a", ready)]).outcome, undefined);
  const played = play("deploy", both, [observed("a", ready), observed("b", ready)]);
  assert.deepEqual(played.end, {
    outcome: "ready",
    drones: [
      { drone: "a", outcome: "ready", port: 80 },
      { drone: "b", outcome: "ready", port: 80 },
    ],
  });
  assert.deepEqual(played.told, ["a ready", "b ready"]);
});

test("what happens twice is told once, and what a stranger does is nobody's business", () => {
  const played = play(
    "deploy",
    [drone("a"), drone("b")],
    [
      { ...observed("a", report("checking-out")), step: "fetched" } as DeployEvent,
      { ...observed("a", report("checking-out")), step: "fetched" } as DeployEvent,
      observed("stranger", report("ready")),
      observed("a", report("ready")),
      observed("a", report("ready")),
    ],
  );
  assert.deepEqual(played.told, ["a fetched", "a ready"]);
  assert.equal(played.outcome, undefined);
});

test("one that was ready and crashes is waited for again", () => {
  const played = play(
    "deploy",
    [drone("a"), drone("b")],
    [
      observed("a", report("ready")),
      observed("a", report("restarting", { reason: "exit code 1" })),
      observed("b", report("ready")),
      { kind: "late", text: "it was not ready in time" },
    ],
  );
  assert.deepEqual(played.verdicts, ["a failed", "b ready"]);
  assert.equal(played.end?.drones[0]?.reason, "it was not ready in time: exit code 1");
});

test("one that failed and heals itself in time is ready", () => {
  const played = play(
    "deploy",
    [drone("a"), drone("b")],
    [
      observed("a", report("failed", { reason: "no" })),
      observed("a", report("ready")),
      observed("b", report("ready")),
    ],
  );
  assert.equal(played.outcome, "ready");
});

test("a failure from before does not count, the same one again does", () => {
  const old = report("failed", { since: 5 });
  const stale = drone("a", { reports: [old], staleFailures: rememberFailures([old]) });
  assert.equal(play("deploy", [stale], [observed("a", old)]).outcome, undefined);
  const fresh = report("failed", { since: 9, reason: "no", lastLines: ["boom"] });
  assert.deepEqual(play("deploy", [stale], [observed("a", fresh)]).end?.drones, [
    { drone: "a", outcome: "failed", reason: "no", lastLines: ["boom"] },
  ]);
});

test("an old instance that failed does not hide a new one on its way", () => {
  const failed = report("failed", { process: "old" });
  const starting = report("starting", { process: "new" });
  assert.equal(play("deploy", [drone("a")], [observed("a", failed, starting)]).outcome, undefined);
});

test("a lost drone is waited for, one that is away has failed, one that left is not missed", () => {
  const contact = (kind: Participant["contact"]): DeployEvent => ({
    kind: "contact",
    identity: "a",
    contact: kind,
    reports: [],
  });
  const b = drone("b", { reports: [report("ready")] });
  const end = (...events: DeployEvent[]) => play("deploy", [drone("a"), b], events).verdicts;
  assert.equal(end(contact("lost")), undefined);
  assert.deepEqual(end(contact("lost"), contact("away")), ["a failed", "b ready"]);
  assert.deepEqual(end(contact("left")), ["a away", "b ready"]);
  assert.deepEqual(end(contact("lost"), contact("connected"), observed("a", report("ready"))), [
    "a ready",
    "b ready",
  ]);
});

test("when every drone left nothing is ready, and that is no success", () => {
  const left: DeployEvent = { kind: "contact", identity: "a", contact: "left", reports: [] };
  assert.equal(play("deploy", [drone("a")], [left]).outcome, "failed");
});

test("one that was away before is not waited for, and told as it is", () => {
  const away = drone("b", { isConcerned: false, contact: "away" });
  const ready = observed("a", report("ready"));
  assert.deepEqual(play("deploy", [drone("a"), away], [ready]).verdicts, ["a ready", "b away"]);
  const back: DeployEvent = {
    kind: "contact",
    identity: "b",
    contact: "connected",
    reports: [report("ready")],
  };
  assert.deepEqual(play("deploy", [drone("a"), away], [back, ready]).verdicts, [
    "a ready",
    "b ready",
  ]);
});

test("what ran before is unchanged, unless it fell over on the way", () => {
  const ran = drone("a", { ranBefore: true, reports: [report("ready")] });
  assert.equal(play("deploy", [ran], []).outcome, "unchanged");
  const played = play(
    "deploy",
    [ran, drone("b")],
    [
      observed("a", report("restarting")),
      observed("a", report("ready")),
      observed("b", report("ready")),
    ],
  );
  assert.deepEqual(played.verdicts, ["a ready", "b ready"]);
});

test("late and superseded fail whoever is pending, and nobody else", () => {
  for (const kind of ["late", "superseded"] as const) {
    const played = play(
      "deploy",
      [drone("a"), drone("b")],
      [observed("a", report("ready")), { kind, text: "time is up" }],
    );
    assert.deepEqual(played.verdicts, ["a ready", "b failed"]);
    const reason = "time is up, and the drone never said that it began";
    assert.equal(played.end?.drones[1]?.reason, reason);
  }
});

test("a stop waits until nothing of the commit is left", () => {
  const running = drone("a", { reports: [report("ready")] });
  const played = play(
    "stop",
    [running, drone("b")],
    [observed("a", report("stopping")), observed("a", report("stopped"))],
  );
  assert.deepEqual(played.told, ["b stopped", "a stopping", "a stopped"]);
  assert.equal(played.outcome, "stopped");
  const stuck = play("stop", [running], [{ kind: "late", text: "it was not stopped in time" }]);
  assert.equal(stuck.outcome, "failed");
  assert.equal(play("stop", [], []).outcome, "stopped");
});
