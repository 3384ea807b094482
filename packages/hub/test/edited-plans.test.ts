/** Plans of releases that were edited by hand: carried out exactly as they say, or refused before anything begins. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlanEvent, PlannedChange, PropagitError } from "@propagit/protocol";
import { announce, readPlan, type Plan, type RunEvent } from "@propagit/plan";
import fc from "fast-check";
import { hubCommands } from "../src/index.js";
import { commits, SimHub } from "./support/sim-hub.js";

const repo = "webapp";
const names = ["web-1", "web-2", "web-3", "web-4"];
const change: PlannedChange = {
  kind: "deploy",
  repo,
  ref: commits.three,
  promote: true,
  waves: { by: { kind: "percent", steps: [50, 100] } },
};

type Task = Record<string, unknown>;
interface Stage {
  name: string;
  onFailure?: string;
  tasks: (Task | Task[])[];
  [key: string]: unknown;
}
interface Written {
  stages: Stage[];
  rollback?: { stages: Stage[] };
  [key: string]: unknown;
}
type Edit = (plan: Written) => void;

interface Scene {
  readonly hub: SimHub;
  /** When each drone had it ready, in ms. */
  readonly readyAt: Map<string, number>;
  readonly made: Written;
}

/** Four drones that run one commit, and the plan of another in two waves. */
async function scene(): Promise<Scene> {
  const hub = await SimHub.start();
  const readyAt = new Map<string, number>();
  const drones = names.map((name) =>
    hub.drone(name, {
      fateOf: ({ commit }) => {
        if (commit === commits.three) readyAt.set(name, hub.sim.clock.now());
        return "ready";
      },
    }),
  );
  await hub.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
  await hub.deploy(commits.one);
  const pieces: string[] = [];
  const onPart = (piece: unknown) => void (typeof piece === "string" && pieces.push(piece));
  const { text } = await hub.call("hub.plan-make", { change }, { onPart });
  return { hub, readyAt, made: JSON.parse(pieces.join("") + text) as Written };
}

/** All that the hub would write when something began. */
async function traces(hub: SimHub): Promise<unknown> {
  const events: unknown[] = [];
  const onPart = (event: unknown) => void events.push(event);
  await hub.call("hub.events", { last: 100, follow: false }, { onPart });
  return {
    events,
    releases: await hub.call("hub.releases", { last: 10 }),
    plans: await hub.call("hub.plans", {}),
  };
}

function edited(made: Written, ...edits: readonly Edit[]): string {
  const plan = structuredClone(made);
  for (const edit of edits) edit(plan);
  return JSON.stringify(plan);
}

/** @returns why it was refused; nothing of it may have begun then */
async function refused({ hub, made }: Scene, ...edits: readonly Edit[]): Promise<string> {
  const before = await traces(hub);
  const text = edited(made, ...edits);
  const asked = hub.call("hub.plan-start", { plan: text, file: "p.json", by: "ann" });
  const thrown = await asked.then(
    () => assert.fail("it was begun"),
    (error: PropagitError) => error,
  );
  assert.equal(thrown.code, "BAD_PLAN", thrown.message);
  assert.deepEqual(await traces(hub), before);
  return thrown.message;
}

const stageNamed = ({ stages }: Written, name: string): Stage => {
  const found = stages.find((stage) => stage.name.startsWith(name));
  assert.ok(found, `there is a stage ${name}`);
  return found;
};
const tasksOf = (stage: Stage): Task[] => stage.tasks.flat();

/** Both tasks of a wave. */
function wave(number: number, drones: readonly string[] | undefined): Edit {
  return (plan) => {
    for (const task of tasksOf(stageNamed(plan, `start ${number}`))) task["drones"] = drones;
  };
}

test("waves that leave a drone out, name one twice or one that there is not are refused", async () => {
  const world = await scene();
  const left = await refused(world, wave(1, ["web-1"]), wave(2, ["web-2"]));
  assert.match(left, /^p\.json: task 4\.1\.1 \(start\): no wave has web-3, web-4, where it fits/);
  const strange = await refused(world, wave(1, ["web-1", "web-9"]));
  assert.match(strange, /task 3\.1\.1 \(start\): there is no drone web-9; did you mean `web-\d`/);
  const twice = await refused(world, wave(1, names));
  assert.match(twice, /task 4\.1\.1 \(start\): web-3, web-4 come more than once/);
  const all = await refused(world, wave(1, undefined));
  assert.match(all, /task 3\.1\.1 \(start\): without `drones` it is for all/);
  const other = await refused(world, (plan) => {
    const [, wait] = tasksOf(stageNamed(plan, "start 1"));
    assert.ok(wait);
    wait["drones"] = ["web-1"];
  });
  assert.match(other, /task 3\.1\.2 \(wait-healthy\): `drones` must be those of task 3\.1\.1/);
});

test("a drone that gets nothing of it has no place in a wave", async () => {
  const world = await scene();
  const { hub } = world;
  await hub.call("hub.drain", { drone: "web-4", drain: true, by: "ann" });
  const withoutBasis = (plan: Written) => void delete plan["basis"];
  const why = await refused(world, withoutBasis);
  assert.match(why, /drone web-4 gets nothing of it: it is drained/);
});

test("what makes it no release is refused: a stage less, another order, another release", async () => {
  const world = await scene();
  const without = (name: string) =>
    refused(world, (plan) => {
      plan.stages = plan.stages.filter((stage) => !stage.name.startsWith(name));
    });
  assert.match(await without("open"), /task 2\.1\.1 \(start\): open-release must come before it/);
  assert.match(await without("visitors"), /it lacks shift-traffic, without which/);
  assert.match(await refused(world, (plan) => void plan.stages.reverse()), /must come before it/);
  const seven = await refused(world, (plan) => {
    for (const task of plan.stages.flatMap(tasksOf)) task["release"] = 7;
  });
  assert.match(seven, /task 1\.1\.1 \(open-release\): `release` is 7, and would be 2/);
  const rollback = await refused(world, (plan) => void delete plan.rollback);
  assert.match(
    rollback,
    /it lacks undo-release, without which it is no release, in its `rollback`/,
  );
  const twice = await refused(world, (plan) => {
    const visitors = stageNamed(plan, "visitors");
    plan.stages.push({ ...visitors, name: "again" });
  });
  assert.match(twice, /task 6\.1\.1 \(shift-traffic\): the release is over before it/);
});

test("what a release does not do is refused: going on after a failure, trying again, elsewhere", async () => {
  const world = await scene();
  const told = (more: Task) =>
    refused(
      world,
      (plan) => void Object.assign(tasksOf(stageNamed(plan, "start 1"))[0] ?? {}, more),
    );
  assert.match(await told({ continueOnFail: true }), /does not go on without it/);
  assert.match(await told({ retries: 2 }), /put back, and not tried again/);
  assert.match(await told({ drone: "web-1" }), /the hub does this/);
  const staged = (more: Task) =>
    refused(world, (plan) => void Object.assign(stageNamed(plan, "start 1"), more));
  assert.match(await staged({ onFailure: "continue" }), /stage 3 \(start 1.*put back: rollback/);
  assert.match(await staged({ maxFailures: 1 }), /nothing of a release may fail/);
  assert.match(await staged({ concurrency: 2 }), /for its waves to say/);
  const half = await refused(world, (plan) => void plan.stages.splice(1, 0, hello("hello")));
  assert.match(half, /stage 2 \(hello\): it would leave half a release/);
});

function hello(name: string, onFailure?: string): Stage {
  const task = { command: "message", message: name };
  return { name, tasks: [task], ...(onFailure !== undefined && { onFailure }) };
}

interface Wave {
  readonly drones: readonly string[];
  readonly start: string;
  readonly wait: string;
}

/** As the plan has them. */
function wavesOf({ stages }: Plan): readonly Wave[] {
  return stages
    .flatMap(({ lines }) => lines)
    .flatMap((line) => {
      const [start, wait] = ["start", "wait-healthy"].map((command) =>
        line.find((task) => task.command === command),
      );
      if (!start || !wait) return [];
      const drones = (start.args["drones"] as string[] | undefined) ?? names;
      return [{ drones, start: start.id, wait: wait.id }];
    });
}

/** Without times. */
function bones(events: readonly (RunEvent | PlanEvent)[]): readonly string[] {
  return events
    .filter(({ kind }) => /^(?:stage|task)-(?:begun|ended)$/.test(kind))
    .map((event) => {
      const {
        kind,
        stage = "",
        task = "",
      } = event as { kind: string; stage?: number; task?: string };
      return `${kind} ${stage}${task}`;
    });
}

/** What happened is what it announced, and each drone got it in its wave. */
async function carriedOut({ hub, readyAt }: Scene, id: string, text: string): Promise<void> {
  const plan = readPlan({ file: "p.json", text }, hubCommands);
  const events: PlanEvent[] = [];
  const onPart = (part: readonly { event: PlanEvent }[]) =>
    void events.push(...part.map(({ event }) => event));
  const { outcome, reason } = await hub.call("hub.plan-follow", { id, from: 0 }, { onPart });
  assert.equal(outcome, "done", reason);
  const announced = announce(plan, { at: 0, expect: () => ({ ms: 1 }) }).events;
  assert.deepEqual(bones(events), bones(announced));
  const timeOf = (kind: string, task: string) =>
    events.find((event) => event.kind === kind && "task" in event && event.task === task)?.at ??
    NaN;
  for (const { drones, start, wait } of wavesOf(plan)) {
    const [from, until] = [timeOf("task-begun", start), timeOf("task-ended", wait)];
    for (const drone of drones) {
      const at = readyAt.get(drone) ?? NaN;
      assert.ok(from <= at && at <= until, `${drone} got it at ${at}, not in ${from}–${until}`);
    }
  }
  assert.deepEqual([...readyAt.keys()].sort(), names, "and nobody else");
}

test("waves in another order, with steps of one's own between them, are carried out as they say", async () => {
  const world = await scene();
  const text = edited(
    world.made,
    wave(1, ["web-4"]),
    wave(2, ["web-1", "web-2", "web-3"]),
    (plan) => {
      plan.stages.splice(2, 0, hello("between", "rollback"));
      plan.stages.push(hello("behind"));
    },
  );
  const { id } = await world.hub.call("hub.plan-start", { plan: text, file: "p.json", by: "ann" });
  await carriedOut(world, id, text);
});

const someDrones = fc.uniqueArray(fc.constantFrom(...names, "web-9"), { maxLength: 4 });
const someEdit: fc.Arbitrary<Edit> = fc.oneof(
  // Drones between waves: often all of them, each once.
  fc
    .tuple(fc.shuffledSubarray(names, { minLength: 4 }), fc.integer({ min: 1, max: 3 }))
    .map(([order, at]): Edit => (plan) => {
      for (const stage of plan.stages.filter(({ name }) => name.startsWith("start"))) {
        const drones = stage.name.startsWith("start 1") ? order.slice(0, at) : order.slice(at);
        for (const task of tasksOf(stage)) task["drones"] = drones;
      }
    }),
  someDrones.map((drones): Edit => (plan) => {
    const first = plan.stages.find(({ name }) => name.startsWith("start 1"));
    for (const task of first ? tasksOf(first) : []) task["drones"] = drones;
  }),
  fc.nat(5).map(
    (at): Edit =>
      (plan) =>
        void plan.stages.splice(at, 1),
  ),
  fc.tuple(fc.nat(5), fc.constantFrom("stop", "continue", "rollback")).map(
    ([at, onFailure]): Edit =>
      (plan) =>
        void plan.stages.splice(at, 0, hello(`hello ${plan.stages.length}`, onFailure)),
  ),
  fc.tuple(fc.nat(4), fc.nat(4)).map(([from, to]): Edit => (plan) => {
    plan.stages.splice(to, 0, ...plan.stages.splice(from, 1));
  }),
  fc
    .tuple(
      fc.nat(4),
      fc.constantFrom<object>(
        { release: 7 },
        { release: 1 },
        { environment: "staging" },
        { continueOnFail: true },
        { retries: 1 },
        { timeout: "1h" },
      ),
    )
    .map(([at, more]): Edit => (plan) => {
      const stage = plan.stages[at];
      Object.assign((stage && tasksOf(stage)[0]) ?? {}, more);
    }),
  fc
    .tuple(
      fc.nat(4),
      fc.constantFrom<object>(
        { after: "5m" },
        { maxFailures: 1 },
        { onFailure: "continue" },
        { concurrency: 1 },
      ),
    )
    .map(
      ([at, more]): Edit =>
        (plan) =>
          void Object.assign(plan.stages[at] ?? {}, more),
    ),
);

test("property: an edited release does exactly what its plan announces, or nothing at all", async () => {
  const count = { begun: 0, refused: 0 };
  const edits = fc.array(someEdit, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(edits, async (all) => {
      const world = await scene();
      const { hub, made } = world;
      const before = await traces(hub);
      const text = edited(made, ...all);
      const asked = hub.call("hub.plan-start", { plan: text, file: "p.json", by: "ann" });
      const begun = await asked.catch((thrown: PropagitError) => thrown);
      if (begun instanceof Error) {
        assert.equal(begun.code, "BAD_PLAN", begun.message);
        assert.deepEqual(await traces(hub), before);
        count.refused += 1;
        return;
      }
      await carriedOut(world, begun.id, text);
      count.begun += 1;
    }),
    { numRuns: 100 },
  );
  assert.ok(count.begun >= 10 && count.refused >= 10, JSON.stringify(count));
});
