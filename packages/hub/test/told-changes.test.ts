/** What is told beside the plan of a change: where instances begin and end, who has the visitors, which steps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedChange } from "@propagit/protocol";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const manifest =
  "services:\n  web: { command: node web.js }\n  job: { command: x, instances: 2 total, port: none }\n";

async function begin(...names: string[]) {
  const hub = await SimHub.start();
  hub.repositories.push(repo, "one", commits.one, { "propagit.yaml": manifest });
  const drones = names.map((name) => hub.drone(name, { service: null }));
  await hub.sim.clock.until("they join", () => drones.every(({ assigned }) => assigned));
  await hub.deploy("one");
  return { hub, drones };
}

async function toldOf(hub: SimHub, change: PlannedChange): Promise<readonly string[]> {
  const { told } = await hub.call("hub.plan-make", { change }, { onPart: () => undefined });
  return told.warnings;
}

test("a drain says what ends and begins where, and so it comes", async () => {
  const { hub, drones } = await begin("web-1", "web-2", "web-3");
  const jobsOn = () =>
    drones.flatMap(({ instances }, at) =>
      [...instances.values()].some(({ service }) => service === "job") ? [`web-${at + 1}`] : [],
    );
  const [drained = "", stays = ""] = jobsOn();
  const free = ["web-1", "web-2", "web-3"].find((name) => name !== drained && name !== stays);
  assert.deepEqual(await toldOf(hub, { kind: "drain", drone: drained }), [
    "it runs 2 instances",
    `web of release 1 of webapp: 1 ends on ${drained}`,
    `job of release 1 of webapp: 1 ends on ${drained}; 1 starts on ${free}`,
  ]);
  await hub.call("hub.drain", { drone: drained, drain: true });
  await hub.sim.clock.until("it moves", () => !jobsOn().includes(drained));
  assert.deepEqual(new Set(jobsOn()), new Set([stays, free]));
  assert.deepEqual(await toldOf(hub, { kind: "undrain", drone: drained }), [
    `web of release 1 of webapp: 1 starts on ${drained}`,
  ]);
});

test("a drain says what becomes of a drone's own command", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1", "web-2");
  await hub.deploy(commits.one);
  assert.deepEqual(await toldOf(hub, { kind: "drain", drone: "web-1" }), [
    "it runs 1 instance",
    "the drones' own command of release 1 of webapp: 1 ends on web-1",
  ]);
});

test("a stop says what runs, a promote and a split who has the visitors, a rollout its steps", async () => {
  const { hub } = await begin("web-1", "web-2");
  hub.repositories.push(repo, "two", commits.two, { "propagit.yaml": manifest });
  await hub.deploy("two", { promote: false });
  const [one, two] = [commits.one, commits.two];
  assert.deepEqual(await toldOf(hub, { kind: "stop", repo, ref: two, force: false }), [
    "just now these are 4 instances on web-1, web-2",
  ]);
  const now = "now all of them go to 74336bc";
  assert.deepEqual(await toldOf(hub, { kind: "promote", repo, ref: two }), [now]);
  const shares = [
    { ref: one, weight: 90 },
    { ref: two, weight: 10 },
  ];
  assert.deepEqual(await toldOf(hub, { kind: "split", repo, shares }), [now]);
  await hub.call("hub.split", { repo, shares });
  assert.deepEqual(await toldOf(hub, { kind: "promote", repo, ref: two }), [
    "now they go by weight: 74336bc 90, 74336bc 10",
  ]);
  const plan = { steps: [20, 100], everyMs: 60_000 };
  assert.deepEqual(await toldOf(hub, { kind: "rollout", repo, ref: two, plan }), [
    "steps: 20 %, 100 %; 1 min at least",
    "each is looked at for 1 min; with fewer than 200 requests it waits for more",
    "goes back when it fails 0.5 points of percent more often than the old one, or its 95th percentile is 1.2 times as long",
  ]);
});
