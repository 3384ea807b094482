import assert from "node:assert/strict";
import { test } from "node:test";
import type { BookUpdate, ClusterEvent, PropagitError, RouteBook } from "@propagit/protocol";
import { hangUp } from "@propagit/runtime";
import { BookDouble } from "./support/book-double.js";
import { commits, identityOf, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const code = (wanted: PropagitError["code"]) => (thrown: PropagitError) => thrown.code === wanted;

async function eventTexts(hub: SimHub): Promise<string[]> {
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  return events.map(({ kind, text }) => `${kind}: ${text}`);
}

async function routeShares(hub: SimHub): Promise<string[]> {
  const book = await routeBookOf(hub);
  return book.routes.flatMap(({ shares }) =>
    shares.map(({ commit, weight }) => `${commit.slice(0, 7)}=${weight}`),
  );
}

async function routeBookOf(hub: SimHub): Promise<RouteBook> {
  const stop = new AbortController();
  const books: RouteBook[] = [];
  const double = new BookDouble();
  const onPart = (update: BookUpdate) => {
    const book = double.take(update);
    if (!book) return;
    books.push(book);
    stop.abort();
  };
  await assert.rejects(hub.call("hub.routes", {}, { onPart, signal: stop.signal }));
  const [book] = books;
  assert.ok(book);
  return book;
}

test("a deploy tells each step of each drone and ends when all are ready", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1", "web-2");
  const { result, lines } = await hub.deploy("one");
  assert.deepEqual(result, {
    repo,
    environment: "production",
    release: 1,
    commit: commits.one,
    outcome: "ready",
    promoted: true,
    hosts: [],
    drones: [
      { drone: "web-1", outcome: "ready", port: 10_000 },
      { drone: "web-2", outcome: "ready", port: 10_000 },
    ],
  });
  assert.deepEqual(
    lines.filter((line) => line.startsWith("web-1")),
    ["web-1: fetched", "web-1: checked out", "web-1: ready"],
  );
  assert.ok(hub.repositories.kept.has(`webapp/${commits.one}`));
});

test("deploying what already runs is a quick success that changes nothing", async () => {
  const hub = await SimHub.start();
  const [drone] = await hub.drones("web-1");
  await hub.deploy("one");
  const before = { desired: drone?.assigned, events: await eventTexts(hub) };
  const { result, lines } = await hub.deploy("one");
  assert.deepEqual(result, {
    repo,
    environment: "production",
    release: 1,
    commit: commits.one,
    outcome: "unchanged",
    promoted: false,
    hosts: [],
    drones: [{ drone: "web-1", outcome: "unchanged", port: 10_000 }],
  });
  assert.deepEqual(lines, ["web-1: unchanged"]);
  assert.deepEqual({ desired: drone?.assigned, events: await eventTexts(hub) }, before);
});

test("a deploy without any drone is refused and changes nothing", async () => {
  const hub = await SimHub.start();
  await assert.rejects(hub.deploy("one"), code("NO_DRONE"));
  const [drone] = await hub.drones("web-1");
  assert.deepEqual(drone?.assigned?.assignments, []);
});

test("a deploy of an unknown repository, commit or name is refused, and an ambiguous prefix says for what", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await assert.rejects(hub.call("hub.deploy", { repo: "nope", ref: "one" }), code("NO_REPO"));
  await assert.rejects(hub.call("hub.deploy", { repo: "../x", ref: "one" }), code("BAD_NAME"));
  await assert.rejects(hub.deploy("nope"), code("NO_COMMIT"));
  await assert.rejects(hub.deploy("74336bc"), (thrown: PropagitError) => {
    assert.equal(thrown.code, "AMBIGUOUS");
    assert.match(thrown.message, new RegExp(`${commits.one}, ${commits.two}`));
    return true;
  });
});

test("a drone on which the command fails spoils the deploy with its reason and last lines", async () => {
  const hub = await SimHub.start();
  const bad = hub.drone("bad", { fateOf: () => "fails" });
  await hub.drones("good");
  await hub.sim.clock.until("it joins", () => bad.assigned !== undefined);
  const { result, lines } = await hub.deploy("one");
  assert.equal(result.outcome, "failed");
  assert.equal(result.promoted, false);
  assert.deepEqual(result.drones, [
    { drone: "bad", outcome: "failed", reason: "exit code 1", lastLines: ["Error: no"] },
    { drone: "good", outcome: "ready", port: 10_000 },
  ]);
  assert.ok(lines.includes("bad: failed"));
  assert.ok(
    (await eventTexts(hub)).some((text) =>
      text.startsWith(
        "deploy-failed: release 1 of webapp (74336bc) failed: it failed on bad: exit",
      ),
    ),
  );
});

test("deploying again what failed waits for the new attempt, not for the old failure", async () => {
  const hub = await SimHub.start();
  let fate: "fails" | "ready" = "fails";
  const drone = hub.drone("web-1", { fateOf: () => fate });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  assert.equal((await hub.deploy("one")).result.outcome, "failed");
  fate = "ready";
  const { result } = await hub.deploy("one");
  assert.deepEqual([result.outcome, result.promoted], ["ready", true]);
});

test("a drone that never gets ready fails after 10 minutes and says how far it was", async () => {
  const hub = await SimHub.start();
  const drone = hub.drone("web-1", { fateOf: () => "never" });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  const before = hub.sim.clock.now();
  const { result } = await hub.deploy("one");
  assert.equal(Math.round((hub.sim.clock.now() - before) / 60_000), 10);
  assert.deepEqual(result.drones, [
    { drone: "web-1", outcome: "failed", reason: "it was not ready within 10 min: starting" },
  ]);
});

test("a drone that is lost during a deploy is waited for, and catches up when it stays away", async () => {
  const hub = await SimHub.start();
  const [, lost] = await hub.drones("web-1", "web-2");
  const deploying = hub.begin("hub.deploy", { repo, ref: "one" });
  await hub.sim.clock.until("it begins", () => (lost?.instances.size ?? 0) > 0);
  lost?.die();
  const result = await hub.settle(deploying);
  assert.equal(result.outcome, "ready");
  assert.deepEqual(
    result.drones.map(({ drone, outcome }) => [drone, outcome]),
    [
      ["web-1", "ready"],
      ["web-2", "away"],
    ],
  );
});

test("a drone that restarts during a deploy does not spoil it", async () => {
  const hub = await SimHub.start();
  const [, first] = await hub.drones("web-1", "web-2");
  const deploying = hub.begin("hub.deploy", { repo, ref: "one" });
  await hub.sim.clock.until("it begins", () => (first?.instances.size ?? 0) > 0);
  first?.die();
  await hub.sim.clock.advance(10_000);
  hub.drone("web-2");
  const result = await hub.settle(deploying);
  assert.equal(result.outcome, "ready");
});

test("a drone that was away before is listed as away, spoils nothing and catches up when it comes back", async () => {
  const hub = await SimHub.start();
  const [, away] = await hub.drones("web-1", "web-2");
  away?.die();
  await hub.sim.clock.advance(31_000);
  const { result } = await hub.deploy("one");
  assert.equal(result.outcome, "ready");
  assert.deepEqual(result.drones[1], {
    drone: "web-2",
    outcome: "away",
    reason: "the drone was away already; it catches up when it comes back",
  });
  const back = hub.drone("web-2");
  const target = { repo, commit: commits.one };
  await hub.sim.clock.until("it catches up", () => back.phaseOf(target) === "ready");
});

test("only drones that are away are no drones to deploy to", async () => {
  const hub = await SimHub.start();
  const [away] = await hub.drones("web-1");
  away?.die();
  await hub.sim.clock.advance(31_000);
  await assert.rejects(hub.deploy("one"), (thrown: PropagitError) => {
    assert.match(thrown.message, /no drone is connected; 1 drone known/);
    return thrown.code === "NO_DRONE";
  });
});

test("a drone that ends on purpose during a deploy is not waited for", async () => {
  const hub = await SimHub.start();
  const [, leaving] = await hub.drones("web-1", "web-2");
  const deploying = hub.begin("hub.deploy", { repo, ref: "one" });
  await hub.sim.clock.until("it begins", () => (leaving?.instances.size ?? 0) > 0);
  void leaving?.leave();
  const result = await hub.settle(deploying);
  assert.deepEqual([result.outcome, result.drones[1]?.outcome], ["ready", "away"]);
});

test("asking for a deploy that runs joins it, with all its lines", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  const first: string[] = [];
  const second: string[] = [];
  const ask = (lines: string[]) =>
    hub.begin(
      "hub.deploy",
      { repo, ref: "one" },
      { onPart: (part) => lines.push(JSON.stringify(part)) },
    );
  const one = ask(first);
  await hub.sim.clock.until("it begins", () => first.some((part) => part.includes("fetched")));
  const two = ask(second);
  const results = await hub.settle(Promise.all([one, two]));
  assert.deepEqual(results[0], results[1]);
  assert.deepEqual(first, second);
  const events = await eventTexts(hub);
  assert.equal(events.filter((text) => text.startsWith("deployed")).length, 1);
});

test("two who ask for the same deploy at the same moment get the same one", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  const ask = () => hub.begin("hub.deploy", { repo, ref: "one" });
  const results = await hub.settle(Promise.all([ask(), ask(), ask()]));
  assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(["ready"]));
  const events = await eventTexts(hub);
  assert.equal(events.filter((text) => text.startsWith("deployed")).length, 1);
});

test("a deploy goes on when whoever asked is gone", async () => {
  const hub = await SimHub.start();
  const [drone] = await hub.drones("web-1");
  const asker = await hub.settle(hub.dial());
  const asked = asker.call("hub.deploy", { repo, ref: "one" }, { limitMs: 0 });
  asked.catch(() => undefined);
  await hub.sim.clock.until("it begins", () => (drone?.instances.size ?? 0) > 0);
  void hangUp(asker);
  await hub.sim.clock.advance(30_000);
  assert.deepEqual(await routeShares(hub), ["74336bc=1"]);
});

test("a hub that is killed during a deploy finishes it when it is back, first promotion included", async () => {
  const hub = await SimHub.start();
  const [drone] = await hub.drones("web-1");
  const asked = hub.begin("hub.deploy", { repo, ref: "one" });
  asked.catch(() => undefined);
  await hub.sim.clock.until("it begins", () => (drone?.instances.size ?? 0) > 0);
  hub.kill();
  await assert.rejects(hub.settle(asked), code("LINK_LOST"));
  await hub.sim.clock.advance(5_000);
  await hub.start();
  await hub.sim.clock.advance(30_000);
  assert.deepEqual(await routeShares(hub), ["74336bc=1"]);
  const events = await eventTexts(hub);
  assert.deepEqual(
    events.filter((text) => /^deployed|^promoted/.test(text)),
    [
      "deployed: release 1 of webapp (74336bc) is ready on 1 drone",
      "promoted: visitors of webapp go to release 1 (74336bc)",
    ],
  );
});

test("a hub that is killed at any of its writes, before or after it is on disk, leaves no deploy half done", async () => {
  for (const when of ["before", "after"] as const) {
    for (let write = 1; write <= 6; write++) {
      const hub = await SimHub.start();
      await hub.drones("web-1");
      hub.killAtWrite(write, when);
      const asked = hub.begin("hub.deploy", { repo, ref: "one" });
      const outcome = await hub.settle(asked).then(
        (result) => result.outcome,
        (thrown: PropagitError) => thrown.code,
      );
      if (!hub.isAlive) await hub.start();
      await hub.sim.clock.advance(60_000);
      const again = await hub.deploy("one");
      assert.notEqual(again.result.outcome, "failed", `write ${write} ${when}: ${outcome}`);
      assert.deepEqual(await routeShares(hub), ["74336bc=1"], `write ${write} ${when}`);
      assert.deepEqual(await hub.keys("rollouts/"), [], `write ${write} ${when}`);
      const events = await eventTexts(hub);
      const ends = events.filter((text) => text.startsWith("deployed"));
      assert.equal(ends.length, 1, `write ${write} ${when}: ${events.join("; ")}`);
    }
  }
});

test("a deploy right after a restart of the hub waits for the drones to come back", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.stop();
  await hub.start();
  const { result } = await hub.deploy("one");
  assert.deepEqual([result.outcome, result.drones.length], ["ready", 1]);
});

test("deployments, routes, drones' names and events survive a restart", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy("one");
  await hub.deploy("two");
  const shares = [
    { ref: "one", weight: 90 },
    { ref: "two", weight: 10 },
  ];
  await hub.call("hub.split", { repo, shares });
  const before = await eventTexts(hub);
  await hub.stop();
  await hub.start();
  await hub.sim.clock.advance(20_000);
  const { deployments } = await routeBookOf(hub);
  assert.deepEqual(deployments.map(({ commit }) => commit).sort(), [commits.one, commits.two]);
  assert.deepEqual(await routeShares(hub), ["74336bc=90", "74336bc=10"]);
  assert.deepEqual(await eventTexts(hub), before);
  const { drones } = await hub.call("hub.drones", {});
  assert.deepEqual(
    drones.map(({ name, state, instances }) => [name, state, instances]),
    [["web-1", "connected", 2]],
  );
});

test("promote and split take deployed commits only, and weights above 0", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy("one");
  const split = (shares: { ref: string; weight: number }[]) =>
    hub.call("hub.split", { repo, shares });
  await assert.rejects(hub.call("hub.promote", { repo, ref: "two" }), code("NOT_DEPLOYED"));
  await assert.rejects(split([{ ref: "three", weight: 1 }]), code("NOT_DEPLOYED"));
  await assert.rejects(split([{ ref: "one", weight: 0 }]), code("BAD_WEIGHT"));
  await assert.rejects(split([{ ref: "one", weight: -1 }]), code("BAD_WEIGHT"));
  await assert.rejects(split([{ ref: "one", weight: 1e9 }]), code("BAD_WEIGHT"));
  await assert.rejects(split([]), code("BAD_WEIGHT"));
  const twice = [
    { ref: "one", weight: 1 },
    { ref: commits.one, weight: 2 },
  ];
  await assert.rejects(split(twice), code("BAD_WEIGHT"));
  assert.deepEqual(await routeShares(hub), ["74336bc=1"]);
});

test("a prefix that fits several commits is enough when one of them is deployed", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy("one");
  const route = await hub.call("hub.promote", { repo, ref: "74336bc" });
  assert.deepEqual(
    route.shares.map(({ commit, weight }) => [commit, weight]),
    [[commits.one, 1]],
  );
  await hub.deploy("two");
  await assert.rejects(hub.call("hub.promote", { repo, ref: "74336bc" }), code("AMBIGUOUS"));
});

test("the route book is told at once and after each change, with a rising revision", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  const books: RouteBook[] = [];
  const double = new BookDouble();
  const proxy = await hub.settle(hub.dial("proxy"));
  const onPart = (update: BookUpdate) => books.push(double.take(update) ?? assert.fail());
  const following = proxy.call("hub.routes", {}, { limitMs: 0, onPart });
  following.catch(() => undefined);
  await hub.deploy("one");
  await hub.deploy("two");
  await hub.call("hub.promote", { repo, ref: "two" });
  await hub.sim.clock.advance(1_000);
  void hangUp(proxy);
  const seen = books.map(({ routes, deployments }) => [
    deployments.length,
    routes[0]?.shares[0]?.commit ?? "none",
  ]);
  assert.deepEqual(seen, [
    [0, "none"],
    [1, "none"],
    [1, commits.one],
    [2, commits.one],
    // The branch leads to the second one from now on.
    [2, commits.one],
    [2, commits.two],
  ]);
  const revisions = books.map(({ revision }) => revision);
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].sort((left, right) => left - right),
  );
});

test("stopping a commit that has visitors is refused unless forced, which gives its share to the others", async () => {
  const hub = await SimHub.start();
  const [drone] = await hub.drones("web-1");
  await hub.deploy("one");
  await hub.deploy("two");
  const shares = [
    { ref: "one", weight: 75 },
    { ref: "two", weight: 25 },
  ];
  await hub.call("hub.split", { repo, shares });
  const stop = (force: boolean) => hub.call("hub.stop", { repo, ref: "one", force });
  await assert.rejects(stop(false), (thrown: PropagitError) => {
    assert.match(thrown.message, /^75 % of the visitors/);
    return thrown.code === "STILL_ROUTED";
  });
  assert.equal(drone?.instances.size, 2);
  const result = await stop(true);
  assert.deepEqual(result, {
    repo,
    environment: "production",
    commit: commits.one,
    outcome: "stopped",
    drones: [{ drone: "web-1", outcome: "stopped" }],
  });
  assert.equal(drone?.instances.size, 1);
  assert.deepEqual(await routeShares(hub), ["74336bc=25"]);
});

test("stopping tells its steps, and what is not deployed cannot be stopped", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy("one");
  await hub.deploy("two");
  const phases: string[] = [];
  const onPart = ({ phase }: { phase: string }) => phases.push(phase);
  const stop = () => hub.call("hub.stop", { repo, ref: "two", force: false }, { onPart });
  await stop();
  assert.deepEqual(phases, ["stopping", "stopped"]);
  await assert.rejects(stop(), code("NOT_DEPLOYED"));
});

test("a commit that is stopped while it is deployed fails the deploy at once", async () => {
  const hub = await SimHub.start();
  const drone = hub.drone("web-1", { fateOf: () => "never" });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  const deploying = hub.begin("hub.deploy", { repo, ref: "one" });
  await hub.sim.clock.until("it begins", () => drone.instances.size > 0);
  const stopped = await hub.call("hub.stop", { repo, ref: "one", force: false });
  const deployed = await hub.settle(deploying);
  assert.equal(stopped.outcome, "stopped");
  assert.equal(deployed.outcome, "failed");
  assert.match(deployed.reason ?? "", /stopped it meanwhile/);
});

test("drones of the same name get a number, and keep it across restarts", async () => {
  const hub = await SimHub.start();
  const first = hub.drone("web", { identity: identityOf("a") });
  await hub.sim.clock.until("it joins", () => first.knownAs !== undefined);
  const second = hub.drone("web", { identity: identityOf("b") });
  await hub.sim.clock.until("it joins", () => second.knownAs !== undefined);
  assert.deepEqual([first.knownAs, second.knownAs], ["web", "web-1"]);
  first.die();
  second.die();
  await hub.stop();
  await hub.start();
  const again = hub.drone("web", { identity: identityOf("b") });
  await hub.sim.clock.until("it joins", () => again.knownAs !== undefined);
  assert.equal(again.knownAs, "web-1");
});

test("a drone that comes back as it was costs no write", async () => {
  const hub = await SimHub.start();
  const [first] = await hub.drones("web-1");
  const { revision } = await routeBookOf(hub);
  first?.die();
  await hub.sim.clock.advance(5_000);
  await hub.drones("web-1");
  assert.equal((await routeBookOf(hub)).revision, revision);
});

test("a drone that ended gives its name up to a new one", async () => {
  const hub = await SimHub.start();
  const first = hub.drone("web", { identity: identityOf("a") });
  await hub.sim.clock.until("it joins", () => first.assigned !== undefined);
  await hub.settle(first.leave());
  const second = hub.drone("web", { identity: identityOf("b") });
  await hub.sim.clock.until("it joins", () => second.knownAs !== undefined);
  assert.equal(second.knownAs, "web");
  const { drones } = await hub.call("hub.drones", {});
  assert.equal(drones.length, 1);
});

test("of two connections of one drone the newest is the drone, and the older one is told", async () => {
  const hub = await SimHub.start();
  const first = hub.drone("web");
  await hub.sim.clock.until("it joins", () => first.link.state.kind === "up");
  const reasons: string[] = [];
  const state = first.link.state;
  if (state.kind === "up") void state.conversation.over.then(({ code }) => reasons.push(code));
  const second = hub.drone("web");
  await hub.sim.clock.until("the first is told", () => reasons.length > 0);
  first.die();
  await hub.sim.clock.until("it joins", () => second.link.state.kind === "up");
  assert.deepEqual(reasons, ["DRONE_TAKEN"]);
  const { drones } = await hub.call("hub.drones", {});
  assert.deepEqual(
    drones.map(({ name, state }) => [name, state]),
    [["web", "connected"]],
  );
});

test("a drone that is lost is shown as away at once, and counts as away after 30 s", async () => {
  const hub = await SimHub.start();
  const [drone] = await hub.drones("web-1");
  await hub.deploy("one");
  drone?.die();
  await hub.sim.clock.advance(1_000);
  const { drones } = await hub.call("hub.drones", {});
  const { instances } = await hub.call("hub.ps", {});
  assert.deepEqual([drones[0]?.state, instances[0]?.away], ["away", true]);
  assert.ok(!(await eventTexts(hub)).some((text) => text.startsWith("drone-away")));
  await hub.sim.clock.advance(30_000);
  assert.equal((await eventTexts(hub)).at(-1), "drone-away: web-1 was not heard of for 30 s");
});

test("ps shows every instance with its share of the visitors", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  await hub.deploy("one");
  await hub.deploy("three");
  const shares = [
    { ref: "one", weight: 3 },
    { ref: "three", weight: 1 },
  ];
  await hub.call("hub.split", { repo, shares });
  const { instances } = await hub.call("hub.ps", {});
  assert.deepEqual(
    instances.map(({ drone, sharePercent, away, report }) => [
      drone,
      report.commit,
      report.phase,
      sharePercent,
      away,
    ]),
    [
      ["web-1", commits.one, "ready", 75, false],
      ["web-1", commits.three, "ready", 25, false],
    ],
  );
});

test("events can be followed from the last ones on, each once and in order", async () => {
  const hub = await SimHub.start();
  await hub.drones("web-1");
  const seen: ClusterEvent[] = [];
  const watcher = await hub.settle(hub.dial("watcher"));
  const onPart = (event: ClusterEvent) => seen.push(event);
  const following = watcher.call("hub.events", { last: 1, follow: true }, { limitMs: 0, onPart });
  following.catch(() => undefined);
  await hub.deploy("one");
  await hub.sim.clock.advance(1_000);
  void hangUp(watcher);
  assert.deepEqual(
    seen.map(({ kind }) => kind),
    ["drone-joined", "deploy-started", "instance-ready", "deployed", "promoted"],
  );
  assert.deepEqual(
    seen.map(({ number }) => number),
    [1, 2, 3, 4, 5],
  );
});
