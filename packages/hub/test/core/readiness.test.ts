import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceReport } from "@propagit/protocol";
import {
  isComplete,
  isReady,
  isReadySomewhere,
  judge,
  rememberFailures,
  startable,
  type SeenDrone,
} from "../../src/core/readiness.js";
import { report } from "../support/desk-world.js";
import { service } from "../support/specifications.js";

const web = (slot: number, changes: Partial<InstanceReport> = {}) =>
  report(`web-${slot}`, { service: "web", slot, port: 10_000 + slot, ...changes });

function drone(changes: Partial<SeenDrone> = {}): SeenDrone {
  return {
    identity: "a",
    drone: "web-1",
    contact: "connected",
    labels: {},
    draining: false,
    ownCommand: false,
    wanted: new Map([["web", 2]]),
    reports: [web(1), web(2)],
    ...changes,
  };
}

const before = { identity: "a", wasThere: true, ranBefore: false, staleFailures: [] };
const kindOf = (seen: SeenDrone, late?: string) => judge(seen, before, late)?.kind;

test("a drone is ready when all that is wanted of it is, and tells the first port", () => {
  assert.deepEqual(judge(drone(), before, undefined), {
    kind: "ready",
    ready: 2,
    wanted: 2,
    port: 10_001,
  });
  assert.equal(judge(drone(), { ...before, ranBefore: true }, undefined)?.kind, "unchanged");
  assert.equal(judge(drone({ wanted: new Map() }), before, undefined), undefined);
});

test("what is missing is waited for until it is late, and then says how far it is", () => {
  const half = drone({ reports: [web(1), web(2, { phase: "starting" })] });
  assert.deepEqual(judge(half, before, undefined), { kind: "pending", ready: 1, wanted: 2 });
  assert.deepEqual(judge(half, before, "too late"), {
    kind: "failed",
    reason: "too late: starting",
  });
  const none = drone({ reports: [] });
  assert.deepEqual(judge(none, before, "too late"), {
    kind: "failed",
    reason: "too late, and the drone never said that it began",
  });
});

test("a failure counts when nothing of the service is under way, unless it was known before", () => {
  const failed = web(2, { phase: "failed", reason: "exit code 1", since: 5 });
  assert.equal(kindOf(drone({ reports: [web(1), failed] })), "failed");
  const goingOn = drone({ reports: [web(1, { phase: "restarting" }), failed] });
  assert.equal(kindOf(goingOn), "pending");
  const stale = { ...before, staleFailures: [...rememberFailures([failed])] };
  assert.equal(judge(drone({ reports: [web(1), failed] }), stale, undefined)?.kind, "pending");
  const again = { ...failed, since: 6 };
  assert.equal(judge(drone({ reports: [web(1), again] }), stale, undefined)?.kind, "failed");
});

test("a drone that is lost is waited for, one that is away or ended is not", () => {
  const kinds = (["lost", "away", "left"] as const).map((contact) => kindOf(drone({ contact })));
  assert.deepEqual(kinds, ["pending", "away", "away"]);
  assert.equal(kindOf(drone({ contact: "lost" }), "too late"), "failed");
});

test("a drone that was away, or joined meanwhile, holds nothing up and is told as it is", () => {
  const wasAway = { ...before, wasThere: false };
  assert.equal(judge(drone({ reports: [] }), wasAway, undefined)?.kind, "away");
  assert.equal(judge(drone(), wasAway, undefined)?.kind, "ready");
  assert.equal(judge(drone({ reports: [] }), undefined, "too late")?.kind, "away");
});

test("a drone's own command is ready whatever it is called", () => {
  const own = drone({ ownCommand: true, wanted: new Map([["", 1]]), reports: [web(1)] });
  assert.equal(isComplete(own), true);
  assert.equal(isReadySomewhere("", [own]), true);
});

test("services start when what they come after is ready on every drone that is there", () => {
  const services = [
    service("web", { after: ["db"] }),
    service("db"),
    service("job", { after: ["x"] }),
  ];
  const db = (phase: InstanceReport["phase"]) => report("db", { service: "db", phase });
  const wanted = new Map([["db", 1]]);
  const ready = drone({ wanted, reports: [db("ready")] });
  const starting = drone({ identity: "b", wanted, reports: [db("starting")] });
  assert.deepEqual(
    startable(services, []),
    ["db", "job"],
    "one that is not known is not waited for",
  );
  assert.deepEqual(startable(services, [ready, starting]), ["db", "job"]);
  assert.deepEqual(startable(services, [ready]), ["web", "db", "job"]);
  assert.deepEqual(startable(services, [ready, { ...starting, contact: "away" }]), [
    "web",
    "db",
    "job",
  ]);
  const none = service("db", { instances: { count: 0, per: "drone" } });
  assert.equal(isReady(none, []), true);
});
