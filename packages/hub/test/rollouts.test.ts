import assert from "node:assert/strict";
import { test } from "node:test";
import type { PropagitError, RolloutProgress } from "@propagit/protocol";
import type { BegunTask, SimDroneOptions } from "./support/sim-drone.js";
import { commits, credential, hubAddress, identityOf, SimHub } from "./support/sim-hub.js";
import { SimProxy } from "./support/sim-proxy.js";

const repo = "shop";
const code = (wanted: PropagitError["code"]) => (thrown: PropagitError) => thrown.code === wanted;

const plain = "services:\n  web: { command: node web.js }\n";
const tasks = `${plain}build: make\ntest: make test\nrelease: make migrate\n`;
const ordered = `services:
  web: { command: node web.js, after: [db] }
  db: { command: node db.js, port: none, on: role=db }
`;
const total = "services:\n  web: { command: node web.js, instances: { total: 3 } }\n";

/** A hub with a repository `shop` whose commits say what to run, and drones that run it. */
async function start(...manifests: readonly string[]): Promise<SimHub> {
  const hub = await SimHub.start();
  const names = ["one", "two", "three"] as const;
  manifests.forEach((manifest, at) => {
    const name = names[at] ?? "one";
    hub.repositories.push(repo, name, commits[name], { "propagit.yaml": manifest });
  });
  return hub;
}

function plainDrone(hub: SimHub, name: string, options: Partial<SimDroneOptions> = {}) {
  return hub.drone(name, { service: null, ...options });
}

async function plainDrones(hub: SimHub, ...names: readonly string[]) {
  const drones = names.map((name) => plainDrone(hub, name));
  await hub.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
  return drones;
}

function textOf(part: RolloutProgress): string {
  switch (part.kind) {
    case "accepted":
      return `accepted ${part.release}`;
    case "drone":
      return `${part.drone}: ${part.phase}`;
    case "phase":
    case "note":
    case "output":
      return part.text;
    default:
      return part satisfies never;
  }
}

/** A deploy of `shop`, its parts in words, and its end. */
function deploy(hub: SimHub, ref: string, more: object = {}) {
  const parts: string[] = [];
  const onPart = (part: RolloutProgress) => parts.push(textOf(part));
  const result = hub.begin("hub.deploy", { repo, ref, by: "ann", ...more }, { onPart });
  result.catch(() => undefined);
  return { parts, result };
}

async function states(hub: SimHub): Promise<string[]> {
  const { releases } = await hub.call("hub.releases", { last: 100 });
  return releases.map(
    ({ number, state, presence, current }) =>
      `${number} ${state} ${presence}${current ? " current" : ""}`,
  );
}

test("a release is built, tested and prepared once before it starts, then gets its visitors", async () => {
  const hub = await start(tasks);
  const begun: BegunTask[] = [];
  const drones = ["web-1", "web-2"].map((name) => plainDrone(hub, name, { begun }));
  await hub.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
  const { parts, result } = deploy(hub, "one");
  const { outcome, promoted, drones: outcomes } = await hub.settle(result);
  assert.deepEqual([outcome, promoted], ["ready", true]);
  assert.deepEqual(
    outcomes.map(({ drone, outcome: one }) => `${drone} ${one}`),
    ["web-1 ready", "web-2 ready"],
  );
  assert.deepEqual(
    begun.map(({ kind, drone }) => `${kind} ${drone}`),
    ["build web-1", "test web-1", "release web-1"],
  );
  const wanted = ["accepted 1", "building on web-1", "build begins", "testing on web-1"];
  assert.deepEqual(parts.slice(0, 4), wanted);
  const artifact = `b${commits.one.slice(1)}`;
  assert.equal(drones[0]?.assigned?.assignments[0]?.artifact, artifact);
  assert.deepEqual(await states(hub), ["1 ready running current"]);
});

test("what is ready is told before proxies are asked whether they see it", async () => {
  const hub = await start(plain, plain);
  await plainDrones(hub, "web-1");
  const own = { hub: hubAddress, credential, identity: identityOf("edge-1"), name: "edge-1" };
  const proxy = new SimProxy(hub.sim.worldOf("edge-1"), own);
  await hub.settle(deploy(hub, "one").result);
  const { parts, result } = deploy(hub, "two", { promote: true });
  await hub.settle(result);
  const wanted = ["web-1: ready", "waits until every proxy sees it", "visitors are sent to it"];
  assert.deepEqual(parts.slice(-3), wanted);
  const again: string[] = [];
  const onPart = (part: RolloutProgress) => again.push(textOf(part));
  await hub.settle(hub.begin("hub.follow", { repo, release: 2 }, { onPart }));
  assert.deepEqual(again.slice(-3), wanted);
  proxy.die();
});

test("who does not wait for the end is told that it is accepted", async () => {
  const hub = await start(plain);
  await plainDrones(hub, "web-1");
  const result = await hub.settle(deploy(hub, "one", { detach: true }).result);
  assert.deepEqual(
    [result.outcome, result.promoted, result.drones, result.hosts],
    ["accepted", false, [], []],
  );
  const { outcome } = await hub.call("hub.follow", { repo, release: 1 });
  assert.equal(outcome, "ready");
});

test("a build that fails fails the release with its last lines, and what ran goes on", async () => {
  const hub = await start(plain, tasks);
  const drone = plainDrone(hub, "web-1", { taskFateOf: () => "failed" });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  await hub.settle(deploy(hub, "one").result);
  const result = await hub.settle(deploy(hub, "two").result);
  assert.equal(result.outcome, "failed");
  assert.equal(result.reason, "the build failed on web-1: exited with code 1");
  assert.deepEqual(result.lastLines, ["Error: bad"]);
  assert.deepEqual(await states(hub), ["2 failed kept", "1 ready running current"]);
  assert.deepEqual(drone.ready, ["web.1"]);
});

test("a release command that a drone did not survive is never run again", async () => {
  const hub = await start(tasks);
  const begun: BegunTask[] = [];
  const drone = plainDrone(hub, "web-1", {
    begun,
    taskFateOf: ({ kind }) => (kind === "release" ? "interrupted" : "done"),
  });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  const result = await hub.settle(deploy(hub, "one").result);
  assert.match(result.reason ?? "", /^the release command was interrupted on web-1/);
  assert.equal(begun.filter(({ kind }) => kind === "release").length, 1);
});

test("a build whose drone is lost begins again on another one", async () => {
  const hub = await start(tasks);
  const begun: BegunTask[] = [];
  const never = plainDrone(hub, "web-1", { begun, taskFateOf: () => "never" });
  const other = plainDrone(hub, "web-2", { begun });
  await hub.sim.clock.until("they join", () => Boolean(never.assigned && other.assigned));
  const { result, parts } = deploy(hub, "one");
  await hub.sim.clock.until("it builds", () => begun.length > 0);
  never.die();
  assert.equal((await hub.settle(result)).outcome, "ready");
  assert.deepEqual(
    begun.filter(({ kind }) => kind === "build").map(({ drone }) => drone),
    ["web-1", "web-2"],
  );
  assert.ok(parts.includes("the build begins again: web-1 is away"));
});

test("drones that are waited for although they are not connected are named until they are back", async () => {
  const hub = await start(plain);
  const slow = plainDrone(hub, "web-1", { fateOf: () => "never" });
  await plainDrones(hub, "web-2");
  await hub.sim.clock.until("it joins", () => slow.assigned !== undefined);
  const { result, parts } = deploy(hub, "one");
  await hub.sim.clock.until("it starts", () => parts.includes("web-2: ready"));
  slow.die();
  const waits = "starting: waits for web-1, which is not connected";
  await hub.sim.clock.until("it is waited for", () => parts.includes(waits));
  plainDrone(hub, "web-1");
  assert.equal((await hub.settle(result)).outcome, "ready");
  assert.equal(parts.indexOf("starting: goes on"), parts.indexOf(waits) + 1);
});

test("a service starts when what it comes after is ready", async () => {
  const hub = await start(ordered);
  const order: string[] = [];
  const fateOf = ({ service }: { service: string }) => {
    order.push(service);
    return "ready" as const;
  };
  const drones = [
    plainDrone(hub, "db-1", { fateOf, labels: { role: "db" } }),
    plainDrone(hub, "web-1", { fateOf }),
  ];
  await hub.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
  assert.equal((await hub.settle(deploy(hub, "one").result)).outcome, "ready");
  assert.deepEqual([order[0], order.filter((each) => each === "web").length], ["db", 2]);
});

test("what has no place is refused before anything starts, naming service and selector", async () => {
  const hub = await start(ordered);
  await plainDrones(hub, "web-1");
  await assert.rejects(hub.settle(deploy(hub, "one").result), (thrown: PropagitError) => {
    assert.match(thrown.message, /service db wants `role=db`/);
    return thrown.code === "NO_PLACE";
  });
  hub.repositories.push("empty", "one", commits.one);
  const asked = hub.call("hub.deploy", { repo: "empty", ref: "one" });
  await assert.rejects(asked, code("NO_SERVICE"));
  assert.deepEqual(await states(hub), []);
});

test("a release that does not fit on a disk is refused before anything starts", async () => {
  const hub = await start(plain);
  const drone = plainDrone(hub, "web-1", { fits: false });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  await assert.rejects(hub.settle(deploy(hub, "one").result), code("DISK_LOW"));
  assert.deepEqual(await states(hub), []);
});

test("an instance that fails takes its release back, and the old one stays live", async () => {
  const hub = await start(plain, plain);
  const fateOf = ({ commit }: { commit: string }) => (commit === commits.two ? "fails" : "ready");
  const drone = plainDrone(hub, "web-1", { fateOf });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  await hub.settle(deploy(hub, "one").result);
  const result = await hub.settle(deploy(hub, "two").result);
  assert.deepEqual([result.outcome, result.promoted], ["failed", false]);
  assert.equal(drone.assigned?.assignments.length, 1);
  assert.deepEqual(
    [...drone.instances.values()].map(({ commit }) => commit),
    [commits.one],
  );
  assert.deepEqual(await states(hub), ["2 failed kept", "1 ready running current"]);
});

test("the second release waits for the first and says who holds the place; superseding replaces it", async () => {
  const hub = await start(plain, plain, plain);
  await plainDrones(hub, "web-1");
  const first = deploy(hub, "one");
  await hub.sim.clock.until("it begins", () => first.parts.length > 0);
  const second = deploy(hub, "two");
  await hub.sim.clock.until("it waits", () => second.parts.length > 1);
  assert.match(second.parts[1] ?? "", /^waits: release 1 of shop \(ann, for \d+ s\) is starting$/);
  const third = deploy(hub, "three", { supersede: true });
  const ends = await hub.settle(Promise.all([first.result, second.result, third.result]));
  assert.deepEqual(
    ends.map(({ outcome }) => outcome),
    ["ready", "superseded", "ready"],
  );
  assert.equal(ends[1]?.reason, "release 3 (ann) takes its place");
  // What never ran is forgotten by retention.
  assert.deepEqual(await states(hub), [
    "3 ready running current",
    "2 superseded removed",
    "1 ready running",
  ]);
});

test("a release is cancelled in the queue at once, and while it builds or starts puts things back", async () => {
  const hub = await start(plain, tasks);
  const drone = plainDrone(hub, "web-1", { fateOf: () => "never", taskFateOf: () => "never" });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  const starting = deploy(hub, "one");
  await hub.sim.clock.until("it starts", () => drone.instances.size > 0);
  const queued = deploy(hub, "two");
  await hub.sim.clock.until("it waits", () => queued.parts.length > 1);
  const cancel = (release?: number) =>
    hub.call("hub.cancel", { repo, by: "bob", ...(release && { release }) });
  assert.equal((await cancel(2)).outcome, "cancelled");
  const { outcome, reason } = await cancel();
  assert.deepEqual([outcome, reason], ["cancelled", "bob cancelled it"]);
  assert.equal((await hub.settle(starting.result)).outcome, "cancelled");
  assert.equal(drone.instances.size, 0);
  const building = deploy(hub, "two");
  await hub.sim.clock.until("it builds", () => building.parts.includes("build begins"));
  assert.equal((await cancel()).outcome, "cancelled");
  await assert.rejects(cancel(), code("NO_RELEASE"));
  const ends = (await states(hub)).map((state) => state.split(" ").slice(0, 2).join(" "));
  assert.deepEqual(ends, ["3 cancelled", "2 cancelled", "1 cancelled"]);
});

test("going back to what still runs starts nothing and takes no time", async () => {
  const hub = await start(tasks, plain);
  const begun: BegunTask[] = [];
  const drone = plainDrone(hub, "web-1", { begun });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  await hub.settle(deploy(hub, "one").result);
  await hub.settle(deploy(hub, "two").result);
  const [told, tasksBefore] = [[...drone.instances.keys()], begun.length];
  const before = hub.sim.clock.now();
  const result = await hub.call("hub.rollback", { repo });
  assert.deepEqual([result.outcome, result.release, result.promoted], ["ready", 3, true]);
  assert.ok(hub.sim.clock.now() - before < 100, `${hub.sim.clock.now() - before} ms`);
  assert.deepEqual([...drone.instances.keys()], told);
  assert.equal(begun.length, tasksBefore);
  const now = await states(hub);
  assert.deepEqual(now, ["3 ready running current", "2 ready running", "1 ready running"]);
});

test("following a release tells what happened so far and its end, also when it is long over", async () => {
  const hub = await start(plain);
  await plainDrones(hub, "web-1");
  const first = deploy(hub, "one");
  await hub.sim.clock.until("it begins", () => first.parts.includes("web-1: fetched"));
  const parts: string[] = [];
  const onPart = (part: RolloutProgress) => parts.push(textOf(part));
  const params = { repo, release: 1 };
  const followed = await hub.call("hub.follow", params, { onPart });
  assert.deepEqual(followed, await hub.settle(first.result));
  assert.deepEqual(parts, first.parts);
  const past: RolloutProgress[] = [];
  const again = await hub.call("hub.follow", params, { onPart: (part) => past.push(part) });
  assert.deepEqual(again, followed);
  const told = ["accepted 1", "starting", "web-1: ready"];
  assert.deepEqual(past.map(textOf), [...told, "visitors are sent to it"]);
  const { summary } = await hub.call("hub.release", params);
  assert.equal((past.at(-1)?.at ?? 0) - (past[0]?.at ?? 0), summary.tookMs);
  await assert.rejects(hub.call("hub.follow", { repo, release: 9 }), code("NO_RELEASE"));
});

test("the same commit in two environments is two releases that go side by side", async () => {
  const hub = await start(plain);
  const [drone] = await plainDrones(hub, "web-1");
  const both = [deploy(hub, "one"), deploy(hub, "one", { environment: "staging" })];
  const ends = await hub.settle(Promise.all(both.map(({ result }) => result)));
  assert.deepEqual(
    ends.map(({ environment, release, outcome }) => `${environment} ${release} ${outcome}`),
    ["production 1 ready", "staging 1 ready"],
  );
  assert.equal(drone?.instances.size, 2);
});

test("instances in total are spread, and move when their drone is away", async () => {
  const hub = await start(total);
  const [first, second] = await plainDrones(hub, "web-1", "web-2");
  await hub.settle(deploy(hub, "one").result);
  assert.deepEqual(new Set([first?.ready.length, second?.ready.length]), new Set([1, 2]));
  first?.die();
  await hub.sim.clock.until("they move", () => second?.ready.length === 3, 120_000);
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  const moved = events.filter(({ kind }) => kind === "moved").map(({ text }) => text);
  assert.deepEqual(moved, ["web of shop 74336bc moves from web-1 to web-2"]);
});

test("scaling makes a release of what is live, keeps its processes, and holds for later releases", async () => {
  const hub = await start(total, total);
  const [drone] = await plainDrones(hub, "web-1");
  await hub.settle(deploy(hub, "one").result);
  const before = [...(drone?.instances.keys() ?? [])];
  const scale = (instances?: number) => {
    const services = [{ service: "web", ...(instances !== undefined && { instances }) }];
    const onPart = (part: RolloutProgress) => parts.push(textOf(part));
    return hub.call("hub.scale", { repo, services }, { onPart });
  };
  const parts: string[] = [];
  const result = await scale(5);
  assert.deepEqual(parts.slice(0, 2), ["accepted 2", "starting"], "before what is known of drones");
  assert.deepEqual([result.outcome, result.release], ["ready", 2]);
  assert.equal(drone?.ready.length, 5);
  assert.ok(before.every((process) => drone?.instances.has(process)));
  assert.deepEqual(await states(hub), ["2 ready running current", "1 ready running"]);
  await hub.settle(deploy(hub, "two").result);
  assert.equal(drone?.ready.length, 10);
  await scale();
  await hub.sim.clock.until("fewer run", () => drone?.ready.length === 8, 60_000);
  const unknown = hub.call("hub.scale", { repo, services: [{ service: "nope", instances: 1 }] });
  await assert.rejects(unknown, {
    code: "NO_SERVICE",
    message: 'release 4 of shop (74336bc) has no service "nope", but web',
    hint: "see them with `propagit release show shop 4`",
  });
});

test("an instance that is stopped by hand stays so until it is started again", async () => {
  const hub = await start(total);
  const [drone] = await plainDrones(hub, "web-1");
  await hub.settle(deploy(hub, "one").result);
  const second = [...(drone?.instances.values() ?? [])].find(({ slot }) => slot === 2);
  const target = { repo, processes: [second?.process ?? ""] };
  const held = await hub.call("hub.hold", { target, start: false, force: false });
  assert.deepEqual(held.instances, [{ drone: "web-1", process: second?.process }]);
  assert.deepEqual(drone?.ready, ["web.1", "web.3"]);
  await hub.stop();
  await hub.start();
  await hub.sim.clock.advance(30_000);
  assert.deepEqual(drone?.ready, ["web.1", "web.3"]);
  const all = { target: { repo }, start: false, force: false };
  await assert.rejects(hub.call("hub.hold", all), code("STILL_ROUTED"));
  const back = await hub.call("hub.hold", { target: { repo }, start: true, force: false });
  assert.equal(back.instances.length, 1);
  assert.deepEqual(drone?.ready, ["web.1", "web.2", "web.3"]);
});

test("a release whose last instances are stopped by hand meanwhile fails at once, another place is enough", async () => {
  const both = "services: { web: { command: w, instances: { total: 2 } }, job: { command: j } }";
  const hub = await start(both);
  const fateOf = ({ service }: { service: string }) =>
    service === "web" ? ("never" as const) : ("ready" as const);
  const drones = ["web-1", "web-2"].map((name) => plainDrone(hub, name, { fateOf }));
  await hub.sim.clock.until("they join", () => drones.every(({ assigned }) => assigned));
  const { result } = deploy(hub, "one");
  const isStarting = (each: (typeof drones)[number]) => each.instances.size === 2;
  await hub.sim.clock.until("it starts", () => drones.every(isStarting), 60_000);
  const hold = (name: string) => {
    const target = { repo, services: ["web"], drones: { names: [name] } };
    return hub.call("hub.hold", { target, start: false, force: true, by: "ann" });
  };
  await hold("web-1");
  await hub.sim.clock.advance(5_000);
  assert.deepEqual(await states(hub), ["1 deploying running"]);
  const heldAt = hub.sim.clock.now();
  await hold("web-2");
  const { outcome, reason } = await hub.settle(result);
  assert.deepEqual([outcome, reason], ["failed", "ann stopped web meanwhile"]);
  assert.ok(hub.sim.clock.now() - heldAt < 10_000);
});

test("what a release waits for is told when every drone that fits drains meanwhile", async () => {
  const hub = await start(plain);
  plainDrone(hub, "web-1", { fateOf: () => "never" });
  await hub.sim.clock.advance(5_000);
  const { parts, result } = deploy(hub, "one");
  await hub.sim.clock.advance(10_000);
  await hub.call("hub.drain", { drone: "web-1", drain: true });
  const text = "service web waits: every drone that it may run on drains: web-1";
  await hub.sim.clock.until("it is told", () => parts.includes(text), 10_000);
  await hub.call("hub.cancel", { repo });
  assert.equal((await hub.settle(result)).outcome, "cancelled");
  assert.equal(parts.filter((part) => part === text).length, 1);
});

test("a service can be started beside those of a release, until that stops", async () => {
  const hub = await start(plain, plain);
  const [drone, other] = await plainDrones(hub, "web-1", "web-2");
  await hub.settle(deploy(hub, "one").result);
  const specified = drone?.assigned?.assignments[0];
  assert.ok(specified);
  const service = {
    name: "console",
    command: ["node", "console.js"],
    instances: { count: 1, per: "drone" as const },
    on: [],
    ports: [],
    ready: "alive" as const,
    readyTimeoutMs: 10_000,
    stop: { signal: "SIGTERM" as const, deadlineMs: 1_000 },
    restart: { policy: "always" as const, firstMs: 1_000, maxMs: 60_000, crashesMax: 10 },
    env: {},
    after: [],
  };
  const spawn = { repo, service, drones: { names: ["web-2"] }, one: false };
  const { instances } = await hub.call("hub.spawn", spawn);
  assert.deepEqual(
    instances.map(({ drone: name }) => name),
    ["web-2"],
  );
  assert.deepEqual([drone?.ready, other?.ready], [["web.1"], ["console.1", "web.1"]]);
  await assert.rejects(hub.call("hub.spawn", spawn), code("EXISTS"));
  await hub.settle(deploy(hub, "two").result);
  await hub.call("hub.stop", { repo, ref: "1", force: false });
  assert.deepEqual(other?.ready, ["web.1"]);
});

test("a drone that drains keeps its share until others have it, then runs nothing", async () => {
  const hub = await start(total);
  const [first, second] = await plainDrones(hub, "web-1", "web-2");
  await hub.settle(deploy(hub, "one").result);
  const lowest = { ready: 3 };
  const draining = hub.begin("hub.drain", { drone: "web-1", drain: true });
  draining.catch(() => undefined);
  await hub.sim.clock.until(
    "it is empty",
    () => {
      const ready = (first?.ready.length ?? 0) + (second?.ready.length ?? 0);
      lowest.ready = Math.min(lowest.ready, ready);
      return first?.instances.size === 0;
    },
    120_000,
  );
  assert.deepEqual(await hub.settle(draining), { instances: 0 });
  assert.deepEqual([lowest.ready, second?.ready.length], [3, 3]);
  assert.deepEqual(await hub.call("hub.drain", { drone: "web-1", drain: false }), { instances: 0 });
  await assert.rejects(hub.call("hub.drain", { drone: "nope", drain: true }), {
    code: "NO_DRONE",
    message: 'no drone is called "nope"',
    hint: "see them with `propagit drones`",
  });
});

test("only a drone that has something to do with a deployment learns what it is", async () => {
  const services = "services: { web: { command: node web.js, on: '!role' } }\n";
  const hub = await start(`${services}release: { command: migrate, on: role=db }\n`);
  const [web] = await plainDrones(hub, "web-1");
  const db = plainDrone(hub, "db-1", { labels: { role: "db" } });
  await hub.sim.clock.until("it joins", () => db.assigned !== undefined);
  await hub.settle(deploy(hub, "one").result);
  const id = web?.assigned?.assignments[0]?.id ?? "";
  const told = await hub.settle(web?.link.call("hub.specification", { id }) ?? assert.fail());
  assert.deepEqual(
    told.services.map(({ name }) => name),
    ["web"],
  );
  const foreign = { id: "0".repeat(16) };
  await assert.rejects(
    hub.settle(web?.link.call("hub.specification", foreign) ?? assert.fail()),
    code("DENIED"),
  );
  await assert.rejects(hub.call("hub.specification", { id }), code("BAD_FRAME"));
  // It ran the release command and nothing else: that is over.
  await assert.rejects(hub.settle(db.link.call("hub.specification", { id })), code("DENIED"));
});

test("a hub that is killed at any of its writes goes on with the release, and runs each task once", async () => {
  for (const when of ["before", "after"] as const) {
    for (let write = 1; write <= 24; write++) {
      const hub = await start(tasks);
      const begun: BegunTask[] = [];
      const drone = plainDrone(hub, "web-1", { begun });
      await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
      hub.killAtWrite(write, when);
      const asked = deploy(hub, "one").result;
      await hub.settle(asked.then(undefined, () => undefined));
      if (!hub.isAlive) await hub.start();
      await hub.sim.clock.advance(120_000);
      const what = `write ${write} ${when}`;
      const again = await hub.settle(deploy(hub, "one").result);
      assert.ok(["ready", "unchanged"].includes(again.outcome), `${what}: ${again.reason}`);
      assert.deepEqual(await states(hub), ["1 ready running current"], what);
      const kinds = begun.map(({ kind }) => kind);
      assert.deepEqual(kinds, ["build", "test", "release"], what);
      assert.deepEqual(await hub.keys("rollouts/"), [], what);
    }
  }
});
