/** Planners over random worlds: they cannot write, and what they announce is what a run of their plan does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  canaryChanges,
  canaryPlanDefault,
  PropagitError,
  type CanaryWish,
  type FilesOutcome,
  type InstanceReport,
  type PlannedChange,
  type WaveRulesSaid,
} from "@propagit/protocol";
import { announce, readPlan, Run, type RunEvent } from "@propagit/plan";
import fc from "fast-check";
import type { CanaryRow } from "../../src/core/canary-row.js";
import { movedParts, partOf, revisionsOf } from "../../src/core/planners/basis.js";
import { planDrain } from "../../src/core/planners/drain.js";
import {
  planExperimentStart,
  planExperimentStop,
  planShadow,
} from "../../src/core/planners/experiments.js";
import { planFiles } from "../../src/core/planners/files.js";
import type { Planned } from "../../src/core/planners/planned.js";
import type { PlannerDrone, PlannerView } from "../../src/core/planners/planner-view.js";
import { planInstances } from "../../src/core/planners/instances.js";
import { planRelease, type WantedRelease } from "../../src/core/planners/release.js";
import { planPin, planReap } from "../../src/core/planners/retention.js";
import { planRollout, planRolloutChange } from "../../src/core/planners/rollout.js";
import { planHost, planRules } from "../../src/core/planners/rules.js";
import { planStop } from "../../src/core/planners/stop.js";
import { planPromote, planSplit } from "../../src/core/planners/traffic.js";
import { changeCommands } from "../../src/plan-commands/change-commands.js";
import type { FilesChange } from "../../src/core/files-ends.js";
import {
  planSettings,
  type SettingsChange,
  type WantedSettings,
} from "../../src/core/planners/settings.js";
import { hubCommands } from "../../src/plan-commands/hub-commands.js";
import {
  holdKey,
  placeKey,
  releaseKey,
  type DeploymentRow,
  type DroneRow,
  type ReleaseRow,
  type Row,
  type SaidRow,
  type TableName,
} from "../../src/core/rows.js";
import { release, report } from "../support/desk-world.js";
import { fleetMakers, fleetRows } from "../support/fleet-plans.js";
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

function viewOf(
  rows: Rows,
  drones: readonly PlannerDrone[],
  counts: PlannerView["counts"] = new Map(),
): PlannerView {
  const tables = new Map(Object.entries(rows).map(([name, table]) => [name, mapOf(table)]));
  return readOnly({
    now: 1_000,
    rows: readOnly({
      rows: <T extends TableName>(table: T) =>
        (tables.get(table) ?? new Map()) as ReadonlyMap<string, Row<T>>,
    }),
    drones: Object.freeze([...drones]),
    counts,
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
    said: fc.constantFrom(undefined, "zone", "25%"),
    minUp: fc.constantFrom(undefined, { instances: 1 }, { percent: 50 }),
    redeploy: fc.boolean(),
    phase: fc.constantFrom("preparing", "measuring", "paused", "over"),
    byHand: fc.boolean(),
  })
  .map(({ drones, waves, releases, commit, promote, kind, build, keep, said, minUp, ...more }) => {
    const { redeploy, phase, byHand } = more;
    const task = { command: ["true"], on: [], env: {}, timeoutMs: 1_000 };
    const specification = {
      ...emptySpecification,
      services: [service("web", minUp ? { minUp } : {}), service("job", { after: ["web"] })],
      ...(said && { waves: wavesSaid(said) }),
      ...(build && { build: { ...task, include: [], exclude: [], cache: [] }, test: task }),
      ...(keep && { keep: { releases: 1, warm: 0, forMs: 0 } }),
    };
    const rows = releases.map(({ number, commit: of, state }): ReleaseRow =>
      release({
        number,
        commit: of,
        state,
        deployment: of.slice(0, 16),
        specification,
        pinned: number % 2 === 0,
      }),
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
    const first = running[0];
    const there = drones.map((drone, index) => ({
      ...drone,
      reports: running.map((row) => reportOf(row, index)),
    }));
    const holder = drones[0];
    const held = { deployment: first?.id ?? "", identity: holder?.identity ?? "", service: "web" };
    const view = viewOf(
      {
        ...fleetRows,
        ...(first && holder && { holds: { [holdKey(held)]: { ...held, slots: [1] } } }),
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
        ...(last && { canaries: { [placeKey(repo, environment)]: canaryOf(last, phase) } }),
        ...(first && byHand && { said: { [placeKey(repo, environment)]: saidOf(first) } }),
        routes: last
          ? { [placeKey(repo, environment)]: { ...place, shares: [shareOf(last)] } }
          : {},
      },
      there,
      new Map(running.filter(({ started }) => started).map(({ id }) => [id, countsOn(drones)])),
    );
    const wanted = {
      ...place,
      commit,
      kind,
      specification,
      deployment: (redeploy && running[0]?.id) || "e".repeat(16),
      redeploy,
      bytes: 1_000,
      ...(promote !== undefined && { promote }),
      ...(waves && { waves }),
    } as WantedRelease;
    return { view, wanted, deployments: running };
  });

function canaryOf(row: ReleaseRow, phase: CanaryRow["phase"]): CanaryRow {
  const { commit, number } = row;
  const arm = { requests: 0, failed: 0, timed: 0, slow: 0 };
  const about = { ...place, commit, release: number, old: { commit }, before: [] };
  const times = { startedAt: 1, phaseAt: 1, lookedAt: 1, measuredMs: 0 };
  const evidence = { fresh: arm, old: arm };
  return { ...about, ...times, plan: canaryPlanDefault, by, phase, step: 0, text: "", evidence };
}

/** An experiment and a shadow, both of the first that runs. */
function saidOf({ commit, id: deployment }: DeploymentRow): SaidRow {
  const said = { by, since: 1 };
  const served = { commit, deployment };
  const variants = [
    { name: "a", weight: 1 },
    { name: "b", weight: 1, ...served },
  ];
  const nothing = { rules: {}, off: [], authors: {}, hosts: [] };
  const experiments = [{ name: "header", variants, ...said }];
  const shadow = { to: { ...served, percent: 5 }, ...said };
  return { ...place, ...nothing, experiments, shadow };
}

function reportOf({ id, commit, release: number }: DeploymentRow, drone: number): InstanceReport {
  const phase = drone % 2 === 0 ? "ready" : "stopped";
  const names = { services: ["web"], service: "web" };
  return report(`${number}-${drone}`, { ...place, ...names, deployment: id, commit, phase });
}

function wavesSaid(said: "zone" | "25%"): WaveRulesSaid {
  if (said === "zone") return { by: { kind: "label", key: "zone" } };
  return { by: { kind: "percent", steps: [25] } };
}

/** One instance of each service, as nothing of a manifest limits it. */
function countsOn(drones: readonly PlannerDrone[]) {
  const open = drones.filter(({ draining, ownCommand }) => !draining && !ownCommand);
  const each = new Map(open.map(({ identity }) => [identity, 1]));
  return new Map(["web", "job"].map((name) => [name, each]));
}

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

/** What drones say of files, one way or another. */
function foundOn(drones: readonly PlannerDrone[]): readonly FilesOutcome[] {
  return drones.map(({ name: drone, contact }, at): FilesOutcome => {
    if (contact !== "connected") return { drone, outcome: "away", reason: "it is not connected" };
    if (at % 3 === 0) return { drone, outcome: "refused", reason: "a link is there" };
    const changes = { added: 0, removed: 0, unchanged: 1, foreign: 0 };
    return { drone, outcome: "done", changes: { ...changes, changed: at % 2, bytes: at } };
  });
}

const files: FilesChange = {
  kind: "files",
  target: { names: ["*"] },
  path: "/srv/site",
  commit: "f".repeat(40),
  replace: true,
  force: false,
};

/** Its values are hidden, but no plan has even these. */
const configure: SettingsChange = {
  kind: "configure",
  repo,
  set: [
    { name: "LOG", value: "hidden-value", secret: false },
    { name: "TOKEN", value: "hidden-value", secret: true },
  ],
  unset: ["OLD"],
  deploy: true,
};

function settingsOf(release: WantedRelease | undefined): WantedSettings {
  return { ...place, changed: ["LOG", "OLD"], same: ["TOKEN"], release };
}

const deploy: PlannedChange = { kind: "deploy", repo, ref: "main" };

const rollout = (plan: CanaryWish) => {
  return { kind: "rollout" as const, repo, ref: "1", plan };
};

const experiment = (name: string) => {
  const variants = [
    { name: "a", weight: 1 },
    { name: "b", weight: 1, ref: "1" },
  ];
  return { kind: "experiment-start" as const, repo, name, variants, rules: [] };
};

const rules = (change: Partial<Extract<PlannedChange, { kind: "rules" }>>) => {
  return { kind: "rules" as const, repo, set: {}, off: [], unset: [], ...change };
};

/** All that planners make of a world; refusals are of the catalogue. */
function plansOf({ view, wanted, deployments }: World): readonly Planned[] {
  const [first] = deployments;
  const [drone] = view.drones;
  const target = first && { ...place, commit: first.commit, deployment: first.id, ref: "1" };
  const served = target && { place: target, running: first };
  const shares = deployments.map((running, index) => ({
    place: { ...place, commit: running.commit, deployment: running.id, ref: String(index + 1) },
    running,
    weight: index,
  }));
  const somewhere = { ...place, commit: wanted.commit, ref: wanted.commit };
  const ready = [...view.rows.rows("releases").values()].at(-1);
  const split = { kind: "split" as const, repo, shares: [] };
  const makers = [
    ...fleetMakers(view),
    () => planRelease(view, wanted, deploy),
    () => planSettings(view, settingsOf({ ...wanted, kind: "config" }), configure),
    () => planSettings(view, settingsOf(undefined), { ...configure, deploy: false }),
    () => planFiles(view, files),
    () => planFiles(view, files, { outcomes: foundOn(view.drones), pastMs: 1_000 }),
    () => planReap(view, false, { kind: "reap" }),
    () => planDrain(view, { kind: "drain", drone: drone?.name ?? "nobody" }),
    () => planDrain(view, { kind: "undrain", drone: drone?.name ?? "nobody" }),
    () => planPin(view, { kind: "pin", repo, release: 1 }),
    () => planPin(view, { kind: "unpin", repo, release: 2 }),
    () => planRollout(view, { ...somewhere, deployment: undefined }, undefined, rollout({})),
    () => planRules(view, place, rules({ set: { pause: { limitMs: 1 } } })),
    () => planRules(view, place, rules({ off: ["pins"], unset: ["rate"] })),
    () => planRules(view, place, rules({ set: { users: [] } })),
    () => planRules(view, place, rules({ end: ["maintenance"] })),
    ...canaryChanges.map(
      (change) => () => planRolloutChange(view, place, { kind: "rollout-change", repo, change }),
    ),
    () => planExperimentStop(view, place, { kind: "experiment-stop", repo, name: "header" }),
    () => {
      const promote = { kind: "experiment-stop", repo, name: "header", promote: "b" } as const;
      return planExperimentStop(view, place, promote);
    },
    () => planShadow(view, place, { request: { kind: "shadow", repo }, served: undefined }),
    () => planHost(view, place, { kind: "host", repo, add: { host: "a.example" } }),
    () => planHost(view, place, { kind: "host", repo, remove: { host: "b.example" } }),
    ...[{ repo }, { repo, services: ["web"], drones: { names: ["*"] } }].flatMap((target) => [
      () => planInstances(view, { kind: "hold", target, force: false }),
      () => planInstances(view, { kind: "hold", target, force: true }),
      () => planInstances(view, { kind: "start", target }),
      () => planInstances(view, { kind: "restart", target }),
    ]),
    ...(target
      ? [
          () => planPromote(view, target, first, { kind: "promote", repo, ref: "1" }),
          ...["header", "colour"].map((name) => () => {
            const request = experiment(name);
            return planExperimentStart(view, place, { request, served: [undefined, served] });
          }),
          ...[5, 50].map((percent) => () => {
            const request = { kind: "shadow" as const, repo, to: { ref: "1", percent } };
            return planShadow(view, place, { request, served });
          }),
          () => planRollout(view, target, ready, rollout({})),
          () => planRollout(view, target, ready, rollout({ steps: [1] })),
          () => planSplit(view, shares, split),
          () => planSplit(view, shares.slice(1), split),
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

test("every kind of change is planned in some of these worlds", () => {
  const seen = new Set<string>();
  for (const world of fc.sample(worlds, { numRuns: 300, seed: 7 })) {
    for (const { plan } of plansOf(world)) {
      for (const { tasks } of plan.stages) {
        for (const task of tasks.flat()) seen.add(task.command);
      }
    }
  }
  const missing = changeCommands.filter(({ name }) => !seen.has(name));
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
});

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
      const plans = plansOf({ view, wanted, deployments: [] });
      const release = plans.find(({ plan }) => plan.rollback !== undefined);
      const starts = release?.plan.stages.filter(({ name }) => name.startsWith("start ")) ?? [];
      if (starts.length === 0) return;
      const named = starts.flatMap(({ tasks }) => {
        const [line] = tasks as unknown as readonly { drones: string[] }[][];
        return line?.[0]?.drones ?? [];
      });
      const fitting = view.drones.filter(({ draining }) => !draining).map(({ name }) => name);
      assert.deepEqual([...named].sort(), [...fitting].sort());
    }),
  );
});

test("property: a plan of settings says names and no value", () => {
  fc.assert(
    fc.property(worlds, ({ view, wanted }) => {
      for (const release of [undefined, { ...wanted, kind: "config" } as const]) {
        let planned: Planned;
        try {
          planned = planSettings(view, settingsOf(release), configure);
        } catch (thrown) {
          assert.ok(thrown instanceof PropagitError);
          return;
        }
        assert.doesNotMatch(JSON.stringify(planned), /hidden-value/);
        const { request } = planned.plan;
        assert.deepEqual(request?.["set"], [
          { name: "LOG", secret: false },
          { name: "TOKEN", secret: true },
        ]);
        assert.equal(planned.skipped[0]?.what, "TOKEN");
        assert.match(planned.warnings[0] ?? "", /LOG, OLD$/);
      }
    }),
  );
});

test("property: a push is for every drone that is meant, but for those that have it already", () => {
  fc.assert(
    fc.property(worlds, ({ view }) => {
      if (view.drones.length === 0) return;
      const outcomes = foundOn(view.drones);
      const { plan, skipped } = planFiles(view, files, { outcomes });
      const tasks = plan.stages.flatMap((stage) => stage.tasks as readonly { drone: string }[]);
      const told = [...tasks.map(({ drone }) => drone), ...skipped.map(({ what }) => what)];
      assert.deepEqual(told.sort(), view.drones.map(({ name }) => name).sort());
      for (const { what } of skipped) {
        const said = outcomes.find(({ drone }) => drone === what);
        assert.equal(said?.changes?.changed, 0);
      }
    }),
  );
});

test("files that are pushed somewhere move plans for there, and no others", () => {
  const [here, there] = [partOf.files("/srv/site"), partOf.files("/srv/other")];
  const row = { identity: "1".repeat(32), path: "/srv/site", at: 1, by };
  const rowsWith = (commit: string) =>
    viewOf({ files: { one: { ...row, commit, carrier: commit } } }, []).rows;
  const revisions = revisionsOf(rowsWith("a".repeat(40)), [here, there]);
  assert.deepEqual(movedParts(rowsWith("a".repeat(40)), revisions), []);
  assert.deepEqual(movedParts(rowsWith("b".repeat(40)), revisions), [here]);
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
