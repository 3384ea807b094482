import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  assignmentsOf,
  loadsOf,
  placeAll,
  totalsOf,
  wantedOf,
  type AssignedDrone,
  type AssignmentQuestion,
} from "../../src/core/assignments.js";
import { holdKey, spawnedKey, type DeploymentRow, type HoldRow } from "../../src/core/rows.js";
import { emptySpecification, service } from "../support/specifications.js";

const id = "0d1c2b3a49586776";
const services = [service("web"), service("job", { instances: { count: 3, per: "total" } })];

function deploymentRow(changes: Partial<DeploymentRow> = {}): DeploymentRow {
  return {
    id,
    repo: "webapp",
    environment: "production",
    commit: "a".repeat(40),
    release: 1,
    specification: { ...emptySpecification, services },
    settings: {},
    since: 1,
    started: true,
    services: ["web", "job"],
    ...changes,
  };
}

function drone(identity: string, changes: Partial<AssignedDrone> = {}): AssignedDrone {
  return {
    identity,
    name: identity,
    labels: {},
    contact: "connected",
    draining: false,
    ownCommand: false,
    ready: new Map(),
    ...changes,
  };
}

function question(changes: Partial<AssignmentQuestion> = {}): AssignmentQuestion {
  return {
    deployments: new Map([[id, deploymentRow()]]),
    holds: new Map(),
    spawned: new Map(),
    drones: [drone("a"), drone("b")],
    before: new Map(),
    ...changes,
  };
}

function holdsOf(...rows: readonly HoldRow[]): ReadonlyMap<string, HoldRow> {
  return new Map(rows.map((row) => [holdKey(row), row]));
}

const wanted = (of: AssignmentQuestion, identity: string) =>
  Object.fromEntries(wantedOf(placeAll(of), id, identity));

test("each drone gets what is per drone, and a share of what is counted in total", () => {
  assert.deepEqual(wanted(question(), "a"), { web: 1, job: 2 });
  assert.deepEqual(wanted(question(), "b"), { web: 1, job: 1 });
});

test("only drones that its waves have reached run it, and nothing moves when they reach the next", () => {
  const reached = (only: readonly string[] | undefined, before: AssignmentQuestion["before"]) => {
    const row = deploymentRow(only ? { only: [...only] } : {});
    return placeAll(question({ deployments: new Map([[id, row]]), before }));
  };
  const first = reached(["b"], new Map());
  assert.deepEqual(Object.fromEntries(wantedOf(first, id, "a")), {});
  assert.deepEqual(Object.fromEntries(wantedOf(first, id, "b")), { web: 1, job: 1 });
  assert.deepEqual(reached(["b"], first), first);
  const all = reached(undefined, first);
  assert.deepEqual(Object.fromEntries(wantedOf(all, id, "a")), { web: 1, job: 2 });
  assert.deepEqual(Object.fromEntries(wantedOf(all, id, "b")), { web: 1, job: 1 });
});

test("what is not started, or waits for another service, is nowhere", () => {
  const notYet = new Map([[id, deploymentRow({ started: false })]]);
  assert.deepEqual(wanted(question({ deployments: notYet }), "a"), {});
  const onlyWeb = new Map([[id, deploymentRow({ services: ["web"] })]]);
  assert.deepEqual(wanted(question({ deployments: onlyWeb }), "a"), { web: 1 });
});

test("a drone with a command of its own runs that once, one that ended nothing", () => {
  const drones = [drone("a", { ownCommand: true }), drone("b", { contact: "left" }), drone("c")];
  assert.deepEqual(wanted(question({ drones }), "a"), { "": 1 });
  assert.deepEqual(wanted(question({ drones }), "b"), {});
  const holds = holdsOf({ deployment: id, identity: "a", service: "", slots: [1] });
  assert.deepEqual(wanted(question({ drones, holds }), "a"), {});
});

test("what was ended by hand is not made up for elsewhere, and its slots are told", () => {
  const holds = holdsOf({ deployment: id, identity: "a", service: "job", slots: [1] });
  const of = question({ holds });
  const counts = placeAll(of);
  const jobsOn = (identity: string) => wantedOf(counts, id, identity).get("job") ?? 0;
  assert.equal(jobsOn("a") + jobsOn("b"), 2);
  const [told] = assignmentsOf(of.deployments, holds, counts).get("a") ?? [];
  const job = told?.services.find((one) => one.service === "job");
  if (job) assert.deepEqual(job.held, [1]);
  const [other] = assignmentsOf(of.deployments, holds, counts).get("b") ?? [];
  assert.ok(other?.services.every(({ held }) => held === undefined));
});

test("what was started by hand is on its drones, while they take anything", () => {
  const row = { deployment: id, service: service("extra"), drones: ["a", "b"], by: "ann", at: 1 };
  const spawned = new Map([[spawnedKey(id, "extra"), row]]);
  const drones = [drone("a"), drone("b", { draining: true }), drone("c")];
  const counts = placeAll(question({ spawned, drones }));
  const where = ["a", "b", "c"].map((identity) => wantedOf(counts, id, identity).get("extra"));
  assert.deepEqual(where, [1, undefined, undefined]);
});

test("drones that run the same share one assignment", () => {
  const drones = [drone("a"), drone("b"), drone("c")];
  const of = question({ drones });
  const lists = assignmentsOf(of.deployments, of.holds, placeAll(of));
  assert.equal(lists.get("a")?.[0], lists.get("b")?.[0]);
  assert.deepEqual(lists.get("a")?.[0]?.services, [
    { service: "web", instances: 1 },
    { service: "job", instances: 1 },
  ]);
});

const someDrones = fc
  .uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .record({ draining: fc.boolean(), ownCommand: fc.boolean() })
          .map((is) => drone(name, is)),
      ),
    ),
  );

test("property: asked again with its own answer, nothing moves; loads and totals add up", () => {
  fc.assert(
    fc.property(someDrones, (drones) => {
      const counts = placeAll(question({ drones }));
      assert.deepEqual(placeAll(question({ drones, before: counts })), counts);
      const sum = [...loadsOf(counts).values()].reduce((left, right) => left + right, 0);
      const all = [...(counts.get(id)?.values() ?? [])].flatMap((placed) => [...placed.values()]);
      assert.equal(
        sum,
        all.reduce((left, right) => left + right, 0),
      );
      const open = drones.some(({ draining, ownCommand }) => !draining && !ownCommand);
      const totals = totalsOf(deploymentRow(), counts.get(id) ?? new Map());
      const jobs = Object.values(totals["job"] ?? {}).reduce((left, right) => left + right, 0);
      assert.equal(jobs, open ? 3 : 0);
    }),
  );
});
