/** Pushes of files as plans of the hub, in virtual time: told, listed, noted once, gone on with after any end of the hub. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  toPropagitError,
  type FilesOutcome,
  type FilesPart,
  type Params,
  type PlannedChange,
} from "@propagit/protocol";
import { hangUp, sleep } from "@propagit/runtime";
import { readPlan, tasksOfPlan } from "@propagit/plan";
import { hubCommands } from "../src/index.js";
import type { SimDrone } from "./support/sim-drone.js";
import { SimHub } from "./support/sim-hub.js";

const path = "/srv/site";
const [old, fresh, absent] = ["a".repeat(40), "b".repeat(40), "c".repeat(40)];
const run = "0123456789";
/** More than a push to three drones makes. */
const writesMax = 16;
const everybody: Params<"hub.files-push"> = {
  target: { names: ["*"] },
  path,
  commit: fresh,
  replace: false,
  force: false,
  dryRun: false,
  by: "ann",
};
const change: PlannedChange = {
  kind: "files",
  target: { names: ["*"] },
  path,
  commit: fresh,
  replace: false,
  force: false,
};

interface Scene {
  readonly hub: SimHub;
  readonly drones: readonly SimDrone[];
}

async function begin(...names: readonly string[]): Promise<Scene> {
  const hub = await SimHub.start();
  hub.files.pushed.add(old).add(fresh);
  return { hub, drones: await hub.drones(...names) };
}

/** Asks, and asks again when the hub is lost, as the command line does. */
async function push(hub: SimHub, more: Partial<Params<"hub.files-push">> = {}) {
  const ends = new Map<string, FilesOutcome>();
  const phases = new Set<string>();
  const onPart = (part: FilesPart) => {
    if ("outcome" in part) ends.set(part.drone, part);
    else phases.add(`${part.drone}: ${part.phase}`);
  };
  for (;;) {
    try {
      const params = { ...everybody, ...more };
      const { drones } = await hub.begin("hub.files-push", params, { onPart });
      return { drones, phases, ends: [...ends.values()].sort(byDrone) };
    } catch (thrown) {
      const { code } = toPropagitError(thrown);
      if (code !== "LINK_LOST" && code !== "UNREACHABLE") throw thrown;
      await sleep(hub.sim.clock, 500);
    }
  }
}

/** Looks again and again, in the hub's time. */
function until(hub: SimHub, look: () => Promise<boolean>): Promise<void> {
  const looking = async () => {
    while (!(await look())) await sleep(hub.sim.clock, 100);
  };
  return hub.settle(looking());
}

function byDrone({ drone: left }: FilesOutcome, { drone: right }: FilesOutcome): number {
  return left < right ? -1 : 1;
}

function outcomesOf(ends: readonly FilesOutcome[]) {
  return ends.map(({ drone, outcome }) => `${drone}: ${outcome}`);
}

async function plansOf(hub: SimHub) {
  return (await hub.call("hub.plans", {})).plans;
}

/** What the log of events says of pushes and plans, newest first. */
async function noted(hub: SimHub): Promise<readonly string[]> {
  const { events } = await hub.call("hub.events", { last: 100, follow: false });
  return events
    .filter(({ kind }) => kind.startsWith("files-") || kind.startsWith("plan-"))
    .map(({ kind, text }) => `${kind}: ${text}`);
}

async function planned(hub: SimHub, wanted: PlannedChange = change) {
  const heard: FilesPart[] = [];
  const onPart = (part: string | FilesPart) => {
    if (typeof part !== "string") heard.push(part);
  };
  const { text, told } = await hub.call("hub.plan-make", { change: wanted }, { onPart });
  return { text, told, heard, plan: readPlan({ file: "plan.json", text }, hubCommands) };
}

test("a push is a plan: each drone is told as it goes, and the plan is listed", async () => {
  const { hub, drones } = await begin("web-1", "web-2");
  const { drones: count, phases, ends } = await hub.settle(push(hub));
  assert.equal(count, 2);
  assert.ok(phases.has("web-1: writing"));
  assert.deepEqual(outcomesOf(ends), ["web-1: done", "web-2: done"]);
  assert.equal(ends[0]?.changes?.changed, 1);
  assert.deepEqual(
    drones.map(({ files }) => files.get(path)),
    [fresh, fresh],
  );
  const [plan] = await plansOf(hub);
  assert.equal(plan?.name, "files push /srv/site to 2 drones");
  assert.deepEqual([plan.by, plan.outcome, plan.counts.done], ["ann", "done", 2]);
  assert.deepEqual(await noted(hub), [
    "files-pushed: ann pushed files bbbbbbb to /srv/site on 2 of 2 drones",
  ]);
});

test("git is asked when a push begins, and not once more for each drone", async () => {
  const { hub } = await begin(...Array.from({ length: 20 }, (_, at) => `web-${at}`));
  const { drones } = await hub.settle(push(hub));
  assert.equal(drones, 20);
  assert.equal(hub.files.asked, 2);
});

test("what is there already is told as unchanged, and the plan says so", async () => {
  const { hub } = await begin("web-1");
  await hub.settle(push(hub));
  const { ends } = await hub.settle(push(hub));
  assert.deepEqual([ends[0]?.outcome, ends[0]?.changes?.unchanged], ["done", 1]);
  const [plan] = await plansOf(hub);
  assert.equal(plan?.counts.unchanged, 1);
});

test("who is away is told so at once, and the others get it; the same plan brings it there later", async () => {
  const { hub, drones } = await begin("web-1", "web-2");
  drones[1]?.die();
  // Until then it is only lost.
  await hub.settle(sleep(hub.sim.clock, 31_000));
  const before = hub.sim.clock.now();
  const { ends } = await hub.settle(push(hub, { run }));
  assert.ok(hub.sim.clock.now() - before < 10_000, "nobody waits for who is away");
  assert.deepEqual(outcomesOf(ends), ["web-1: done", "web-2: away"]);
  assert.match(
    (await noted(hub))[0] ?? "",
    /files-failed: .* on 1 of 2 drones, but not on 1: web-2/,
  );
  const back = hub.drone("web-2");
  await hub.sim.clock.until("it is back", () => back.assigned !== undefined);
  await hub.call("hub.plan-ask", { id: run, ask: { kind: "retry" }, by: "bob" });
  await hub.call("hub.plan-follow", { id: run, from: 0 });
  assert.equal(back.files.get(path), fresh);
});

test("who is lost for a moment is waited for", async () => {
  const { hub, drones } = await begin("web-1");
  drones[0]?.die();
  const pushing = push(hub);
  await hub.settle(sleep(hub.sim.clock, 2_000));
  const back = hub.drone("web-1");
  const { ends } = await hub.settle(pushing);
  assert.deepEqual(outcomesOf(ends), ["web-1: done"]);
  assert.equal(back.files.get(path), fresh);
});

test("what cannot be is refused before there is a plan", async () => {
  const { hub } = await begin("web-1");
  await assert.rejects(hub.settle(push(hub, { commit: absent })), { code: "NO_COMMIT" });
  const nobody = push(hub, { target: { names: ["web-9"] } });
  await assert.rejects(hub.settle(nobody), { code: "NO_PLACE" });
  assert.deepEqual(await plansOf(hub), []);
  const empty = await SimHub.start();
  empty.files.pushed.add(fresh);
  await assert.rejects(empty.settle(push(empty, { target: {} })), { code: "NO_DRONE" });
});

test("a place that no drone could have is refused, and one of any other name is a plan", async () => {
  const { hub, drones } = await begin("web-1");
  await assert.rejects(hub.settle(push(hub, { path: "srv/site" })), { code: "BAD_PLAN" });
  const odd = `/srv/${"😀".repeat(200)}\nnext`;
  const { ends } = await hub.settle(push(hub, { path: odd }));
  assert.deepEqual(outcomesOf(ends), ["web-1: done"]);
  assert.equal(drones[0]?.files.get(odd), fresh);
  const { plan } = await planned(hub, { ...change, path: odd });
  assert.deepEqual(plan.stages, []);
});

test("whoever goes away is not missed: the push goes on", async () => {
  const { hub, drones } = await begin("web-1");
  const conversation = await hub.settle(hub.dial());
  const pushing = conversation.call("hub.files-push", { ...everybody, run }, { limitMs: 0 });
  pushing.catch(() => undefined);
  await until(hub, async () => (await hub.begin("hub.plans", {})).plans.length > 0);
  void hangUp(conversation);
  const { outcome } = await hub.call("hub.plan-follow", { id: run, from: 0 });
  assert.equal(outcome, "done");
  assert.equal(drones[0]?.files.get(path), fresh);
  // Whoever asks again hears how it ended, as far as the journal has it.
  const { ends } = await hub.settle(push(hub, { run }));
  assert.equal(ends[0]?.changes, undefined);
  assert.match(ends[0]?.reason ?? "", /^0 added, 1 changed/);
});

test("asked twice at the same time it is one plan, and both hear of it", async () => {
  const { hub } = await begin("web-1");
  const both = await hub.settle(Promise.all([push(hub, { run }), push(hub, { run })]));
  for (const { ends } of both) assert.deepEqual(outcomesOf(ends), ["web-1: done"]);
  assert.equal((await plansOf(hub)).length, 1);
});

test("a run that is another push is not taken for this one", async () => {
  const { hub } = await begin("web-1");
  await hub.settle(push(hub, { run }));
  await assert.rejects(hub.settle(push(hub, { run, commit: old })), { code: "EXISTS" });
});

test("drones whose turn never came are told when the plan is stopped", async () => {
  const { hub } = await begin();
  const putFiles = () => new Promise<never>(() => undefined);
  const stuck = ["web-1", "web-2"].map((name) => hub.drone(name, { putFiles }));
  await hub.sim.clock.until("they join", () => stuck.every(({ assigned }) => assigned));
  const pushing = push(hub, { run });
  await until(hub, async () => (await hub.begin("hub.plans", {})).plans.length > 0);
  await hub.call("hub.plan-ask", {
    id: run,
    ask: { kind: "stop", undo: false, now: true },
    by: "bob",
  });
  const { ends } = await hub.settle(pushing);
  assert.equal(ends.length, 2);
  assert.ok(ends.every(({ outcome }) => outcome === "failed"));
});

test("killed at any write, the hub goes on with it, and whoever asked hears of every drone", async () => {
  for (const when of ["before", "after"] as const) {
    for (let write = 1; write <= writesMax; write++) {
      const { hub, drones } = await begin("web-1", "web-2", "web-3");
      const reborn = rebirths(hub);
      hub.killAtWrite(write, when);
      const { ends } = await hub.settle(push(hub, { run }));
      const where = `${when} write ${write}`;
      assert.deepEqual(outcomesOf(ends), ["web-1: done", "web-2: done", "web-3: done"], where);
      for (const { files } of drones) assert.equal(files.get(path), fresh, where);
      reborn.stop();
      if (!hub.isAlive) await hub.start();
      await hub.settle(sleep(hub.sim.clock, 1_000));
      assert.deepEqual(
        await noted(hub),
        ["files-pushed: ann pushed files bbbbbbb to /srv/site on 3 of 3 drones"],
        where,
      );
      assert.equal((await plansOf(hub)).length, 1, where);
    }
  }
});

/** Starts the hub again whenever it has died. */
function rebirths(hub: SimHub): { stop(): void } {
  const over = new AbortController();
  const look = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await sleep(hub.sim.clock, 300);
      if (!over.signal.aborted && !hub.isAlive) await hub.start();
    }
  };
  void look();
  return { stop: () => over.abort() };
}

test("a plan of a push says what would change, what is so, how long it takes, and writes nothing", async () => {
  const { hub, drones } = await begin("web-1", "web-2");
  await hub.settle(push(hub));
  drones[1]?.files.set(path, old);
  hub.killAtWrite(1, "before");
  const { plan, told, heard } = await planned(hub, { ...change, manifest: old });
  assert.ok(hub.isAlive, "a planner wrote");
  assert.deepEqual(plan.request, change);
  assert.equal(heard.filter((part) => "outcome" in part).length, 2);
  // The manifest was compared, but the plan is of the files.
  assert.deepEqual(told.skipped, [{ what: "web-2", why: "it has them already" }]);
  assert.deepEqual(
    tasksOfPlan(plan).map(({ where, args }) => [where, args["commit"]]),
    [[{ kind: "drone", drone: "web-1" }, fresh]],
  );
  assert.deepEqual(told.travel, { bytes: 10, drones: 1 });
  assert.equal(told.durations[0]?.command, "put-files");
});

test("where everybody has it, the plan is empty", async () => {
  const { hub } = await begin("web-1");
  await hub.settle(push(hub));
  const { plan, told } = await planned(hub);
  assert.deepEqual(plan.stages, []);
  assert.equal(told.skippedCount, 1);
});

test("a saved plan is carried out just so; refused when files were pushed there, or are no longer here", async () => {
  const { hub, drones } = await begin("web-1");
  const { text } = await planned(hub);
  const start = () => hub.call("hub.plan-start", { plan: text, file: "plan.json", by: "ann" });
  const { id } = await start();
  await hub.call("hub.plan-follow", { id, from: 0 });
  assert.equal(drones[0]?.files.get(path), fresh);
  await assert.rejects(start(), { code: "PLAN_MOVED", message: /since: files \/srv\/site$/ });
  const again = await planned(hub, { ...change, commit: old });
  hub.files.pushed.delete(old);
  const late = hub.call("hub.plan-start", { plan: again.text, file: "plan.json", by: "ann" });
  await assert.rejects(late, { code: "NO_COMMIT" });
});
