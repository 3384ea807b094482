/**
 * Changes that are asked for directly, in virtual time: each is a plan, and who asks sees and hears what he would
 * without one; whatever dies meanwhile, it is carried out once, or not at all.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PlannedChange, PropagitError } from "@propagit/protocol";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const by = "ann@laptop";

async function hubWith(...drones: string[]): Promise<SimHub> {
  const hub = await SimHub.start();
  await hub.drones(...drones);
  await hub.deploy(commits.one);
  await hub.deploy(commits.three, { promote: true });
  return hub;
}

/** Those of changes, newest first: who, what, and how it ended. */
async function changesOf(hub: SimHub): Promise<readonly string[]> {
  const { plans } = await hub.call("hub.plans", {});
  return plans
    .filter(({ name }) => !name.startsWith("deploy "))
    .map((plan) => `${plan.by}: ${plan.name}: ${plan.outcome ?? plan.state}`);
}

/** What happened, as people asked for it. */
async function kindsOf(hub: SimHub): Promise<readonly string[]> {
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  return events
    .filter((event) => event.by !== undefined && event.by !== "somebody")
    .map(({ kind }) => kind);
}

async function visitedOf(hub: SimHub): Promise<readonly string[]> {
  const { routes } = await hub.call("hub.route", { repo });
  return routes.flatMap(({ shares }) => shares.map(({ commit }) => commit));
}

const promote = (hub: SimHub, ref: string) => hub.call("hub.promote", { repo, ref, by });

describe("a change that is asked for directly", () => {
  it("is a plan of who asked, with an answer as ever, and no more events than before", async () => {
    const hub = await hubWith("web-1", "web-2");
    const route = await promote(hub, "1");
    assert.deepEqual(
      route.shares.map(({ commit, weight }) => [commit, weight]),
      [[commits.one, 1]],
    );
    const phases: string[] = [];
    const onPart = ({ drone, phase }: { drone: string; phase: string }) =>
      void phases.push(`${drone}: ${phase}`);
    const stop = { repo, ref: commits.three, force: false, by };
    const stopped = await hub.call("hub.stop", stop, { onPart });
    assert.equal(stopped.outcome, "stopped");
    assert.deepEqual(phases.toSorted(), [
      "web-1: stopped",
      "web-1: stopping",
      "web-2: stopped",
      "web-2: stopping",
    ]);
    const drained = await hub.call("hub.drain", { drone: "web-2", drain: true, by });
    assert.deepEqual(drained, { instances: 0 });
    await hub.call("hub.drain", { drone: "web-2", drain: false, by });
    assert.deepEqual(await changesOf(hub), [
      `${by}: undrain web-2: done`,
      `${by}: drain web-2: done`,
      `${by}: stop webapp 3000000 in production: done`,
      `${by}: promote webapp release 1 in production: done`,
    ]);
    assert.deepEqual(await kindsOf(hub), ["promoted", "stopped", "drained", "undrained"]);
    const { plans } = await hub.call("hub.plans", {});
    const { stages } = await hub.call("hub.plan-status", { id: plans[2]?.run ?? "", tasks: "all" });
    assert.deepEqual(stages[0]?.tasks[0]?.lastLines?.length, 4);
  });

  it("is the plan that its dry run shows", async () => {
    const hub = await hubWith("web-1");
    const change: PlannedChange = { kind: "promote", repo, ref: "1" };
    const made = await hub.call("hub.plan-make", { change });
    await promote(hub, "1");
    const { plans } = await hub.call("hub.plans", {});
    const carried = await hub.call("hub.plan-text", { id: plans[0]?.run ?? "" });
    assert.equal(carried.hash, made.hash);
  });

  it("is no plan when all of it is so already, or it only looks", async () => {
    const hub = await hubWith("web-1");
    const route = await promote(hub, "2");
    assert.equal(route.shares[0]?.commit, commits.three);
    assert.deepEqual(await hub.call("hub.drain", { drone: "web-1", drain: false }), {
      instances: 2,
    });
    await hub.call("hub.reap", { dryRun: true });
    await hub.call("hub.reap", { dryRun: false, by });
    assert.deepEqual(await changesOf(hub), []);
  });

  it("is refused with the codes of the change itself, before there is a plan", async () => {
    const hub = await hubWith("web-1");
    const stop = (ref: string, force: boolean) => hub.call("hub.stop", { repo, ref, force, by });
    const refusals: readonly [() => Promise<unknown>, PropagitError["code"]][] = [
      [() => promote(hub, "9"), "NO_RELEASE"],
      [() => promote(hub, commits.two), "NOT_DEPLOYED"],
      [() => hub.call("hub.promote", { repo: "nope", ref: "main", by }), "NO_REPO"],
      [() => stop("2", false), "STILL_ROUTED"],
      [() => stop(commits.two, true), "NOT_DEPLOYED"],
      [() => hub.call("hub.reap", { repo: "A B", dryRun: false, by }), "BAD_NAME"],
      [() => hub.call("hub.drain", { drone: "nope", drain: true, by }), "NO_DRONE"],
    ];
    for (const [ask, code] of refusals) await assert.rejects(ask(), { code });
    assert.deepEqual(await changesOf(hub), []);
  });

  it("goes on when who asked is gone, and is in nobody's way", async () => {
    const hub = await hubWith("web-1", "web-2");
    const gone = new AbortController();
    const draining = hub.begin(
      "hub.drain",
      { drone: "web-1", drain: true, by },
      { signal: gone.signal },
    );
    draining.catch(() => undefined);
    const isDraining = async () => (await kindsOf(hub)).includes("drained");
    while (!(await isDraining())) await hub.sim.clock.advance(100);
    gone.abort();
    await assert.rejects(hub.settle(draining));
    await promote(hub, "1");
    await hub.sim.clock.advance(10 * 60_000);
    assert.deepEqual((await changesOf(hub)).toSorted(), [
      `${by}: drain web-1: done`,
      `${by}: promote webapp release 1 in production: done`,
    ]);
  });

  it("does not wait for a release under way, nor for a drain that it ends", async () => {
    const hub = await hubWith("web-1");
    const slow = hub.drone("web-2", { fateOf: () => "never" });
    await hub.sim.clock.until("it joins", () => slow.assigned !== undefined);
    const deploying = hub.begin("hub.deploy", { repo, ref: commits.two });
    deploying.catch(() => undefined);
    await hub.sim.clock.until("it begins", () => slow.instances.size > 0);
    await promote(hub, "1");
    assert.deepEqual(await visitedOf(hub), [commits.one]);
    const { plans } = await hub.call("hub.plans", {});
    assert.deepEqual(plans.map(({ name, state }) => `${name.split(" ")[0]} ${state}`).slice(0, 2), [
      "deploy going",
      "promote over",
    ]);
    await hub.call("hub.cancel", { repo, by });
  });

  it("is asked for by two at once, and both are told how it is in the end", async () => {
    const hub = await hubWith("web-1");
    const both = await hub.settle(
      Promise.all([
        hub.begin("hub.promote", { repo, ref: "1", by: "ann" }),
        hub.begin("hub.promote", { repo, ref: "1", by: "bob" }),
        hub.begin("hub.stop", { repo, ref: commits.three, force: true, by: "eve" }),
      ]),
    );
    assert.deepEqual(both[0].shares, both[1].shares);
    assert.equal(both[2].outcome, "stopped");
    assert.equal((await kindsOf(hub)).filter((kind) => kind === "promoted").length, 1);
    assert.ok((await changesOf(hub)).every((line) => line.endsWith(": done")));
  });

  it("that was stopped before it did anything says so", async () => {
    const hub = await hubWith("web-1", "web-2");
    const draining = hub.begin("hub.drain", { drone: "web-1", drain: true, by });
    draining.catch(() => undefined);
    while ((await changesOf(hub)).length === 0) await hub.sim.clock.advance(10);
    const { plans } = await hub.call("hub.plans", {});
    const id = plans[0]?.run ?? "";
    const stop = { kind: "stop", undo: false, now: true } as const;
    await hub.call("hub.plan-ask", { id, ask: stop, by: "bob" });
    const { instances } = await hub.settle(draining);
    assert.ok(instances >= 0, "its desk answers as far as it came");
    assert.match((await changesOf(hub))[0] ?? "", /drain web-1: (stopped|done)$/);
  });
});

describe("a hub that is killed in a change", () => {
  interface Story {
    readonly name: string;
    readonly begin: (hub: SimHub) => Promise<unknown>;
    /** Of the event that it makes. */
    readonly kind: string;
    readonly isDone: (hub: SimHub) => Promise<boolean>;
  }

  const stories: readonly Story[] = [
    {
      name: "promote",
      begin: (hub) => hub.begin("hub.promote", { repo, ref: "1", by }),
      kind: "promoted",
      isDone: async (hub) => (await visitedOf(hub))[0] === commits.one,
    },
    {
      name: "stop",
      begin: (hub) => hub.begin("hub.stop", { repo, ref: "1", force: true, by }),
      kind: "stopped",
      isDone: async (hub) => {
        const { instances } = await hub.call("hub.ps", {});
        return instances.every(({ report }) => report.commit !== commits.one);
      },
    },
    {
      name: "drain",
      begin: (hub) => hub.begin("hub.drain", { drone: "web-2", drain: true, by }),
      kind: "drained",
      isDone: async (hub) => {
        const { instances } = await hub.call("hub.ps", {});
        return instances.every(({ drone }) => drone !== "web-2");
      },
    },
    {
      name: "label",
      begin: (hub) =>
        hub.begin("hub.label", { drone: "web-2", set: { zone: "eu" }, unset: [], by }),
      kind: "labelled",
      isDone: async (hub) => {
        const { drones } = await hub.call("hub.drones", {});
        return drones.some(({ labels }) => labels["zone"] === "eu");
      },
    },
  ];

  for (const { name, begin, kind, isDone } of stories) {
    it(`has carried out its ${name} once, or begun nothing of it`, async () => {
      let [died, gone] = [0, 0];
      for (let write = 1; write <= 10; write++) {
        for (const when of ["before", "after"] as const) {
          const place = `${when} write ${write}`;
          const hub = await hubWith("web-1", "web-2");
          hub.killAtWrite(write, when);
          begin(hub).catch(() => undefined);
          await hub.sim.clock.advance(500);
          if (hub.isAlive) await hub.stop();
          else died += 1;
          await hub.start();
          await hub.sim.clock.advance(5 * 60_000);
          const [plan, ...others] = await changesOf(hub);
          assert.deepEqual(others, [], place);
          const kinds = await kindsOf(hub);
          const told = kinds.filter((each) => each === kind).length;
          assert.ok(kinds.filter((each) => each === "plan-ended").length <= 1, place);
          if (plan === undefined) gone += 1;
          else assert.match(plan, /: done$/, place);
          assert.equal(told, plan === undefined ? 0 : 1, place);
          assert.equal(await isDone(hub), plan !== undefined, place);
          await hub.stop();
        }
      }
      assert.ok(died > 5 && gone > 0, `the hub died ${died} times, ${gone} of them early`);
    });
  }
});
