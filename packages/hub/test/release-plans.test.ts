/** Releases as plans of the hub, in virtual time: listed, stopped, paused, gone on with after any end of the hub. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Params, PropagitError, Result, RolloutProgress } from "@propagit/protocol";
import { argsOf, type WrittenPlan } from "@propagit/plan";
import type { Json } from "@propagit/store";
import { releaseCommands } from "../src/plan-commands/release-commands.js";
import type { BegunTask, SimDrone, SimDroneOptions } from "./support/sim-drone.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const plain = "services:\n  web: { command: node web.js }\n";
const tasks = `${plain}build: make\ntest: make test\nrelease: make migrate\n`;

interface Scene {
  readonly hub: SimHub;
  readonly drone: SimDrone;
  readonly begun: readonly BegunTask[];
}

/** A hub with commits that say what to run, and a drone that runs it. */
async function begin(
  manifests: readonly string[],
  options: Partial<SimDroneOptions> = {},
): Promise<Scene> {
  const hub = await SimHub.start();
  const names = ["one", "two", "three"] as const;
  manifests.forEach((manifest, at) => {
    const name = names[at] ?? "one";
    hub.repositories.push(repo, name, commits[name], { "propagit.yaml": manifest });
  });
  const begun: BegunTask[] = [];
  const drone = hub.drone("web-1", { service: null, begun, ...options });
  await hub.sim.clock.until("it joins", () => drone.assigned !== undefined);
  return { hub, drone, begun };
}

function deploy(hub: SimHub, ref: string, more: Partial<Params<"hub.deploy">> = {}) {
  const phases: string[] = [];
  const onPart = (part: RolloutProgress) => {
    if (part.kind === "phase") phases.push(part.text);
  };
  const result = hub.begin("hub.deploy", { repo, ref, by: "ann", ...more }, { onPart });
  result.catch(() => undefined);
  return { phases, result };
}

/** Newest first: name, how it stands, why. */
async function plans(hub: SimHub): Promise<Result<"hub.plans">["plans"]> {
  return (await hub.call("hub.plans", {})).plans;
}

async function newest(hub: SimHub) {
  const [plan] = await plans(hub);
  assert.ok(plan, "there is a plan");
  return plan;
}

async function ask(hub: SimHub, id: string, wanted: Params<"hub.plan-ask">["ask"]): Promise<void> {
  await hub.call("hub.plan-ask", { id, ask: wanted, by: "bob" });
}

async function stagesOf(hub: SimHub, id: string): Promise<readonly string[]> {
  const { stages } = await hub.call("hub.plan-status", { id });
  return stages.map(({ name, state }) => `${name} ${state}`);
}

test("a release is listed as a plan, stage by stage, and its row says which one", async () => {
  const { hub } = await begin([tasks]);
  await hub.settle(deploy(hub, "one").result);
  const { run, name, by, outcome, locks } = await newest(hub);
  assert.deepEqual(
    [name, by, outcome, locks],
    ["deploy webapp 74336bc to production", "ann", "done", ["webapp/production"]],
  );
  const names = ["open", "build", "test", "release step", "start", "visitors"];
  assert.deepEqual(
    await stagesOf(hub, run),
    names.map((each) => `${each} done`),
  );
  await hub.settle(deploy(hub, "one", { environment: "staging" }).result);
  assert.equal((await newest(hub)).name, "deploy webapp 74336bc to staging");
});

test("what a release finds done already, its plan tells as unchanged", async () => {
  const { hub, begun } = await begin([tasks, plain]);
  await hub.settle(deploy(hub, "one").result);
  await hub.settle(deploy(hub, "two").result);
  const { outcome } = await hub.settle(deploy(hub, "one").result);
  assert.equal(outcome, "ready");
  const { counts, run } = await newest(hub);
  assert.deepEqual([counts.unchanged, counts.done], [2, 5], "build and test");
  assert.equal(begun.filter(({ kind }) => kind === "build").length, 1);
  assert.deepEqual((await stagesOf(hub, run)).slice(0, 3), [
    "open done",
    "build done",
    "test done",
  ]);
});

test("the next release waits for the plan of the one before", async () => {
  const { hub } = await begin([plain, plain], { fateOf: () => "never" });
  const first = deploy(hub, "one");
  await hub.sim.clock.until("it starts", () => first.phases.includes("starting"));
  const second = deploy(hub, "two");
  await hub.sim.clock.until("it waits", () => second.phases.length > 0);
  const [waiting, holding] = await plans(hub);
  assert.deepEqual([waiting?.state, holding?.state], ["queued", "going"]);
  const { plan } = await hub.call("hub.plan-status", { id: waiting?.run ?? "" });
  assert.deepEqual(plan.waitsFor, { lock: "webapp/production", behind: holding?.run });
});

test("its plan stopped, a release is cancelled and put back, on its way as in the queue", async () => {
  const { hub, drone } = await begin([plain, plain], { fateOf: () => "never" });
  const first = deploy(hub, "one");
  await hub.sim.clock.until("it starts", () => drone.instances.size > 0);
  const second = deploy(hub, "two");
  await hub.sim.clock.until("it waits", () => second.phases.length > 0);
  const [waiting, holding] = await plans(hub);
  await ask(hub, waiting?.run ?? "", { kind: "stop", undo: false });
  assert.equal((await hub.settle(second.result)).outcome, "cancelled");
  await ask(hub, holding?.run ?? "", { kind: "stop", undo: false, now: true });
  const { outcome, reason } = await hub.settle(first.result);
  assert.deepEqual([outcome, reason], ["cancelled", "bob stopped its plan"]);
  assert.equal(drone.instances.size, 0);
  await hub.sim.clock.advance(1_000);
  const outcomes = (await plans(hub)).map((plan) => plan.outcome);
  assert.deepEqual(new Set(outcomes), new Set(["stopped", "undone"]));
  assert.deepEqual(await hub.keys("rollouts/"), []);
});

test("a cancelled release is a plan that was stopped by whoever cancelled it", async () => {
  const { hub } = await begin([tasks], { taskFateOf: () => "never" });
  const { phases, result } = deploy(hub, "one");
  await hub.sim.clock.until("it builds", () => phases.includes("building on web-1"));
  await hub.call("hub.cancel", { repo, by: "bob" });
  assert.equal((await hub.settle(result)).reason, "bob cancelled it");
  await hub.sim.clock.advance(1_000);
  const [cancel, release] = await plans(hub);
  assert.deepEqual([cancel?.name, cancel?.outcome], ["cancel release 1 of webapp", "done"]);
  assert.deepEqual([release?.outcome, release?.reason], ["undone", "stopped by bob"]);
  assert.ok((await stagesOf(hub, release?.run ?? "")).includes("undo done"));
});

test("paused, a release does nothing new, also after a restart of the hub, until it is resumed", async () => {
  const { hub, drone, begun } = await begin([tasks], { taskFateOf: () => "never" });
  const first = deploy(hub, "one");
  await hub.sim.clock.until("it builds", () => first.phases.includes("building on web-1"));
  const { run } = await newest(hub);
  await ask(hub, run, { kind: "pause" });
  hub.kill();
  drone.die();
  await hub.start();
  hub.drone("web-1", { service: null, begun: begun as BegunTask[] });
  await hub.sim.clock.advance(60_000);
  assert.equal((await newest(hub)).state, "paused");
  assert.deepEqual(new Set(begun.map(({ kind }) => kind)), new Set(["build"]));
  assert.equal((await stagesOf(hub, run))[1], "build done", "what was under way has ended");
  await ask(hub, run, { kind: "resume" });
  const { outcome } = await hub.call("hub.follow", { repo, release: 1 });
  assert.equal(outcome, "ready");
});

test("a plan that is over by itself fails its release, which is put back by a plan of its own", async () => {
  const { hub } = await begin([plain], { fateOf: () => "never" });
  const { phases, result } = deploy(hub, "one");
  await hub.sim.clock.until("it starts", () => phases.includes("starting"));
  result.catch(() => undefined);
  hub.kill();
  // Its journal is damaged.
  await hub.rewrite("plan-events/", () => "no JSON");
  await hub.start();
  const { outcome, reason } = await hub.call("hub.follow", { repo, release: 1 });
  assert.equal(outcome, "failed");
  assert.match(reason ?? "", /^its plan \w+ is unreadable: /);
});

test("a plan that is on disk, though writing it failed, is not begun again under that name for ever", async () => {
  const { hub } = await begin([plain]);
  const ends: string[] = [];
  for (let write = 1; write <= 6; write++) {
    hub.failAfterWrite(write);
    const { result } = deploy(hub, "one", { environment: `e${write}` });
    const ended = result.then(
      ({ outcome }) => outcome,
      ({ code }: PropagitError) => code,
    );
    ends.push(await hub.settle(ended));
  }
  // Of the first, the row of the release itself.
  assert.deepEqual(ends, ["DATA_UNUSABLE", "ready", "ready", "ready", "ready", "ready"]);
});

test("a release that is planned anew on a full disk is carried out, and those behind it, when there is room", async () => {
  for (let write = 2; write <= 6; write++) {
    const { hub } = await begin([plain, plain]);
    const outcomeOf = async ({ result }: ReturnType<typeof deploy>) =>
      hub.settle(
        result.then(
          ({ outcome }) => outcome,
          ({ code }: PropagitError) => code,
        ),
      );
    hub.failAfterWrite(write, { isLast: true });
    const first = deploy(hub, "one");
    await hub.sim.clock.advance(30_000);
    hub.makeRoom();
    assert.equal(await outcomeOf(first), "ready", `write ${write}`);
    assert.equal(await outcomeOf(deploy(hub, "two")), "ready", `write ${write}`);
  }
});

test("parts of a release are nothing that a plan of a user may do", async () => {
  const { hub } = await begin([plain]);
  const plan = JSON.stringify({
    name: "p",
    stages: [{ name: "s", tasks: [{ command: "start", repo, release: 1 }] }],
  });
  await assert.rejects(
    hub.call("hub.plan-start", { plan, file: "plan.json", by: "ann" }),
    (thrown: PropagitError) => {
      assert.match(thrown.message, /task 1\.1\.1 \(start\): it is part of a release/);
      return thrown.code === "BAD_PLAN";
    },
  );
});

test("a hub that is killed at any write of a cancelled release ends it, and its plan with it", async () => {
  for (const when of ["before", "after"] as const) {
    for (let write = 1; write <= 10; write++) {
      const { hub, drone } = await begin([plain], { fateOf: () => "never" });
      deploy(hub, "one");
      await hub.sim.clock.until("it starts", () => drone.instances.size > 0);
      hub.killAtWrite(write, when);
      const asked = hub.begin("hub.cancel", { repo, by: "bob" });
      await hub.settle(asked.then(undefined, () => undefined));
      if (!hub.isAlive) await hub.start();
      await hub.sim.clock.advance(60_000);
      if (!hub.isAlive) await hub.start();
      await hub.call("hub.cancel", { repo, by: "bob" }).catch(() => undefined);
      await hub.sim.clock.advance(60_000);
      if (!hub.isAlive) await hub.start();
      await hub.sim.clock.advance(1_000);
      const what = `write ${write} ${when}`;
      const { outcome } = await hub.call("hub.follow", { repo, release: 1 });
      assert.equal(outcome, "cancelled", what);
      assert.equal(drone.instances.size, 0, what);
      assert.equal((await newest(hub)).state, "over", what);
    }
  }
});

/** Every task of a plan, those of its rollback too. */
function tasksOf({ stages, rollback }: WrittenPlan): readonly Record<string, unknown>[] {
  const all = [...stages, ...(rollback?.stages ?? [])];
  return all.flatMap((stage) => stage.tasks.flat()) as readonly Record<string, unknown>[];
}

test("the example of each command of a release is part of a plan that a hub carries out", async () => {
  const { hub } = await begin([plain, plain, tasks], { service: null });
  const done = new Set<string>();
  for (const ref of ["one", "two"]) await hub.settle(deploy(hub, ref).result);
  const carryOut = async (scene: SimHub, more: object) => {
    await scene.settle(deploy(scene, "three", more).result);
    const { run, outcome } = await newest(scene);
    const parts: string[] = [];
    const onPart = (part: string) => void parts.push(part);
    const { text } = await scene.call("hub.plan-text", { id: run }, { onPart });
    const written = JSON.parse(parts.join("") + text) as WrittenPlan;
    const isUndone = outcome === "undone";
    for (const { command, example } of matching(written)) {
      assert.equal(example["release"], 3);
      if (command === "undo-release" ? isUndone : !isUndone) done.add(command);
    }
  };
  await carryOut(hub, {});
  const other = (await begin([plain, plain, tasks])).hub;
  for (const ref of ["one", "two"]) await other.settle(deploy(other, ref).result);
  await carryOut(other, { promote: false });
  const failing = (await begin([plain, plain, tasks], { taskFateOf: () => "failed" })).hub;
  for (const ref of ["one", "two"]) await failing.settle(deploy(failing, ref).result);
  await carryOut(failing, {});
  const several = (await begin([plain, plain, plain], { fetched: [] })).hub;
  several.drone("web-2", { service: null, fetched: [] });
  for (const ref of ["one", "two"]) await several.settle(deploy(several, ref).result);
  await carryOut(several, { waves: { by: { kind: "percent", steps: [50] } } });
  const again = (await begin([plain, plain])).hub;
  for (const ref of ["one", "two"]) await again.settle(deploy(again, ref).result);
  await carryOut(again, { redeploy: true, ref: "two" });
  assert.deepEqual(done, new Set(releaseCommands.map(({ name }) => name)));
});

/** Commands whose example is a task of the plan; which commit it is about may differ. */
function matching(plan: WrittenPlan) {
  return releaseCommands.flatMap(({ name: command, example, ...rest }) => {
    const args = argsOf({ ...rest, name: command, example }, example) as object;
    const { commit: _, deployment: __, ...wanted } = args as Record<string, unknown>;
    const found = tasksOf(plan).some(
      (task) =>
        task["command"] === command &&
        Object.entries(wanted).every(
          ([key, value]) => key === "environment" || task[key] === value,
        ),
    );
    return found ? [{ command, example }] : [];
  });
}

const formerPhases = ["queued", "building", "testing", "releasing", "starting"] as const;

for (const phase of formerPhases) {
  test(`a release that the version before left ${phase} goes on as a plan`, async () => {
    const fates = { building: "build", testing: "test", releasing: "release" } as const;
    const kind = phase in fates ? fates[phase as keyof typeof fates] : undefined;
    let isHeld = true;
    const { hub, begun, drone } = await begin([tasks], {
      taskFateOf: (task) => (isHeld && task.kind === kind ? "never" : "done"),
      fateOf: () => (isHeld && phase === "starting" ? "never" : "ready"),
    });
    const { phases } = deploy(hub, "one");
    const text = phase === "releasing" ? "running the release command" : phase;
    if (phase !== "queued") {
      const isThere = () => phases.some((each) => each.startsWith(text));
      await hub.sim.clock.until(`it is ${phase}`, isThere);
    }
    hub.kill();
    await asFormerVersion(hub, phase);
    isHeld = false;
    if (phase !== "queued") drone.die();
    await hub.start();
    const taskFateOf = () => (phase === "releasing" ? "interrupted" : "done");
    if (phase !== "queued")
      hub.drone("web-1", { service: null, begun: begun as BegunTask[], taskFateOf });
    await hub.sim.clock.advance(120_000);
    const { outcome, reason = "" } = await hub.call("hub.follow", { repo, release: 1 });
    // What a release command did cannot be known.
    if (phase === "releasing") assert.equal(outcome, "failed", reason);
    else assert.equal(outcome, "ready", reason);
    assert.equal((await newest(hub)).state, "over");
  });
}

/** As the disk was before releases were plans. */
async function asFormerVersion(hub: SimHub, phase: string): Promise<void> {
  const left = { queued: [], building: 0, testing: 1, releasing: 2, starting: 3 };
  await hub.rewrite("plan-", () => undefined);
  await hub.rewrite("format", () => 2);
  await hub.rewrite("releases/", (value) => without(value, "run"));
  await hub.rewrite("rollouts/", (value) => {
    const row = without(value, "run", "done") as object;
    const at = left[phase as keyof typeof left];
    const rest = typeof at === "number" ? ["build", "test", "release"].slice(at) : [];
    return { ...row, tasks: rest };
  });
}

function without(value: Json, ...keys: readonly string[]): Json {
  const entries = Object.entries(value as object).filter(([key]) => !keys.includes(key));
  return Object.fromEntries(entries) as Json;
}
