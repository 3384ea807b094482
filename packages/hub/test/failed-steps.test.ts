/** Changes in one step that do not come about: who asks is told so, and no plan goes on as if they had. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FailedInstance, Params } from "@propagit/protocol";
import type { Fate, SimDrone, SimDroneOptions } from "./support/sim-drone.js";
import { service } from "./support/specifications.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const by = "ann@laptop";
/** More than anything is waited for. */
const longMs = 60 * 60_000;

type World = Awaited<ReturnType<typeof world>>;

/** Two drones that run what repositories say, and fates that change. */
async function world(instances = "1", more: Partial<SimDroneOptions> = {}) {
  const hub = await SimHub.start();
  const web = `{ command: node web.js, instances: ${instances} }`;
  hub.repositories.push(repo, commits.one, commits.one, {
    "propagit.yaml": `services:\n  web: ${web}\n`,
  });
  const fates = new Map<string, Fate>();
  const drones = ["web-1", "web-2"].map((name) =>
    hub.drone(name, { service: null, fateOf: () => fates.get(name) ?? "ready", ...more }),
  );
  await hub.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
  await hub.deploy(commits.one, { promote: true });
  return { hub, fates, drones };
}

/** The one that runs the only instance, and the other. */
function inTurn({ drones }: World): readonly [SimDrone, SimDrone] {
  const [first, second] = drones.toSorted((left, right) => right.ready.length - left.ready.length);
  assert.ok(first && second);
  return [first, second];
}

/** How the last plan ended. */
async function ended(hub: SimHub): Promise<string> {
  const { plans } = await hub.call("hub.plans", {});
  return `${plans[0]?.name}: ${plans[0]?.outcome ?? plans[0]?.state}`;
}

function reasons(failed: readonly FailedInstance[] | undefined): readonly string[] {
  return (failed ?? []).map(({ drone, reason }) => `${drone}: ${reason}`).toSorted();
}

/** A plan by hand: the change, then a label that says that it went on. */
async function thenLabel(hub: SimHub, task: object) {
  const label = { command: "label-drone", name: "web-2", set: { after: "yes" } };
  const stages = [task, label].map((one, at) => ({ name: `stage ${at}`, tasks: [one] }));
  const plan = JSON.stringify({ name: "both", stages });
  const { id } = await hub.call("hub.plan-start", { plan, file: "plan.json", by });
  const why: string[] = [];
  const following = hub.begin(
    "hub.plan-follow",
    { id, from: 0 },
    {
      onPart: (entries) => {
        for (const { event } of entries) {
          if (event.kind === "task-ended") why.push(event.reason ?? event.outcome);
        }
      },
    },
  );
  const { outcome } = await hub.settle(following, longMs);
  const { drones } = await hub.call("hub.drones", {});
  const labels = drones.find(({ name }) => name === "web-2")?.labels;
  return { outcome, why, wentOn: labels?.["after"] === "yes" };
}

const drainOf = (drone: string): Params<"hub.drain"> => ({ drone, drain: true, by });
const holdOf = (start: boolean): Params<"hub.hold"> => ({
  target: { repo },
  start,
  force: true,
  by,
});

describe("a drain", () => {
  it("that moves nothing away within its time is told with what is left, and fails", async () => {
    const there = await world("1 total");
    const { hub, fates } = there;
    const [first, second] = inTurn(there);
    const [drone, other] = [first.knownAs ?? "", second.knownAs ?? ""];
    fates.set(other, "never");
    const answer = await hub.settle(hub.begin("hub.drain", drainOf(drone)), longMs);
    assert.equal(answer.instances, 1);
    const late = `${drone}: web of webapp did not go within 15 min: ready`;
    assert.deepEqual(reasons(answer.failed), [late]);
    assert.equal(await ended(hub), `drain ${drone}: failed`);
    assert.deepEqual(first.ready, ["web.1"]);
  });

  it("that fails lets no plan go on", async () => {
    const there = await world("1 total");
    const [first, second] = inTurn(there);
    there.fates.set(second.knownAs ?? "", "never");
    const task = { command: "drain-drone", name: first.knownAs };
    const { outcome, why, wentOn } = await thenLabel(there.hub, task);
    assert.equal(outcome, "failed");
    assert.match(why[0] ?? "", /web of webapp did not go within 15 min: ready; see why with/);
    assert.equal(wentOn, false);
  });

  it("that somebody takes back meanwhile fails at once", async () => {
    const there = await world("1 total");
    const { hub } = there;
    const [first, second] = inTurn(there);
    const drone = first.knownAs ?? "";
    there.fates.set(second.knownAs ?? "", "never");
    const draining = hub.begin("hub.drain", drainOf(drone));
    await hub.sim.clock.until("the other begins", () => second.instances.size === 1);
    const undrained = await hub.call("hub.drain", { drone, drain: false, by });
    assert.deepEqual(undrained, { instances: 1 });
    const answer = await hub.settle(draining);
    const why = `${drone}: somebody undrained it meanwhile; it runs 1 instance`;
    assert.deepEqual(reasons(answer.failed), [why]);
    const { plans } = await hub.call("hub.plans", {});
    assert.deepEqual(
      plans
        .slice(0, 2)
        .map(({ name, outcome }) => `${name}: ${outcome}`)
        .toSorted(),
      [`drain ${drone}: failed`, `undrain ${drone}: done`],
    );
  });

  it("of a drone that goes away is done, and says so", async () => {
    const there = await world("1 total");
    const { hub } = there;
    const [first, second] = inTurn(there);
    const drone = first.knownAs ?? "";
    there.fates.set(second.knownAs ?? "", "never");
    const told: string[] = [];
    const onPart = ({ phase, reason }: { phase: string; reason?: string }) =>
      void told.push(`${phase}: ${reason}`);
    const draining = hub.begin("hub.drain", drainOf(drone), { onPart });
    await hub.sim.clock.until("the other begins", () => second.instances.size === 1);
    first.die();
    assert.equal((await hub.settle(draining)).failed, undefined);
    assert.deepEqual(told, ["away: the drone is away; it ends them when it comes back"]);
    assert.equal(await ended(hub), `drain ${drone}: done`);
  });
});

describe("instances that are stopped one by one", () => {
  it("and do not end in time are told, and the task fails", async () => {
    const { hub } = await world("1", { ends: () => false });
    const answer = await hub.settle(hub.begin("hub.hold", holdOf(false)), longMs);
    assert.deepEqual(answer.instances, []);
    assert.deepEqual(reasons(answer.failed), [
      "web-1: it did not end within 2 min: stopping",
      "web-2: it did not end within 2 min: stopping",
    ]);
    assert.match(await ended(hub), /: failed$/);
  });
});

describe("instances that are started again", () => {
  it("and fail are told at once, with why", async () => {
    const { hub, fates } = await world();
    await hub.call("hub.hold", holdOf(false));
    fates.set("web-1", "fails");
    const answer = await hub.call("hub.hold", holdOf(true));
    assert.deepEqual(
      answer.instances.map(({ drone }) => drone),
      ["web-2"],
    );
    assert.deepEqual(reasons(answer.failed), ["web-1: exit code 1"]);
    assert.match(await ended(hub), /: failed$/);
  });

  it("and never get ready let no plan go on", async () => {
    const { hub, fates } = await world();
    await hub.call("hub.hold", holdOf(false));
    fates.set("web-2", "never");
    const { outcome, why, wentOn } = await thenLabel(hub, { command: "start-instances", repo });
    assert.equal(outcome, "failed");
    assert.match(why[0] ?? "", /on web-2: it was not ready within 5 min: starting; see why with/);
    assert.equal(wentOn, false);
  });

  it("on a drone that goes away meanwhile are left to it", async () => {
    const { hub, fates, drones } = await world();
    await hub.call("hub.hold", holdOf(false));
    fates.set("web-2", "never");
    const starting = hub.begin("hub.hold", holdOf(true));
    const away = drones[1];
    await hub.sim.clock.until("it begins", () => away?.instances.size === 1);
    away?.die();
    const { instances, failed } = await hub.settle(starting);
    assert.deepEqual([instances.map(({ drone }) => drone), failed], [["web-1"], undefined]);
  });
});

describe("a service that is spawned", () => {
  const spawn = { repo, service: service("admin"), drones: {}, one: false, by };

  it("and fails on a drone is told with why, and the task fails", async () => {
    const { hub, fates } = await world();
    fates.set("web-1", "fails");
    const answer = await hub.settle(hub.begin("hub.spawn", spawn), longMs);
    assert.deepEqual(reasons(answer.failed), ["web-1: exit code 1"]);
    assert.equal(await ended(hub), "spawn admin beside release 1 of webapp: failed");
  });

  it("and is not ready in time is told, too; a drone that goes away is left to it", async () => {
    const { hub, fates, drones } = await world();
    fates.set("web-1", "never");
    fates.set("web-2", "never");
    const spawning = hub.begin("hub.spawn", spawn);
    const begun = () => drones.every(({ instances }) => instances.size === 2);
    await hub.sim.clock.until("they begin", begun);
    drones[1]?.die();
    const { failed } = await hub.settle(spawning, longMs);
    assert.match(reasons(failed).join(), /^web-1: it was not ready within [\d.]+ min: starting$/);
  });
});
