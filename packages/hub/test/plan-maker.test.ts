/** Dry runs of a whole hub: whatever it is asked to plan, its store is not written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FilesPart, PlannedChange } from "@propagit/protocol";
import { readPlan } from "@propagit/plan";
import { nodeCrypto } from "@propagit/runtime";
import { hubCommands } from "../src/index.js";
import { run } from "./support/fleet-plans.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";

type Setting = Extract<PlannedChange, { kind: "configure" }>["set"][number];

/** As the command line asks: values are hidden under the key of its session. */
async function planSettings(
  hub: SimHub,
  set: readonly Setting[],
  more: Partial<Extract<PlannedChange, { kind: "configure" }>> = {},
) {
  const conversation = await hub.settle(hub.dial());
  const key = conversation.peer?.sessionKey ?? "";
  const hidden = set.map(({ value = "", ...one }) => ({
    ...one,
    value: nodeCrypto.encrypt(key, value),
  }));
  const change = {
    kind: "configure",
    repo,
    set: hidden,
    unset: [],
    deploy: true,
    ...more,
  } as const;
  const { text, told } = await hub.settle(
    conversation.call("hub.plan-make", { change: { ...change, unset: [...change.unset] } }),
  );
  return { text, told, plan: readPlan({ file: "plan.json", text }, hubCommands), hidden };
}

async function setNow(hub: SimHub, name: string, value: string, secret: boolean): Promise<void> {
  const conversation = await hub.settle(hub.dial());
  const key = conversation.peer?.sessionKey ?? "";
  const set = [{ name, value: nodeCrypto.encrypt(key, value), secret }];
  const params = { repo, set, unset: [], deploy: false, by: "ann" };
  await hub.settle(conversation.call("hub.configure", params));
}

async function makePlan(hub: SimHub, change: PlannedChange) {
  const pieces: string[] = [];
  const onPart = (part: string | FilesPart) => {
    if (typeof part === "string") pieces.push(part);
  };
  const { text, told } = await hub.call("hub.plan-make", { change }, { onPart });
  const plan = readPlan({ file: "plan.json", text: pieces.join("") + text }, hubCommands);
  return { text: pieces.join("") + text, plan, told };
}

const variants = (ref: string) => [
  { name: "a", weight: 1 },
  { name: "b", weight: 1, ref },
];

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
    { kind: "split", repo, shares: [{ ref: "1", weight: 90 }] },
    { kind: "pin", repo, release: 1 },
    { kind: "unpin", repo, release: 1 },
    { kind: "hold", target: { repo, drones: { names: ["web-2"] } }, force: true },
    { kind: "start", target: { repo } },
    { kind: "restart", target: { repo } },
    { kind: "rules", repo, set: { pause: { limitMs: 30_000 } }, off: [], unset: [] },
    { kind: "host", repo, add: { host: "www.example.com" } },
    { kind: "rules", repo, set: {}, off: [], unset: [], end: ["maintenance"] },
    { kind: "rollout", repo, ref: commits.two, plan: { everyMs: 60_000 } },
    { kind: "rollout-change", repo, change: "promote" },
    { kind: "rollout-change", repo, change: "abort" },
    { kind: "experiment-start", repo, name: "colour", variants: variants("1"), rules: [] },
    { kind: "experiment-stop", repo, name: "header", promote: "b" },
    { kind: "shadow", repo, to: { ref: "1", percent: 5 } },
    { kind: "access", repo, add: "ann" },
    { kind: "label", drone: "web-2", set: { zone: "eu" }, unset: ["gpu"] },
    run,
    { kind: "acme", addHosts: ["a.test"], dropHosts: [], addAllow: [], dropAllow: [] },
    { kind: "configure", repo, set: [], unset: ["NONE"], deploy: true },
    {
      kind: "files",
      target: { names: ["*"] },
      path: "/srv/site",
      commit: commits.one,
      replace: false,
      force: false,
    },
  ];
  const held = { repo, release: "1", drones: { names: ["web-1"] } };
  await hub.call("hub.hold", { target: held, start: false, force: true });
  const header = { repo, name: "header", variants: variants("1"), rules: [] };
  await hub.call("hub.experiment-start", header);
  await hub.call("hub.canary-start", { repo, ref: "1", plan: {}, detach: true });
  const phase = async () => (await hub.call("hub.canary", { repo, follow: false })).phase;
  while ((await phase()) !== "measuring") await hub.sim.clock.advance(10);
  hub.files.pushed.add(commits.one);
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

test("what takes one step is said to take as long as it did before", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1", "web-2");
  await hub.deploy(commits.one);
  const drain = (drone: string) => ({ kind: "drain", drone }) as const;
  const first = await makePlan(hub, drain("web-1"));
  assert.deepEqual(first.told.durations, []);
  await hub.call("hub.drain", { drone: "web-1", drain: true });
  const { told } = await makePlan(hub, drain("web-2"));
  assert.deepEqual(
    told.durations.map(({ command }) => command),
    ["drain-drone"],
  );
});

test("what visitors get already is skipped, whoever wanted it so", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy(commits.one);
  const skipped = async (change: PlannedChange) => {
    const { plan, told } = await makePlan(hub, change);
    return plan.stages.length === 0 ? told.skipped : [];
  };
  const change = { set: {}, off: [], unset: [], end: ["maintenance" as const] };
  assert.deepEqual(await skipped({ kind: "rules", repo, ...change }), [
    { what: "rules", why: "they are like that already" },
  ]);
  const experiment = { repo, name: "header", variants: variants(commits.one), rules: [] };
  const shadow = { repo, to: { ref: commits.one, percent: 5 } };
  assert.deepEqual(await skipped({ kind: "shadow", repo }), [
    { what: "requests", why: "they are not copied anywhere" },
  ]);
  assert.deepEqual(await skipped({ kind: "experiment-start", ...experiment }), []);
  assert.deepEqual(await skipped({ kind: "shadow", ...shadow }), []);
  await hub.call("hub.experiment-start", { ...experiment, by: "ann" });
  await hub.call("hub.shadow", { ...shadow, by: "ann" });
  assert.deepEqual(await skipped({ kind: "experiment-start", ...experiment }), [
    { what: "experiment header", why: "it is running just so already" },
  ]);
  assert.deepEqual(await skipped({ kind: "shadow", ...shadow }), [
    { what: "requests", why: "they are copied there just so already" },
  ]);
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

test("new settings are planned as the release that they make, without a value and without a write", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy(commits.one);
  await setNow(hub, "LOG", "info", false);
  hub.killAtWrite(1, "before");
  const { text, told, plan, hidden } = await planSettings(
    hub,
    [
      { name: "LOG", value: "info", secret: false },
      { name: "TOKEN", value: "hunter2-hunter2", secret: true },
    ],
    { unset: ["NONE"] },
  );
  assert.ok(hub.isAlive, "a planner wrote");
  assert.equal(plan.name, `configure webapp ${commits.one.slice(0, 7)} in production`);
  assert.deepEqual(
    plan.stages.map(({ name }) => name),
    ["open", "start", "visitors"],
  );
  assert.equal(told.warnings[0], "settings that change: TOKEN");
  assert.deepEqual(
    told.skipped.map(({ what }) => what),
    ["LOG", "NONE"],
  );
  const whole = text + JSON.stringify(told);
  assert.doesNotMatch(whole, /hunter2/);
  for (const { value } of hidden) assert.ok(!whole.includes(value), "what is hidden is not told");
});

test("where nothing is deployed, nothing changes, or no release is wanted, the plan is empty and says why", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  const log = { name: "LOG", value: "info", secret: false };
  const early = await planSettings(hub, [log]);
  assert.deepEqual(early.plan.stages, []);
  assert.match(
    early.told.skipped[0]?.why ?? "",
    /^nothing of webapp is deployed to production yet/,
  );
  await setNow(hub, "LOG", "info", false);
  await hub.deploy(commits.one);
  const same = await planSettings(hub, [log]);
  assert.deepEqual(same.plan.stages, []);
  assert.deepEqual(same.told.skipped, [{ what: "LOG", why: "it is so already" }]);
  assert.deepEqual(same.told.warnings, []);
  const kept = await planSettings(hub, [{ ...log, value: "debug" }], { deploy: false });
  assert.deepEqual(kept.plan.stages, []);
  assert.match(kept.told.skipped[0]?.why ?? "", /^--no-deploy; .* kept for its next release$/);
});

test("settings that could not be are refused, and their plan is carried out by nobody", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy(commits.one);
  const bad = planSettings(hub, [{ name: "PORT", value: "1", secret: false }]);
  await assert.rejects(bad, { code: "BAD_SETTING", message: /PORT is set by propagit itself/ });
  const { text, plan } = await planSettings(hub, [{ name: "TOKEN", value: "hush", secret: true }]);
  const start = hub.call("hub.plan-start", { plan: text, file: "plan.json", by: "ann" });
  await assert.rejects(start, {
    code: "BAD_PLAN",
    message: /names \(TOKEN\) and not their values/,
  });
  const again = makePlan(hub, plan.request as PlannedChange);
  await assert.rejects(again, { code: "BAD_PLAN" });
  const { plans } = await hub.call("hub.plans", {});
  assert.equal(plans.length, 1);
  const clear = hub.call("hub.plan-make", {
    change: {
      kind: "configure",
      repo,
      set: [{ name: "A", value: "in clear", secret: false }],
      unset: [],
      deploy: true,
    },
  });
  await assert.rejects(clear, { code: "BAD_SETTING" });
});
