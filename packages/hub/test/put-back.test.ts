/** Rollbacks and the settings of their environment, with the real daemon in virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Params, Result } from "@propagit/protocol";
import { nodeCrypto } from "@propagit/runtime";
import type { Fate } from "./support/sim-drone.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "shop";
const manifest = "services:\n  web: { command: node web.js }\n";

type Wanted = {
  readonly set?: Record<string, string>;
  readonly unset?: string[];
  deploy?: boolean;
};

async function start(fateOf: () => Fate = () => "ready"): Promise<SimHub> {
  const hub = await SimHub.start();
  for (const name of ["one", "two"] as const) {
    hub.repositories.push(repo, name, commits[name], { "propagit.yaml": manifest });
  }
  const drone = hub.drone("web-1", { service: null, fateOf });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  return hub;
}

async function begin(hub: SimHub, { set = {}, unset = [], deploy = true }: Wanted) {
  const conversation = await hub.dial();
  const key = conversation.peer?.sessionKey ?? "";
  const hidden = Object.entries(set).map(([name, value]) => {
    return { name, value: nodeCrypto.encrypt(key, value), secret: false };
  });
  const params: Params<"hub.configure"> = { repo, set: hidden, unset, deploy, by: "ann" };
  return conversation.call("hub.configure", params, { limitMs: 0 });
}

const configure = (hub: SimHub, wanted: Wanted) => hub.settle(begin(hub, wanted));
const deploy = (hub: SimHub, ref: string) => hub.call("hub.deploy", { repo, ref });
const rollback = (hub: SimHub, release?: number) =>
  hub.call("hub.rollback", { repo, by: "eve", ...(release !== undefined && { release }) });

function told({ settings, pending }: Result<"hub.settings">): string {
  const all = settings.map(({ name, value }) => `${name}=${value}`).join(" ");
  return pending.length > 0 ? `${all} (pending: ${pending.join(", ")})` : all;
}

async function settings(hub: SimHub): Promise<string> {
  return told(await hub.call("hub.settings", { repo }));
}

async function texts(hub: SimHub): Promise<readonly string[]> {
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  return events.map(({ text }) => text);
}

test("a deploy after a rollback has the settings that were gone back to", async () => {
  const hub = await start();
  await deploy(hub, "one");
  await configure(hub, { set: { SUFFIX: "!" } });
  await configure(hub, { set: { LATER: "1" }, deploy: false });
  const { release } = await rollback(hub, 1);
  assert.equal(release, 3);
  assert.equal(await settings(hub), "LATER=1 (pending: LATER)");
  await deploy(hub, "two");
  assert.equal(await settings(hub), "LATER=1");
  const { config } = await hub.call("hub.release", { repo, release: 4 });
  assert.deepEqual(config, [{ name: "LATER", change: "added", secret: false }]);
  const text = "settings of shop in production are put back as in release 1: SUFFIX";
  assert.ok((await texts(hub)).includes(text));
});

test("a second rollback brings them back", async () => {
  const hub = await start();
  await deploy(hub, "one");
  await configure(hub, { set: { SUFFIX: "!" } });
  await rollback(hub);
  assert.equal(await settings(hub), "");
  await rollback(hub);
  assert.equal(await settings(hub), "SUFFIX=!");
});

test("a rollback that fails changes nothing", async () => {
  let fate: Fate = "ready";
  const hub = await start(() => fate);
  await deploy(hub, "one");
  await configure(hub, { set: { SUFFIX: "!" } });
  await deploy(hub, "two");
  await hub.call("hub.stop", { repo, ref: commits.one, force: false });
  fate = "fails";
  const { outcome } = await rollback(hub, 1);
  assert.equal(outcome, "failed");
  assert.equal(await settings(hub), "SUFFIX=! (pending: SUFFIX)");
});

test("going back to what is live puts back what only a failed release had", async () => {
  let fate: Fate = "ready";
  const hub = await start(() => fate);
  await deploy(hub, "one");
  fate = "fails";
  const bad = await configure(hub, { set: { BAD: "1" } });
  assert.equal(bad.rollout?.outcome, "failed");
  assert.equal(await settings(hub), "BAD=1");
  fate = "ready";
  const { outcome } = await rollback(hub, 1);
  assert.equal(outcome, "unchanged");
  assert.equal((await hub.call("hub.settings", { repo })).settings.length, 0);
});

test("settings and their release are written together: a hub that dies has both or neither", async () => {
  for (const when of ["before", "after"] as const) {
    const hub = await start();
    await deploy(hub, "one");
    hub.killAtWrite(1, when);
    const asked = begin(hub, { set: { A: "1" } });
    asked.catch(() => undefined);
    await hub.sim.clock.until("it dies", () => !hub.isAlive);
    await hub.start();
    const { releases } = await hub.call("hub.releases", { repo, last: 10 });
    const expected = when === "after" ? [2, "A=1"] : [1, ""];
    assert.deepEqual([releases.length, await settings(hub)], expected);
  }
});

test("changes at the same time are all in the last release", async () => {
  const hub = await start();
  await deploy(hub, "one");
  const names = ["A", "B", "C", "D"];
  const all = Promise.all(names.map((name) => begin(hub, { set: { [name]: "1" } })));
  const results = await hub.settle(all);
  assert.deepEqual(new Set(results.map(({ rollout }) => rollout?.outcome)), new Set(["ready"]));
  assert.equal(await settings(hub), "A=1 B=1 C=1 D=1");
  const { releases } = await hub.call("hub.releases", { repo, last: 1 });
  const { config } = await hub.call("hub.diff", { repo, from: 1, to: releases[0]?.number ?? 0 });
  assert.deepEqual(config.map(({ name }) => name).sort(), names);
});

test("a refused release keeps the settings for the next one, and scaling that is refused is forgotten", async () => {
  const hub = await start();
  await deploy(hub, "one");
  await hub.call("hub.drain", { drone: "web-1", drain: true });
  await assert.rejects(configure(hub, { set: { A: "1" } }), /the settings are kept/);
  assert.equal(await settings(hub), "A=1 (pending: A)");
  const services = [{ service: "web", instances: 3 }];
  await assert.rejects(hub.call("hub.scale", { repo, services }), { code: "NO_PLACE" });
  await hub.call("hub.drain", { drone: "web-1", drain: false });
  const { release } = await deploy(hub, "two");
  const { specification } = await hub.call("hub.release", { repo, release });
  assert.equal(specification.services[0]?.instances.count, 1);
});

test("scales are put back with the release that they are of", async () => {
  const hub = await start();
  await deploy(hub, "one");
  await hub.call("hub.scale", { repo, services: [{ service: "web", instances: 3 }] });
  await deploy(hub, "two");
  await rollback(hub, 1);
  const { release } = await deploy(hub, "two");
  const { specification } = await hub.call("hub.release", { repo, release });
  assert.equal(specification.services[0]?.instances.count, 1);
});
