import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PropagitError, Service, Specification, WavesWish } from "@propagit/protocol";
import type { PlannerDrone, PlannerView } from "../../src/core/planners/planner-view.js";
import { releaseDraft } from "../../src/core/planners/release-plan.js";
import { releaseWaves, waysOf, type WavesQuestion } from "../../src/core/planners/release-waves.js";
import { placeKey, releaseKey, type DeploymentRow } from "../../src/core/rows.js";
import { release } from "../support/desk-world.js";
import { emptySpecification, service } from "../support/specifications.js";

const [repo, environment] = ["webapp", "production"];
const [live, next] = ["a".repeat(16), "b".repeat(16)];

interface Cluster {
  readonly drones: readonly PlannerDrone[];
  /** Of what visitors get; by service, instances by drone. */
  readonly runs?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly more?: readonly DeploymentRow[];
}

/** `web-1 a` is in zone a, `web-1 a away` is away. */
function drones(...words: readonly string[]): readonly PlannerDrone[] {
  return words.map((word) => {
    const [name = "", zone, contact] = word.split(" ");
    return {
      identity: name,
      name,
      labels: zone === undefined ? {} : { zone },
      contact: contact === "away" ? "away" : "connected",
      draining: false,
      ownCommand: false,
      ready: new Map(),
      reports: [],
    };
  });
}

function deployment(id: string, changes: Partial<DeploymentRow> = {}): DeploymentRow {
  return {
    id,
    repo,
    environment,
    commit: "1".repeat(40),
    release: 1,
    specification: emptySpecification,
    settings: {},
    since: 0,
    started: true,
    services: ["web"],
    ...changes,
  };
}

function view({ drones: all, runs, more = [] }: Cluster): PlannerView {
  const rows = {
    deployments: [...(runs ? [deployment(live)] : []), ...more].map((row) => [row.id, row]),
    releases: [[releaseKey(repo, environment, 1), release({ number: 1, deployment: live })]],
    environments: [
      [
        placeKey(repo, environment),
        { repo, environment, lastRelease: 1, live: runs ? [1] : [], settings: {}, scales: {} },
      ],
    ],
  };
  const tables = new Map(Object.entries(rows).map(([name, of]) => [name, new Map(of as [])]));
  const counts = Object.entries(runs ?? {}).map(
    ([name, places]) => [name, new Map(Object.entries(places))] as const,
  );
  return {
    now: 1,
    rows: { rows: (table) => (tables.get(table) ?? new Map()) as never },
    drones: all,
    counts: new Map(runs ? [[live, new Map(counts)]] : []),
  };
}

function specification(
  services: readonly Service[],
  waves?: Specification["waves"],
): Specification {
  return { ...emptySpecification, services: [...services], ...(waves && { waves }) };
}

const plain = specification([service("web")]);

function ask(changes: Partial<WavesQuestion> = {}): WavesQuestion {
  return { repo, environment, deployment: next, specification: plain, ...changes };
}

/** As `name: web-1 web-2`. */
function waves(cluster: Cluster, asked: Partial<WavesQuestion> = {}): readonly string[] {
  return releaseWaves(view(cluster), ask(asked)).map(
    ({ name, drones: own }) => `${name}: ${own.join(" ")}`,
  );
}

function refusal(cluster: Cluster, asked: Partial<WavesQuestion>): string {
  try {
    return waves(cluster, asked).join();
  } catch (thrown) {
    return (thrown as PropagitError).message;
  }
}

const four = drones("web-1 a", "web-2 a", "web-3 b", "web-4 b");
const onFour = { "web-1": 1, "web-2": 1, "web-3": 1, "web-4": 1 };
const byZone = { by: { kind: "label", key: "zone" } } as const;
const once: WavesWish = { by: { kind: "once" } };

describe("waves of a release", () => {
  it("are none when nobody says anything", () => {
    assert.deepEqual(waves({ drones: four, runs: { web: onFour } }), []);
  });

  it("are those of the manifest, and others when whoever asks says how drones come together", () => {
    const said = specification([service("web")], { ...byZone, canary: "web-4" });
    const zones = ["zone a: web-1 web-2", "zone b: web-3"];
    assert.deepEqual(waves({ drones: four }, { specification: said }), [
      "canary web-4: web-4",
      ...zones,
    ]);
    assert.deepEqual(waves({ drones: four }, { specification: said, waves: { canary: "web-1" } }), [
      "canary web-1: web-1",
      "zone a: web-2",
      "zone b: web-3 web-4",
    ]);
    assert.deepEqual(waves({ drones: four }, { specification: said, waves: once }), [
      "all: web-1 web-2 web-3 web-4",
    ]);
  });

  it("wait for the one before, and not the groups into which one is split", () => {
    const cluster = { drones: four, runs: { web: onFour } };
    const said = specification([service("web", { minUp: { instances: 3 } })], {
      ...byZone,
      afterMs: 600_000,
    });
    const made = releaseWaves(view(cluster), ask({ specification: said }));
    assert.deepEqual(
      made.map(({ drones: own, afterMs = 0 }) => `${own.join(" ")} ${afterMs}`),
      ["web-1 0", "web-2 0", "web-3 600000", "web-4 0"],
    );
  });

  it("are split where a service keeps some of its instances up", () => {
    const cluster = { drones: four, runs: { web: onFour } };
    const kept = specification([service("web", { minUp: { percent: 50 } })]);
    assert.deepEqual(waves(cluster, { specification: kept }), [
      "1 of 2: web-1 web-2",
      "2 of 2: web-3 web-4",
    ]);
    const strict = specification([service("web", { minUp: { instances: 3 } })], byZone);
    assert.deepEqual(waves(cluster, { specification: strict }), [
      "zone a, 1 of 2: web-1",
      "zone a, 2 of 2: web-2",
      "zone b, 1 of 2: web-3",
      "zone b, 2 of 2: web-4",
    ]);
  });

  it("keep nothing up of what does not run yet", () => {
    const kept = specification([service("web", { minUp: { instances: 9 } })]);
    assert.deepEqual(waves({ drones: four }, { specification: kept }), []);
    const job = { drones: four, runs: { job: onFour } };
    assert.deepEqual(waves(job, { specification: kept }), []);
  });

  it("are refused when too few drones are there, and come one by one when that is forced", () => {
    const kept = specification([service("web", { minUp: { instances: 3 } })]);
    const three = { drones: four.slice(1), runs: { web: { "web-2": 1, "web-3": 1, "web-4": 1 } } };
    const why = "service web keeps 3 of 3 instances up, so none may be replaced";
    assert.equal(refusal(three, { specification: kept }), `these waves are not possible: ${why}`);
    assert.deepEqual(waves(three, { specification: kept, waves: { force: true } }), [
      "1 of 3: web-2",
      "2 of 3: web-3",
      "3 of 3: web-4",
    ]);
    const away = {
      drones: drones("web-1", "web-2", "web-3", "web-4 x away"),
      runs: { web: onFour },
    };
    assert.match(refusal(away, { specification: kept }), /1 are on drones that are away, so none/);
  });

  it("leave out who runs it already; where it runs everywhere there are none", () => {
    const row = deployment(next, { only: ["web-1"] });
    const report = {
      process: "p",
      repo,
      commit: "1".repeat(40),
      service: "web",
      deployment: next,
      phase: "ready",
      services: [],
      restarts: 0,
      since: 1,
    } as const;
    const has = four.map((drone) =>
      drone.name === "web-1" ? { ...drone, reports: [{ ...report, services: [] }] } : drone,
    );
    const seen = view({ drones: has, more: [row] });
    const counts = new Map([[next, new Map([["web", new Map([["web-1", 1]])]])]]);
    const zones = releaseWaves({ ...seen, counts }, ask({ waves: byZone }));
    assert.deepEqual(
      zones.map((wave) => wave.drones),
      [["web-2"], ["web-3", "web-4"]],
    );
    assert.deepEqual(waves({ drones: four, more: [deployment(next)] }, { waves: byZone }), []);
  });

  it("restart what runs as a restart by hand does, or as its minUp says", () => {
    const cluster = { drones: four, runs: { web: onFour } };
    const again = { deployment: live, redeploy: true };
    assert.deepEqual(waves(cluster, again), [
      "1 of 4: web-1",
      "2 of 4: web-2",
      "3 of 4: web-3",
      "4 of 4: web-4",
    ]);
    const half = service("web", { minUp: { percent: 50 } });
    const halves = ["1 of 2: web-1 web-2", "2 of 2: web-3 web-4"];
    assert.deepEqual(waves(cluster, { ...again, specification: specification([half]) }), halves);
    const both = { ...cluster, runs: { web: onFour, job: { "web-1": 1, "web-2": 1 } } };
    const mixed = specification([half, service("job")], { canary: "web-4" });
    assert.deepEqual(waves(both, { ...again, specification: mixed }), [
      "canary web-4: web-4",
      "1 of 2: web-1",
      "2 of 2: web-2 web-3",
    ]);
    const wish: WavesWish = { by: { kind: "percent", steps: [50] } };
    assert.deepEqual(waves(cluster, { ...again, waves: wish }), [
      "50%: web-1 web-2",
      "100%: web-3 web-4",
    ]);
  });

  it("restart commands of drones like any service", () => {
    const own = four.map((drone) => ({ ...drone, ownCommand: true }));
    const asked = { deployment: live, redeploy: true, specification: specification([]) };
    assert.equal(waves({ drones: own, runs: { "": onFour } }, asked).length, 4);
  });
});

describe("the plan of a release in waves", () => {
  const stagesOf = (cluster: Cluster, asked: Partial<WavesQuestion>) => {
    const ways = waysOf(view(cluster), ask(asked));
    const { stages } = releaseDraft({
      ...release({ number: 2, deployment: next, specification: plain }),
      ...ways,
    });
    return stages.map(({ name, tasks }) => {
      const commands = tasks.flat().map(({ command }) => command);
      return `${name}: ${commands.join(" ")}`;
    });
  };

  it("brings the commit to drones of later waves first", () => {
    assert.deepEqual(stagesOf({ drones: four }, { waves: byZone }), [
      "open: open-release",
      "distribute: distribute-release",
      "start 1: zone a: start wait-healthy",
      "start 2: zone b: start wait-healthy",
      "visitors: shift-traffic",
    ]);
  });

  it("is the plain one where one wave has all of them", () => {
    const stages = ["open: open-release", "start: start wait-healthy", "visitors: shift-traffic"];
    assert.deepEqual(stagesOf({ drones: four, runs: { web: onFour } }, {}), stages);
    const [open, , visitors] = stagesOf({ drones: four }, { waves: once });
    assert.deepEqual([open, visitors], [stages[0], stages[2]]);
  });

  it("restarts instances in place, and fetches nothing for that", () => {
    const two = { drones: four.slice(0, 2), runs: { web: { "web-1": 1, "web-2": 1 } } };
    assert.deepEqual(stagesOf(two, { deployment: live, redeploy: true }), [
      "open: open-release",
      "start 1: 1 of 2: start restart-release wait-healthy",
      "start 2: 2 of 2: start restart-release wait-healthy",
      "visitors: shift-traffic",
    ]);
  });
});
