/** Releases in waves through a whole hub, in virtual time: in their order, prefetched, restarted, killed in the middle. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Params, RolloutProgress } from "@propagit/protocol";
import { nodeCrypto } from "@propagit/runtime";
import type { SimDrone, SimDroneOptions } from "./support/sim-drone.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
/** More writes than there will be. */
const never = 1_000_000;
const zones = ["a", "a", "b", "b"];

const manifest = (waves: string, minUp = "") =>
  `services:\n  web: { command: node web.js${minUp} }\n  job: { command: node job.js, port: none, after: web${minUp} }\n${waves}`;
const byZone = manifest("waves: { by: zone, canary: web-4 }\n");

interface Scene {
  readonly hub: SimHub;
  readonly drones: readonly SimDrone[];
}

/** Four drones in two zones. */
async function begin(
  manifests: readonly string[],
  options: (name: string) => Partial<SimDroneOptions> = () => ({}),
  seed = 1,
): Promise<Scene> {
  const hub = await SimHub.start(seed);
  const refs = ["one", "two", "three"] as const;
  manifests.forEach((text, at) => {
    const name = refs[at] ?? "one";
    hub.repositories.push(repo, name, commits[name], { "propagit.yaml": text });
  });
  const drones = zones.map((zone, at) => {
    const name = `web-${at + 1}`;
    return hub.drone(name, { service: null, labels: { zone }, fetched: [], ...options(name) });
  });
  await hub.sim.clock.until("they join", () => drones.every(({ assigned }) => assigned));
  return { hub, drones };
}

function deploy(hub: SimHub, ref: string, more: Partial<Params<"hub.deploy">> = {}) {
  const told: RolloutProgress[] = [];
  const onPart = (part: RolloutProgress) => void told.push(part);
  const result = hub.begin("hub.deploy", { repo, ref, by: "ann", ...more }, { onPart });
  result.catch(() => undefined);
  return { told, result };
}

async function stages(hub: SimHub): Promise<readonly string[]> {
  const [newest] = (await hub.call("hub.plans", {})).plans;
  const { stages: all } = await hub.call("hub.plan-status", { id: newest?.run ?? "" });
  return all.map(({ name, state }) => `${name} ${state}`);
}

async function configure(hub: SimHub, name: string, value: string): Promise<void> {
  const conversation = await hub.dial();
  const hidden = nodeCrypto.encrypt(conversation.peer?.sessionKey ?? "", value);
  const set = [{ name, value: hidden, secret: false }];
  const params = { repo, set, unset: [], deploy: true, by: "ann" };
  await conversation.call("hub.configure", params, { limitMs: 0 });
}

const runs = (drone: SimDrone | undefined, commit: string) =>
  [...(drone?.instances.values() ?? [])].some((report) => report.commit === commit);

const isReadyOn = (drone: SimDrone | undefined, commit: string) => {
  const own = [...(drone?.instances.values() ?? [])].filter((one) => one.commit === commit);
  return own.length === 2 && own.every(({ phase }) => phase === "ready");
};

const inZones = ["canary web-4", "zone a", "zone b"].map(
  (name, at) => `start ${at + 1}: ${name} done`,
);

/** The order of its waves: web-4, then web-1 and web-2, then web-3. */
function checkOrder([one, two, three, four]: readonly SimDrone[], commit: string): void {
  if (runs(one, commit) || runs(two, commit)) assert.ok(isReadyOn(four, commit), "canary first");
  if (runs(three, commit)) {
    assert.ok(isReadyOn(one, commit) && isReadyOn(two, commit), "zone a before zone b");
  }
}

test("a deploy, a rollback and new settings come in the waves of their manifest", async () => {
  const { hub, drones } = await begin([byZone, byZone]);
  await hub.settle(deploy(hub, "one").result);
  const second = deploy(hub, "two");
  let isOver = false;
  void second.result.finally(() => {
    isOver = true;
  });
  await hub.sim.clock.until("it is over", () => {
    checkOrder(drones, commits.two);
    return isOver;
  });
  assert.equal((await second.result).outcome, "ready");
  const plan = ["open done", "distribute done", ...inZones, "visitors done"];
  assert.deepEqual(await stages(hub), plan);
  await hub.settle(configure(hub, "ON", "yes"));
  assert.deepEqual(await stages(hub), plan);
  await hub.call("hub.rollback", { repo });
  // All of it runs already: there is nothing to bring in waves.
  assert.deepEqual(await stages(hub), ["open done", "start done", "visitors done"]);
});

test("what whoever asks says goes before the manifest", async () => {
  const { hub } = await begin([byZone]);
  await hub.settle(deploy(hub, "one", { waves: { by: { kind: "percent", steps: [50] } } }).result);
  assert.deepEqual(await stages(hub), [
    "open done",
    "distribute done",
    "start 1: 50% done",
    "start 2: 100% done",
    "visitors done",
  ]);
});

test("a wave begins when the time of its manifest has passed since the one before", async () => {
  const slow = manifest("waves: { by: zone, canary: web-4, after: 10m }\n");
  const { hub } = await begin([slow, manifest("")]);
  const { outcome } = await hub.settle(deploy(hub, "one").result, 60 * 60_000);
  assert.equal(outcome, "ready");
  const [newest] = (await hub.call("hub.plans", {})).plans;
  const { stages: all } = await hub.call("hub.plan-status", { id: newest?.run ?? "" });
  const [canary, first, second] = all.filter(({ name }) => name.startsWith("start "));
  assert.equal((first?.beganAt ?? 0) - (canary?.endedAt ?? 0), 600_000);
  assert.equal((second?.beganAt ?? 0) - (first?.endedAt ?? 0), 600_000);
  await assert.rejects(hub.settle(deploy(hub, "two", { waves: { afterMs: 1 } }).result), {
    code: "BAD_PLAN",
    message: "it comes in no waves that could wait for one another",
  });
});

test("drones of later waves have it before the first begins; one that is away holds up nobody", async () => {
  const fetched = new Map(
    ["web-1", "web-2", "web-3", "web-4"].map((name) => [name, [] as string[]]),
  );
  const { hub, drones } = await begin([byZone], (name) => ({ fetched: fetched.get(name) ?? [] }));
  drones[2]?.die();
  await hub.sim.clock.advance(120_000);
  const { result } = deploy(hub, "one");
  await hub.sim.clock.until("the canary is told", () => runs(drones[3], commits.one));
  assert.deepEqual(
    [...fetched].map(([name, own]) => `${name} ${own.length}`),
    ["web-1 1", "web-2 1", "web-3 0", "web-4 0"],
  );
  const { outcome, drones: ends } = await hub.settle(result);
  assert.equal(outcome, "ready");
  assert.deepEqual(
    ends.map((end) => `${end.drone} ${end.outcome}`),
    ["web-1 ready", "web-2 ready", "web-4 ready"],
  );
});

test("a drone that never comes to an end with fetching ahead is waited for ten minutes, and no longer", async () => {
  const { hub } = await begin([byZone], (name) => ({ drips: name === "web-1" }));
  const began = hub.sim.clock.now();
  const { outcome } = await hub.settle(deploy(hub, "one").result, 30 * 60_000);
  const tookMs = hub.sim.clock.now() - began;
  assert.equal(outcome, "ready");
  assert.ok(tookMs >= 10 * 60_000 && tookMs < 12 * 60_000, `${tookMs} ms`);
});

test("a drone that cannot fetch ahead fails nothing", async () => {
  // Without `fetched` it knows nothing of commands of plans.
  const { hub } = await begin(
    [byZone],
    (name) => (name === "web-1" ? { fetched: undefined } : {}) as object,
  );
  const { outcome } = await hub.settle(deploy(hub, "one").result);
  assert.equal(outcome, "ready");
});

test("a wave that fails keeps the release from the next, and all of it is put back", async () => {
  const fateOf = ({ commit }: { commit: string }) =>
    commit === commits.two ? ("fails" as const) : ("ready" as const);
  const { hub, drones } = await begin([byZone, byZone], (name) =>
    name === "web-2" ? { fateOf } : {},
  );
  await hub.settle(deploy(hub, "one").result);
  const { outcome, reason } = await hub.settle(deploy(hub, "two").result);
  assert.deepEqual([outcome, reason], ["failed", "it failed on web-2: exit code 1"]);
  assert.ok(
    drones.every((drone) => !runs(drone, commits.two)),
    "nothing of it is left",
  );
  assert.ok(
    drones.every((drone) => isReadyOn(drone, commits.one)),
    "what ran goes on",
  );
});

/** Of the newest plan: a line for each drone of each task, as they are told of it. */
async function droneStates(hub: SimHub): Promise<readonly string[]> {
  const [newest] = (await hub.call("hub.plans", {})).plans;
  const { stages: all } = await hub.call("hub.plan-status", { id: newest?.run ?? "" });
  return all.flatMap(({ name, tasks }) =>
    tasks.flatMap(({ command, drones }) =>
      (drones?.drones ?? []).map((one) => `${name} ${command} ${one.drone} ${one.state}`),
    ),
  );
}

test("the drones of each wave are told with the task that waits for them, also after the hub was restarted", async () => {
  const fateOf = ({ commit }: { commit: string }) =>
    commit === commits.two ? ("fails" as const) : ("ready" as const);
  const { hub } = await begin([byZone, byZone], (name) => (name === "web-2" ? { fateOf } : {}));
  await hub.settle(deploy(hub, "one").result);
  assert.deepEqual(
    new Set(await droneStates(hub)),
    new Set([
      "start 1: canary web-4 wait-healthy web-4 healthy",
      "start 2: zone a wait-healthy web-1 healthy",
      "start 2: zone a wait-healthy web-2 healthy",
      "start 3: zone b wait-healthy web-3 healthy",
    ]),
  );
  const second = deploy(hub, "two");
  let under: readonly string[] = [];
  for (let step = 0; step < 1_000 && !under.some((line) => line.endsWith(" starting")); step++) {
    await hub.sim.clock.advance(50);
    under = await droneStates(hub);
  }
  assert.deepEqual(under, ["start 1: canary web-4 wait-healthy web-4 starting"]);
  assert.equal((await hub.settle(second.result)).outcome, "failed");
  const failed = await droneStates(hub);
  assert.ok(failed.includes("start 1: canary web-4 wait-healthy web-4 healthy"), failed.join());
  assert.ok(failed.includes("start 2: zone a wait-healthy web-1 healthy"), failed.join());
  assert.ok(failed.includes("start 2: zone a wait-healthy web-2 failed"), failed.join());
  const [newest] = (await hub.call("hub.plans", {})).plans;
  const { events } = await hub.call("hub.plan-log", {
    id: newest?.run ?? "",
    seen: [],
    eventsMax: 1_000,
  });
  const [end] = events.filter(
    ({ event }) => event.kind === "task-ended" && event.drones?.counts.failed,
  );
  assert.ok(end?.event.kind === "task-ended");
  const [bad] = end.event.drones?.drones ?? [];
  assert.deepEqual([bad?.drone, bad?.state, bad?.reason], ["web-2", "failed", "exit code 1"]);
  await hub.stop();
  await hub.start();
  assert.deepEqual(await droneStates(hub), failed);
});

test("a hub that is killed at any write in the middle of waves goes on with them, in their order", async () => {
  for (const when of ["before", "after"] as const) {
    for (let write = 1; write <= 45; write += 3) {
      const { hub, drones } = await begin([byZone, byZone], () => ({}), write);
      await hub.settle(deploy(hub, "one").result);
      hub.killAtWrite(write, when);
      deploy(hub, "two").result.catch(() => undefined);
      let isBack = false;
      await hub.sim.clock.until("it is there, or the hub was never killed", () => {
        checkOrder(drones, commits.two);
        if (!hub.isAlive && !isBack) {
          isBack = true;
          void hub.start();
        }
        return isBack || drones.every((drone) => isReadyOn(drone, commits.two));
      });
      hub.killAtWrite(never, when);
      if (!hub.isAlive && !isBack) await hub.start();
      await hub.sim.clock.advance(180_000);
      const { releases } = await hub.call("hub.releases", { repo, last: 1 });
      const what = `write ${write} ${when}`;
      const isAccepted = releases[0]?.number === 2;
      if (isAccepted) assert.equal(releases[0]?.state, "ready", what);
      assert.ok(
        drones.every((drone) => isReadyOn(drone, commits.two) === isAccepted),
        what,
      );
      // Also when it died between the release and its plan.
      if (isAccepted) assert.deepEqual((await stages(hub)).slice(2, 5), inZones, what);
    }
  }
});

test("a hub that dies before the plan of a release is on disk makes it anew; impossible by then, the release fails", async () => {
  for (const isGone of [false, true]) {
    const { hub, drones } = await begin([manifest("")]);
    hub.killAtWrite(1, "after");
    deploy(hub, "one", { waves: { canary: "web-1" } }).result.catch(() => undefined);
    await hub.sim.clock.until("it is killed", () => !hub.isAlive);
    assert.deepEqual(await hub.keys("plan-"), [], "there is no plan yet");
    if (isGone) {
      drones[0]?.die();
      await hub.rewrite("drones/", (value) => {
        const row = value as { readonly name: string };
        return row.name === "web-1" ? { ...row, state: "left" } : value;
      });
    }
    await hub.start();
    await hub.sim.clock.advance(60_000);
    const { outcome, reason = "" } = await hub.call("hub.follow", { repo, release: 1 });
    assert.equal(outcome, isGone ? "failed" : "ready", reason);
    if (isGone) assert.match(reason, /the canary web-1 is not among the drones/);
    else assert.ok((await stages(hub)).includes("start 1: canary web-1 done"));
  }
});

/** The largest number of instances of `web` that were down at once while something goes on. */
async function mostDown(hub: SimHub, drones: readonly SimDrone[], until: () => boolean) {
  let most = 0;
  await hub.sim.clock.until("it is over", () => {
    const all = drones.flatMap((drone) => [...drone.instances.values()]);
    const down = all.filter(({ service, phase }) => service === "web" && phase !== "ready");
    most = Math.max(most, down.length);
    return until();
  });
  return most;
}

const restartsOf = (drones: readonly SimDrone[]) =>
  drones.flatMap((drone) => [...drone.instances.values()].map(({ restarts }) => restarts));

test("a commit that runs is deployed again on demand only: its instances restart, enough of them stay up", async () => {
  for (const [minUp, most] of [
    ["", 1],
    [", minUp: 50%", 2],
  ] as const) {
    const { hub, drones } = await begin([manifest("", minUp)]);
    await hub.settle(deploy(hub, "one").result);
    assert.equal((await hub.settle(deploy(hub, "one").result)).outcome, "unchanged");
    assert.deepEqual(new Set(restartsOf(drones)), new Set([0]));
    let isOver = false;
    const { result } = deploy(hub, "one", { redeploy: true });
    void result.finally(() => {
      isOver = true;
    });
    assert.equal(await mostDown(hub, drones, () => isOver), most, minUp);
    const { outcome, release, drones: ends } = await result;
    assert.deepEqual([outcome, release], ["ready", 2]);
    assert.deepEqual(new Set(ends.map((end) => end.outcome)), new Set(["ready"]));
    assert.deepEqual(restartsOf(drones), Array<number>(8).fill(1));
  }
});

test("an instance that does not come back ends a redeploy, and the others are left alone", async () => {
  const { hub, drones } = await begin([manifest("")], (name) => ({
    comesBack: () => name !== "web-2",
  }));
  await hub.settle(deploy(hub, "one").result);
  const { outcome, reason } = await hub.settle(deploy(hub, "one", { redeploy: true }).result);
  assert.equal(outcome, "failed");
  assert.match(reason ?? "", /web-2: exit code 1/);
  const [, , three, four] = drones;
  assert.deepEqual(new Set(restartsOf([three, four] as SimDrone[])), new Set([0]));
});

test("a hub that is killed in the middle of a redeploy restarts the rest, and never too many", async () => {
  for (let write = 3; write <= 30; write += 3) {
    const { hub, drones } = await begin([manifest("")], () => ({}), write);
    await hub.settle(deploy(hub, "one").result);
    hub.killAtWrite(write, "after");
    deploy(hub, "one", { redeploy: true }).result.catch(() => undefined);
    let isBack = false;
    const isDone = () => {
      if (!hub.isAlive && !isBack) {
        isBack = true;
        void hub.start();
      }
      return restartsOf(drones).every((restarts) => restarts > 0);
    };
    const most = await mostDown(hub, drones, isDone);
    hub.killAtWrite(never, "after");
    // Those of the drone under way may be restarted by the life before as well.
    assert.ok(most <= 2, `write ${write}: ${most} were down`);
    if (!hub.isAlive) await hub.start();
    await hub.sim.clock.advance(120_000);
    const { outcome } = await hub.call("hub.follow", { repo, release: 2 });
    assert.equal(outcome, "ready", `write ${write}`);
  }
});

test("too few drones for what has to stay up refuse a release before anything is done; forced, it comes one by one", async () => {
  const strict = manifest("", ", minUp: 4");
  const { hub } = await begin([strict, strict]);
  assert.equal((await hub.settle(deploy(hub, "one").result)).outcome, "ready", "nothing runs yet");
  await assert.rejects(hub.settle(deploy(hub, "two").result), {
    code: "BAD_PLAN",
    message:
      "these waves are not possible: service web keeps 4 of 4 instances up, so none may be replaced",
  });
  assert.equal((await hub.call("hub.releases", { repo, last: 9 })).releases.length, 1);
  const { outcome } = await hub.settle(deploy(hub, "two", { waves: { force: true } }).result);
  assert.equal(outcome, "ready");
  assert.equal((await stages(hub)).filter((stage) => stage.startsWith("start ")).length, 4);
});
