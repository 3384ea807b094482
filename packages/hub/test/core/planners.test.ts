/** Planners over random worlds: they cannot write, and what they announce is what a run of their plan does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PropagitError, type PlannedChange } from "@propagit/protocol";
import { announce, readPlan, Run, type RunEvent } from "@propagit/plan";
import fc from "fast-check";
import { movedParts, partOf, revisionsOf } from "../../src/core/planners/basis.js";
import { planDrain, planPromote, planReap, planStop } from "../../src/core/planners/one-step.js";
import type { Planned } from "../../src/core/planners/planned.js";
import type { PlannerDrone, PlannerView } from "../../src/core/planners/planner-view.js";
import { planRelease, type WantedRelease } from "../../src/core/planners/release.js";
import { hubCommands } from "../../src/plan-commands/hub-commands.js";
import {
  placeKey,
  releaseKey,
  type DeploymentRow,
  type DroneRow,
  type ReleaseRow,
  type Row,
  type TableName,
} from "../../src/core/rows.js";
import { release } from "../support/desk-world.js";
import { emptySpecification, service } from "../support/specifications.js";

type Rows = { [T in TableName]?: Record<string, Row<T>> };

const [repo, environment, by] = ["webapp", "production", "ann"];
const place = { repo, environment };
const hex = fc.constantFrom("a", "b", "c", "d").map((letter) => letter.repeat(40));

/** Reading is all that there is: whatever else is asked of it throws. */
function readOnly<T extends object>(target: T): T {
  return new Proxy(target, {
    get: (of, key) => Reflect.get(of, key) as unknown,
    set: (_, key) => assert.fail(`a planner writes ${String(key)}`),
    deleteProperty: (_, key) => assert.fail(`a planner deletes ${String(key)}`),
  });
}

function viewOf(rows: Rows, drones: readonly PlannerDrone[]): PlannerView {
  const tables = new Map(Object.entries(rows).map(([name, table]) => [name, mapOf(table)]));
  return readOnly({
    now: 1_000,
    rows: readOnly({
      rows: <T extends TableName>(table: T) =>
        (tables.get(table) ?? new Map()) as ReadonlyMap<string, Row<T>>,
    }),
    drones: Object.freeze([...drones]),
    counts: new Map(),
  });
}

/** Its rows are frozen, and so is the map. */
function mapOf(table: object): ReadonlyMap<string, unknown> {
  const map = new Map(Object.entries(table).map(([key, row]) => [key, readOnly(row as object)]));
  const refuse = () => assert.fail("a planner changes a table");
  return Object.assign(map, { set: refuse, delete: refuse, clear: refuse });
}

const someDrones: fc.Arbitrary<readonly PlannerDrone[]> = fc
  .uniqueArray(
    fc.record({
      number: fc.nat(30),
      zone: fc.constantFrom("a", "b", "c", ""),
      contact: fc.constantFrom("connected", "lost", "away"),
      draining: fc.boolean(),
      ownCommand: fc.constantFrom(false, false, false, true),
    }),
    { selector: ({ number }) => number, maxLength: 12 },
  )
  .map((drones) =>
    drones.map(({ number, zone, contact, draining, ownCommand }) => ({
      identity: String(number).padStart(32, "0"),
      name: `web-${number}`,
      labels: zone === "" ? {} : { zone },
      contact,
      draining,
      ownCommand,
      ready: new Map(),
      reports: [],
    })),
  );

const someWaves = fc.option(
  fc.record({
    by: fc.oneof(
      fc.constant({ kind: "label" as const, key: "zone" }),
      fc.constant({ kind: "percent" as const, steps: [5, 25, 100] }),
      fc.nat(5).map((minUp) => ({ kind: "min-up" as const, minUp })),
    ),
    force: fc.boolean(),
  }),
  { nil: undefined },
);

const someReleases = fc.uniqueArray(
  fc.record({
    number: fc.integer({ min: 1, max: 9 }),
    commit: hex,
    state: fc.constantFrom("ready", "failed", "deploying"),
    build: fc.boolean(),
  }),
  { selector: ({ number }) => number, maxLength: 6 },
);

interface World {
  readonly view: PlannerView;
  readonly wanted: WantedRelease;
  readonly deployments: readonly DeploymentRow[];
}

const worlds: fc.Arbitrary<World> = fc
  .record({
    drones: someDrones,
    waves: someWaves,
    releases: someReleases,
    commit: hex,
    promote: fc.option(fc.boolean(), { nil: undefined }),
    kind: fc.constantFrom("deploy", "rollback", "scale", "config"),
    build: fc.boolean(),
    keep: fc.boolean(),
  })
  .map(({ drones, waves, releases, commit, promote, kind, build, keep }) => {
    const task = { command: ["true"], on: [], env: {}, timeoutMs: 1_000 };
    const specification = {
      ...emptySpecification,
      services: [service("web"), service("job", { after: ["web"] })],
      ...(build && { build: { ...task, include: [], exclude: [], cache: [] }, test: task }),
      ...(keep && { keep: { releases: 1, warm: 0, forMs: 0 } }),
    };
    const rows = releases.map(({ number, commit: of, state }): ReleaseRow =>
      release({ number, commit: of, state, deployment: of.slice(0, 16), specification }),
    );
    const running = rows.map((row): DeploymentRow => ({
      ...place,
      id: row.deployment,
      commit: row.commit,
      release: row.number,
      specification,
      settings: {},
      since: row.number,
      started: row.state === "ready",
      services: ["web", "job"],
    }));
    const live = rows.filter(({ state }) => state === "ready").map(({ number }) => number);
    const last = rows.at(-1);
    const view = viewOf(
      {
        drones: Object.fromEntries(drones.map((drone) => [drone.identity, droneRow(drone)])),
        releases: Object.fromEntries(
          rows.map((row) => [releaseKey(repo, environment, row.number), row]),
        ),
        deployments: Object.fromEntries(running.map((row) => [row.id, row])),
        environments: {
          [placeKey(repo, environment)]: {
            ...place,
            lastRelease: Math.max(0, ...rows.map(({ number }) => number)),
            live,
            settings: {},
            scales: {},
          },
        },
        routes: last
          ? { [placeKey(repo, environment)]: { ...place, shares: [shareOf(last)] } }
          : {},
      },
      drones,
    );
    const wanted = {
      ...place,
      commit,
      kind,
      specification,
      deployment: "e".repeat(16),
      bytes: 1_000,
      ...(promote !== undefined && { promote }),
      ...(waves && { waves }),
    } as WantedRelease;
    return { view, wanted, deployments: running };
  });

function shareOf({ commit, deployment }: ReleaseRow) {
  return { commit, deployment, weight: 1 };
}

function droneRow({ identity, name, labels, draining }: PlannerDrone): DroneRow {
  return {
    identity,
    name,
    wanted: name,
    host: "h",
    labels: { ...labels },
    version: "1",
    state: "connected",
    since: 1,
    ...(draining && { draining }),
  };
}

const deploy: PlannedChange = { kind: "deploy", repo, ref: "main" };

/** All that planners make of a world; refusals are of the catalogue. */
function plansOf({ view, wanted, deployments }: World): readonly Planned[] {
  const [first] = deployments;
  const [drone] = view.drones;
  const target = first && { ...place, commit: first.commit, deployment: first.id, ref: "1" };
  const makers = [
    () => planRelease(view, wanted, deploy),
    () => planReap(view, false, { kind: "reap" }),
    () => planDrain(view, { kind: "drain", drone: drone?.name ?? "nobody" }),
    () => planDrain(view, { kind: "undrain", drone: drone?.name ?? "nobody" }),
    ...(target
      ? [
          () => planPromote(view, target, first, { kind: "promote", repo, ref: "1" }),
          () => planStop(view, target, [first], { kind: "stop", repo, ref: "1", force: false }),
          () => planStop(view, target, [first], { kind: "stop", repo, ref: "1", force: true }),
        ]
      : []),
  ];
  return makers.flatMap((make) => {
    try {
      return [make()];
    } catch (thrown) {
      assert.ok(thrown instanceof PropagitError, String(thrown));
      assert.notEqual(thrown.code, "INTERNAL");
      return [];
    }
  });
}

test("property: what a plan announces is what a run of it does; planners write nothing", () => {
  fc.assert(
    fc.property(worlds, fc.infiniteStream(fc.integer({ min: 0, max: 5_000 })), (world, stream) => {
      for (const planned of plansOf(world)) {
        const plan = readPlan({ maker: "the planner", value: planned.plan }, hubCommands);
        const times = new Map<string, number>();
        const msOf = (id: string) => {
          const ms = times.get(id) ?? Number(stream.next().value);
          times.set(id, ms);
          return ms;
        };
        const { events } = announce(plan, { at: 0, by, expect: ({ id }) => ({ ms: msOf(id) }) });
        assert.deepEqual(simulated(plan, msOf), events);
      }
    }),
  );
});

/** A run where nothing goes wrong, stepped by its own clock and not by the announcer's. */
function simulated(plan: ReturnType<typeof readPlan>, msOf: (id: string) => number) {
  const run = new Run(plan);
  const events: RunEvent[] = [];
  const ends: { at: number; task: string }[] = [];
  const take = (event: RunEvent) => {
    run.apply(event);
    events.push(event);
  };
  take({ at: 0, kind: "run-begun", by, locks: [] });
  for (let now = 0; run.state === "going";) {
    for (const event of run.advance(now)) {
      events.push(event);
      if (event.kind === "task-begun") ends.push({ at: now + msOf(event.task), task: event.task });
    }
    const next = ends.toSorted((left, right) => left.at - right.at)[0];
    if (!next) break;
    ends.splice(ends.indexOf(next), 1);
    now = next.at;
    take({ at: now, kind: "task-ended", task: next.task, outcome: "done" });
  }
  return events;
}

test("property: every drone that fits is in exactly one wave", () => {
  fc.assert(
    fc.property(worlds, ({ view, wanted }) => {
      const { waves } = wanted;
      if (!waves) return;
      const plans = plansOf({ view, wanted, deployments: [] });
      const release = plans.find(({ plan }) => plan.rollback !== undefined);
      if (!release) return;
      const starts = release.plan.stages.filter(({ name }) => name.startsWith("start "));
      const named = starts.flatMap(({ tasks }) => {
        const [line] = tasks as unknown as readonly { drones: string[] }[][];
        return line?.[0]?.drones ?? [];
      });
      const fitting = view.drones.filter(({ draining }) => !draining).map(({ name }) => name);
      assert.deepEqual([...named].sort(), [...fitting].sort());
    }),
  );
});

test("property: what is not changed has not moved, and any change of it is seen", () => {
  const parts = [
    partOf.drones,
    partOf.environment(repo, environment),
    partOf.route(repo, environment),
    partOf.deployments(repo, environment),
    partOf.releases(repo),
  ];
  fc.assert(
    fc.property(worlds, worlds, ({ view: { rows: left } }, { view: { rows: right } }) => {
      const revisions = revisionsOf(left, parts);
      assert.deepEqual(movedParts(left, revisions), []);
      const isSame = JSON.stringify(entries(left)) === JSON.stringify(entries(right));
      if (!isSame) assert.notDeepEqual(movedParts(right, revisions), []);
    }),
  );
});

/** What the parts above are made of. */
function entries(rows: PlannerView["rows"]) {
  const { live, lastRelease } = rows.rows("environments").get(placeKey(repo, environment)) ?? {};
  const releases = [...rows.rows("releases").values()].map(({ number, state }) => [number, state]);
  const drones = [...rows.rows("drones").values()].map(({ name, labels, draining }) => [
    name,
    labels,
    draining ?? false,
  ]);
  const byText = (left: readonly unknown[], right: readonly unknown[]) =>
    JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
  return [live, lastRelease, releases.sort(byText), drones.sort(byText)];
}
