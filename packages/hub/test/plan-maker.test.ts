/** Dry runs of a whole hub: whatever it is asked to plan, its store is not written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedChange } from "@propagit/protocol";
import { readPlan } from "@propagit/plan";
import { hubCommands } from "../src/index.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";

async function makePlan(hub: SimHub, change: PlannedChange) {
  const pieces: string[] = [];
  const onPart = (piece: string) => void pieces.push(piece);
  const { text, told } = await hub.call("hub.plan-make", { change }, { onPart });
  const plan = readPlan({ file: "plan.json", text: pieces.join("") + text }, hubCommands);
  return { text: pieces.join("") + text, plan, told };
}

test("a plan is made without a single write, whatever the change is", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1", "web-2");
  await hub.deploy(commits.one);
  await hub.deploy(commits.three, { promote: true });
  const changes: readonly PlannedChange[] = [
    { kind: "deploy", repo, ref: commits.two },
    { kind: "deploy", repo, ref: commits.two, waves: { by: { kind: "percent", steps: [50] } } },
    { kind: "rollback", repo },
    { kind: "promote", repo, ref: "1" },
    { kind: "stop", repo, ref: commits.one, force: true },
    { kind: "reap" },
    { kind: "drain", drone: "web-1" },
    { kind: "undrain", drone: "web-1" },
  ];
  // The next write would end it.
  hub.killAtWrite(1, "before");
  for (const change of changes) {
    const { plan } = await makePlan(hub, change);
    assert.deepEqual(plan.request, change);
  }
  assert.ok(hub.isAlive, "a planner wrote");
});

test("what is so already is skipped, and a release waits behind the one on its way", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy(commits.one);
  const { plan, told } = await makePlan(hub, { kind: "deploy", repo, ref: commits.one });
  assert.deepEqual(plan.stages, []);
  assert.match(told.skipped[0]?.what ?? "", /release 1 of webapp/);
  const drained = await makePlan(hub, { kind: "undrain", drone: "web-1" });
  assert.deepEqual(drained.told.skipped, [{ what: "web-1", why: "it takes instances already" }]);
  const next = await makePlan(hub, { kind: "deploy", repo, ref: commits.two });
  const commands = next.told.durations.map(({ command }) => command);
  assert.ok(commands.includes("wait-healthy"), "past releases say how long it takes");
});

test("a plan is carried out as it is, and refused when what it was made from has moved", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy(commits.one);
  const first = await makePlan(hub, { kind: "drain", drone: "web-1" });
  const start = (plan: string) =>
    hub.call("hub.plan-start", { plan, file: "plan.json", by: "ann" });
  const { id } = await start(first.text);
  const ended = await hub.call("hub.plan-follow", { id, from: 0 });
  assert.equal(ended.outcome, "done");
  await assert.rejects(start(first.text), { code: "PLAN_MOVED", message: /since: drones$/ });
  const { told } = await makePlan(hub, { kind: "drain", drone: "web-1" });
  assert.equal(told.skipped[0]?.why, "it is drained already");
});
