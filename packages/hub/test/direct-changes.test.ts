/**
 * Changes that are asked for directly, in virtual time: each is a plan, and who asks sees and hears what he would
 * without one; whatever dies meanwhile, it is carried out once, or not at all.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  toPropagitError,
  type Params,
  type PlannedChange,
  type PropagitError,
} from "@propagit/protocol";
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

  it("changes a rollout under way, as the plan that its dry run shows", async () => {
    const hub = await hubWith("web-1");
    await hub.call("hub.canary-start", { repo, ref: "1", plan: {}, detach: true });
    const change = async (what: Params<"hub.canary-change">["change"]) => {
      const asked = { repo, change: what };
      const made = await hub.call("hub.plan-make", {
        change: { kind: "rollout-change", ...asked },
      });
      const { phase } = await hub.call("hub.canary-change", { ...asked, by });
      const { plans } = await hub.call("hub.plans", {});
      const carried = await hub.call("hub.plan-text", { id: plans[0]?.run ?? "" });
      assert.equal(carried.hash, made.hash);
      return phase;
    };
    await hub.sim.clock.advance(1_000);
    assert.equal(await change("pause"), "paused");
    await assert.rejects(change("pause"), { code: "NO_ROLLOUT", message: /paused already$/ });
    assert.equal(await change("resume"), "switching");
    assert.equal(await change("abort"), "over");
    const over = { code: "NO_ROLLOUT", message: "webapp has no rollout by steps under way" };
    await assert.rejects(change("abort"), over);
    await assert.rejects(hub.call("hub.canary-change", { repo, change: "abort", by }), over);
    assert.deepEqual((await changesOf(hub)).slice(0, 3), [
      `${by}: abort the rollout of release 1 of webapp: done`,
      `${by}: resume the rollout of release 1 of webapp: done`,
      `${by}: pause the rollout of release 1 of webapp: done`,
    ]);
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

describe("a hub whose disk is full", () => {
  it("begins no change, goes on when there is room, and has done nothing of one that fails", async () => {
    const ends = new Set<string>();
    for (let write = 1; write <= 8; write++) {
      const hub = await hubWith("web-1");
      hub.fillAtWrite(write);
      const answer = hub.begin("hub.promote", { repo, ref: "1", by }).then(
        () => "done",
        (thrown: unknown) => toPropagitError(thrown).code,
      );
      await hub.sim.clock.advance(60_000);
      hub.makeRoom();
      const end = await hub.settle(answer);
      await hub.sim.clock.advance(60_000);
      const [plan] = await changesOf(hub);
      ends.add(`${end}: ${plan?.split(": ").at(-1) ?? "no plan"}`);
      assert.deepEqual(await visitedOf(hub), [end === "done" ? commits.one : commits.three]);
      await hub.stop();
    }
    // Its plan could not be written; a step of it waited; the change itself could not.
    const all = ["DATA_UNUSABLE: no plan", "done: done", "DATA_UNUSABLE: failed"];
    assert.deepEqual([...ends], all);
  });
});

describe("a hub that is killed in a change", () => {
  interface Story {
    readonly name: string;
    /** What was before it, by somebody else. */
    readonly before?: (hub: SimHub) => Promise<unknown>;
    readonly begin: (hub: SimHub) => Promise<unknown>;
    /** Of the event that it makes. */
    readonly kind: string;
    /** How often it may be told, as it may be done again; default: once. */
    readonly timesMax?: number;
    readonly isDone: (hub: SimHub) => Promise<boolean>;
  }

  const instancesOf = async (hub: SimHub) => (await hub.call("hub.ps", {})).instances;
  const routeOf = async (hub: SimHub) => (await hub.call("hub.route", { repo })).routes[0];
  const older = { repo, release: "1", drones: { names: ["web-1"] } };
  const newer = { repo, drones: { names: ["web-1", "web-2"] } };
  const rules = { repo, off: [], unset: [] };
  const host = { host: "shop.example" };

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
      isDone: async (hub) =>
        (await instancesOf(hub)).every(({ report }) => report.commit !== commits.one),
    },
    {
      name: "drain",
      begin: (hub) => hub.begin("hub.drain", { drone: "web-2", drain: true, by }),
      kind: "drained",
      isDone: async (hub) => (await instancesOf(hub)).every(({ drone }) => drone !== "web-2"),
    },
    {
      name: "end of a drain",
      before: (hub) => hub.call("hub.drain", { drone: "web-2", drain: true }),
      begin: (hub) => hub.begin("hub.drain", { drone: "web-2", drain: false, by }),
      kind: "undrained",
      isDone: async (hub) => (await instancesOf(hub)).some(({ drone }) => drone === "web-2"),
    },
    {
      name: "stop of single instances",
      begin: (hub) => hub.begin("hub.hold", { target: older, start: false, force: false, by }),
      kind: "stopped",
      isDone: async (hub) => !(await hasOlder(hub)),
    },
    {
      name: "start of single instances",
      before: (hub) => hub.call("hub.hold", { target: older, start: false, force: false }),
      begin: (hub) => hub.begin("hub.hold", { target: older, start: true, force: false, by }),
      kind: "restarted",
      isDone: hasOlder,
    },
    {
      name: "restart",
      begin: (hub) => hub.begin("hub.restart", { target: newer, by }),
      kind: "restarted",
      // Nobody knows how far the first one came.
      timesMax: 2,
      isDone: async (hub) => {
        const restarted = (await instancesOf(hub)).filter(({ report }) => report.restarts > 0);
        assert.ok(restarted.every(({ report }) => report.commit === commits.three));
        assert.ok(restarted.every(({ report }) => report.restarts <= 2));
        return restarted.length === 2;
      },
    },
    {
      name: "change of rules",
      begin: (hub) => hub.begin("hub.rules", { ...rules, set: { pause: { limitMs: 1_000 } }, by }),
      kind: "paused",
      isDone: async (hub) => (await routeOf(hub))?.rules.pause !== undefined,
    },
    {
      name: "new host name",
      begin: (hub) => hub.begin("hub.host", { repo, add: host, by }),
      kind: "rules-changed",
      isDone: hasHost,
    },
    {
      name: "end of a host name",
      before: (hub) => hub.call("hub.host", { repo, add: host }),
      begin: (hub) => hub.begin("hub.host", { repo, remove: host, by }),
      kind: "rules-changed",
      isDone: async (hub) => !(await hasHost(hub)),
    },
    {
      name: "split",
      begin: (hub) => {
        const shares = [commits.one, commits.three].map((ref) => ({ ref, weight: 1 }));
        return hub.begin("hub.split", { repo, shares, by });
      },
      kind: "split",
      isDone: async (hub) => (await visitedOf(hub)).length === 2,
    },
    {
      name: "pin",
      begin: (hub) => hub.begin("hub.pin", { repo, release: 1, pinned: true, by }),
      kind: "pinned",
      isDone: async (hub) => {
        const { releases } = await hub.call("hub.releases", { repo, last: 10 });
        return releases.some(({ number, pinned }) => number === 1 && pinned);
      },
    },
    {
      name: "rollout by steps",
      begin: (hub) => hub.begin("hub.canary-start", { repo, ref: "1", plan: {}, detach: true, by }),
      kind: "rollout-began",
      isDone: async (hub) => (await hub.call("hub.canaries", { over: true })).canaries.length === 1,
    },
  ];

  const variants = [
    { name: "a", weight: 1 },
    { name: "b", weight: 1, ref: "1" },
  ];
  const experiment = { repo, name: "header", variants, rules: [] };
  const canaryOf = (hub: SimHub) => hub.call("hub.canary", { repo, follow: false });

  const trafficStories: readonly Story[] = [
    {
      name: "start of an experiment",
      begin: (hub) => hub.begin("hub.experiment-start", { ...experiment, by }),
      kind: "experiment-started",
      isDone: async (hub) => (await routeOf(hub))?.experiments[0]?.by === by,
    },
    {
      name: "end of an experiment",
      before: (hub) => hub.call("hub.experiment-start", experiment),
      begin: (hub) => hub.begin("hub.experiment-stop", { repo, name: "header", promote: "b", by }),
      kind: "experiment-stopped",
      isDone: async (hub) => {
        const route = await routeOf(hub);
        const [isOver, isWon] = [
          route?.experiments.length === 0,
          route?.shares[0]?.commit === commits.one,
        ];
        assert.equal(isOver, isWon, "both, or none");
        return isOver;
      },
    },
    {
      name: "shadow",
      begin: (hub) => hub.begin("hub.shadow", { repo, to: { ref: "1", percent: 5 }, by }),
      kind: "shadow-started",
      isDone: async (hub) => (await routeOf(hub))?.shadow?.origin.by === by,
    },
    {
      name: "abort of a rollout",
      before: async (hub) => {
        await hub.call("hub.canary-start", { repo, ref: "1", plan: {}, detach: true });
        while ((await canaryOf(hub)).phase === "preparing") await hub.sim.clock.advance(10);
      },
      begin: (hub) => hub.begin("hub.canary-change", { repo, change: "abort", by }),
      kind: "rollout-ended",
      isDone: async (hub) => {
        const { end } = await canaryOf(hub);
        const isBack = (await visitedOf(hub)).join() === commits.three;
        const isAborted = end?.reason === `${by} aborted it`;
        assert.ok(isBack || !isAborted, "visitors are where they were");
        return isAborted;
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

  async function hasOlder(hub: SimHub): Promise<boolean> {
    return (await instancesOf(hub)).some(
      ({ drone, report }) => drone === "web-1" && report.commit === commits.one,
    );
  }

  async function hasHost(hub: SimHub): Promise<boolean> {
    return (await routeOf(hub))?.hosts.some(({ route }) => route.host === host.host) ?? false;
  }

  /** Whether the hub died of it, and how much of the change was begun. */
  async function tell(story: Story, write: number, when: "before" | "after") {
    const place = `${when} write ${write}`;
    const hub = await hubWith("web-1", "web-2");
    await story.before?.(hub);
    hub.killAtWrite(write, when);
    story.begin(hub).catch(() => undefined);
    await hub.sim.clock.advance(30_000);
    const died = !hub.isAlive;
    if (!died) await hub.stop();
    await hub.start();
    await hub.sim.clock.advance(5 * 60_000);
    const [plan, ...others] = (await changesOf(hub)).filter((line) => line.startsWith(`${by}:`));
    assert.deepEqual(others, [], place);
    const kinds = await kindsOf(hub);
    const told = kinds.filter((each) => each === story.kind).length;
    assert.ok(kinds.filter((each) => each === "plan-ended").length <= 1, place);
    const isBegun = plan !== undefined;
    if (isBegun) assert.match(plan, /: done$/, place);
    const { timesMax = 1 } = story;
    assert.ok(isBegun ? told >= 1 && told <= timesMax : told === 0, `${place}: told ${told} times`);
    assert.equal(await story.isDone(hub), isBegun, place);
    await hub.stop();
    return { died, isBegun };
  }

  for (const story of [...stories, ...trafficStories]) {
    it(`has carried out its ${story.name} once, or begun nothing of it`, async () => {
      for (const when of ["before", "after"] as const) {
        let [write, gone] = [0, 0];
        for (let died = true; died;) {
          const told = await tell(story, ++write, when);
          ({ died } = told);
          if (!told.isBegun) gone += 1;
        }
        assert.ok(write > 3 && write < 40, `it is over after ${write} writes`);
        if (when === "before") assert.ok(gone > 0, "it never died early");
      }
    });
  }
});
