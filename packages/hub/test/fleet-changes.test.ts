/**
 * Who may come, labels, releases that are cancelled, and services that are spawned, asked for directly: each is the
 * plan that its dry run shows, and what no plan may hold is in none.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MethodName, Params, PlannedChange } from "@propagit/protocol";
import { hash } from "./support/fleet-plans.js";
import { service } from "./support/specifications.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const by = "ann@laptop";

/** Its drones run what repositories say. */
async function hubWith(...names: string[]): Promise<SimHub> {
  const hub = await SimHub.start();
  const manifest = "services:\n  web: { command: node web.js }\n";
  for (const commit of [commits.one, commits.two]) {
    hub.repositories.push(repo, commit, commit, { "propagit.yaml": manifest });
  }
  const drones = names.map((name) => hub.drone(name, { service: null }));
  await hub.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
  await hub.deploy(commits.one, { promote: true });
  return hub;
}

/** The plan of a change, then the change itself: both are the same plan. */
async function asShown<M extends MethodName>(
  hub: SimHub,
  change: PlannedChange,
  method: M,
  params: Params<M>,
) {
  const shown = await hub.call("hub.plan-make", { change });
  const answer = await hub.call(method, params);
  const carried = await carriedOut(hub);
  assert.equal(carried.hash, shown.hash);
  return { shown, answer, carried };
}

/** The last plan: how it ended, and what is in it. */
async function carriedOut(hub: SimHub) {
  const { plans } = await hub.call("hub.plans", {});
  const [last] = plans;
  assert.ok(last);
  const { hash: of, text } = await hub.call("hub.plan-text", { id: last.run });
  return { hash: of, text, ended: `${last.by}: ${last.name}: ${last.outcome ?? last.state}` };
}

describe("access", () => {
  it("is given by the plan that is shown, which has no password in it", async () => {
    const hub = await hubWith("web-1");
    const add = { name: "ann", hash };
    const change: PlannedChange = { kind: "access", repo, add: "ann" };
    const { shown, answer, carried } = await asShown(hub, change, "hub.access", { repo, add, by });
    assert.deepEqual(answer.rules.users, [{ name: "ann", hash: "" }]);
    let kept = "";
    await hub.rewrite("said/", (row) => {
      kept += JSON.stringify(row);
      return row;
    });
    assert.ok(kept.includes(hash), "the password came to the desk past the plan");
    assert.equal(carried.ended, `${by}: access to webapp: ann: done`);
    assert.doesNotMatch(carried.text + shown.text, /scrypt/);
    const start = { plan: shown.text, file: "plan.json", by };
    await assert.rejects(hub.call("hub.plan-start", start), {
      code: "BAD_PLAN",
      message: /the name \(ann\) and not the password/,
    });
  });

  it("is taken away by it, too, also when that is a file", async () => {
    const hub = await hubWith("web-1");
    for (const name of ["ann", "ben"]) {
      await hub.call("hub.access", { repo, add: { name, hash }, by });
    }
    const change: PlannedChange = { kind: "access", repo, remove: "ann" };
    const { text } = await hub.call("hub.plan-make", { change: { ...change, remove: "ben" } });
    const { id } = await hub.call("hub.plan-start", { plan: text, file: "plan.json", by });
    await hub.call("hub.plan-follow", { id, from: 0 });
    const { answer } = await asShown(hub, change, "hub.access", { repo, remove: "ann", by });
    assert.equal(answer.rules.users, undefined);
    const again = hub.call("hub.access", { repo, remove: "ann", by });
    await assert.rejects(again, { code: "NO_RULE" });
  });

  it("that nobody says the password of is refused, wherever the plan is from", async () => {
    const hub = await hubWith("web-1");
    const task = { command: "change-access", repo, add: "ann" };
    const plan = JSON.stringify({ name: "by hand", stages: [{ name: "one", tasks: [task] }] });
    const { id } = await hub.call("hub.plan-start", { plan, file: "plan.json", by });
    const ended = await hub.call("hub.plan-follow", { id, from: 0 });
    assert.equal(ended.outcome, "failed");
    const { routes } = await hub.call("hub.route", { repo });
    assert.equal(routes[0]?.rules.users, undefined);
  });
});

describe("labels", () => {
  it("are changed by the plan that is shown, and by none where they are so", async () => {
    const hub = await hubWith("web-1");
    const asked = { drone: "web-1", set: { zone: "eu" }, unset: [] };
    const change: PlannedChange = { kind: "label", ...asked };
    const params = { ...asked, by };
    const { answer, carried } = await asShown(hub, change, "hub.label", params);
    assert.deepEqual(answer.labels, { zone: "eu" });
    assert.equal(carried.ended, `${by}: label web-1: done`);
    const before = await hub.call("hub.plans", {});
    assert.deepEqual(await hub.call("hub.label", params), answer);
    assert.equal((await hub.call("hub.plans", {})).plans.length, before.plans.length);
    const nobody = hub.call("hub.label", { ...params, drone: "nobody" });
    await assert.rejects(nobody, { code: "NO_DRONE" });
  });
});

/** A release whose second drone never gets ready. */
async function hubWithRelease() {
  const hub = await hubWith("web-1");
  const slow = hub.drone("web-2", { service: null, fateOf: () => "never" });
  await hub.sim.clock.until("it joins", () => slow.assigned !== undefined);
  const told: string[] = [];
  const onPart = ({ kind }: { readonly kind: string }) => void told.push(kind);
  const deploying = hub.begin("hub.deploy", { repo, ref: commits.two }, { onPart });
  deploying.catch(() => undefined);
  await hub.sim.clock.until("drones begin", () => told.includes("drone"));
  return { hub, deploying };
}

const cancellation = "cancel release 2 of webapp";

describe("a release on its way", () => {
  it("is cancelled by the plan that is shown", async () => {
    const { hub, deploying } = await hubWithRelease();
    const change: PlannedChange = { kind: "cancel", repo };
    const shown = await hub.call("hub.plan-make", { change });
    assert.match(shown.told.warnings[0] ?? "", /^release 2 of webapp is under way .* are stopped$/);
    const cancelled = await hub.call("hub.cancel", { repo, by });
    assert.deepEqual([cancelled.outcome, cancelled.release], ["cancelled", 2]);
    assert.equal((await hub.settle(deploying)).outcome, "cancelled");
    const { plans } = await hub.call("hub.plans", {});
    const own = plans.find(({ name }) => name === cancellation);
    assert.deepEqual([own?.by, own?.outcome], [by, "done"]);
    await assert.rejects(hub.call("hub.plan-make", { change }), { code: "NO_RELEASE" });
  });

  it("is cancelled, or goes on, when the hub is killed meanwhile", async () => {
    let [cancelled, gone] = [0, 0];
    for (let write = 1; write <= 6; write++) {
      for (const when of ["before", "after"] as const) {
        const place = `${when} write ${write}`;
        const { hub } = await hubWithRelease();
        hub.killAtWrite(write, when);
        hub.begin("hub.cancel", { repo, by }).catch(() => undefined);
        await hub.sim.clock.advance(500);
        if (hub.isAlive) await hub.stop();
        await hub.start();
        await hub.sim.clock.advance(5 * 60_000);
        const { plans } = await hub.call("hub.plans", {});
        const plan = plans.find(({ name }) => name === cancellation);
        const { releases } = await hub.call("hub.releases", { repo, last: 1 });
        if (plan) {
          cancelled += 1;
          assert.equal(plan.outcome, "done", place);
          assert.equal(releases[0]?.state, "cancelled", place);
        } else gone += 1;
        await hub.stop();
      }
    }
    assert.ok(cancelled > 0 && gone > 0, `${cancelled} were cancelled, ${gone} were not`);
  });
});

describe("a service that is spawned", () => {
  it("is the plan that is shown, which has names of variables and no value", async () => {
    const hub = await hubWith("web-1", "web-2");
    const admin = service("admin");
    const where = { repo, drones: { names: ["web-2"] }, one: false };
    const change: PlannedChange = {
      kind: "spawn",
      ...where,
      service: admin,
      variables: ["TOKEN"],
    };
    const spawned = { ...admin, env: { TOKEN: "hunter2-hunter2" } };
    const params = { ...where, service: spawned, by };
    const { shown, answer, carried } = await asShown(hub, change, "hub.spawn", params);
    assert.deepEqual(
      answer.instances.map(({ drone }) => drone),
      ["web-2"],
    );
    assert.equal(carried.ended, `${by}: spawn admin beside release 1 of webapp: done`);
    assert.doesNotMatch(carried.text, /hunter2/);
    await assert.rejects(hub.call("hub.spawn", params), { code: "EXISTS" });
    const start = { plan: shown.text, file: "plan.json", by };
    await assert.rejects(hub.call("hub.plan-start", start), { code: "BAD_PLAN" });
  });
});

describe("a command in a release", () => {
  it("is shown with its drone, and carried out only for who looks on", async () => {
    const hub = await hubWith("web-1");
    const change: PlannedChange = {
      kind: "run",
      repo,
      inside: false,
      drones: {},
      one: true,
      command: ["node", "migrate.js"],
      variables: ["TOKEN"],
    };
    const { text } = await hub.call("hub.plan-make", { change });
    assert.match(text, /"drones":\["web-1"\]/);
    const start = hub.call("hub.plan-start", { plan: text, file: "plan.json", by });
    await assert.rejects(start, { code: "BAD_PLAN", message: /nobody who looks on/ });
  });

  it("may have empty words, and so may what is spawned", async () => {
    const hub = await hubWith("web-1");
    const what = { repo, drones: {}, one: false, variables: [] };
    const command = ["grep", "", "file"];
    const inside: PlannedChange = { kind: "run", ...what, inside: true, command };
    assert.match(
      (await hub.call("hub.plan-make", { change: inside })).text,
      /\["grep","","file"\]/,
    );
    const admin = { ...service("admin"), command };
    const spawn: PlannedChange = { kind: "spawn", ...what, service: admin };
    assert.match((await hub.call("hub.plan-make", { change: spawn })).text, /\["grep","","file"\]/);
    const params = { repo, drones: {}, one: false, service: admin, by };
    assert.equal((await hub.call("hub.spawn", params)).instances.length, 1);
  });
});

describe("a restart", () => {
  it("of drones with any labels is one of every drone, shown as done", async () => {
    const hub = await hubWith("web-1", "web-2");
    const target = { repo, drones: { selector: "" } };
    const change: PlannedChange = { kind: "restart", target };
    const { answer } = await asShown(hub, change, "hub.restart", { target, by });
    assert.deepEqual(answer, { restarted: 2, failed: [] });
  });
});
