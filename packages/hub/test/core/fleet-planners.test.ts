/** What plans of access, labels, releases on their way, commands and certificates say would happen. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSelector } from "@propagit/protocol";
import { planAccess } from "../../src/core/planners/access.js";
import { planCancel } from "../../src/core/planners/cancel.js";
import {
  planAcme,
  planCertificateAdd,
  planCertificateRemove,
  planCertificateRenew,
} from "../../src/core/planners/certificates.js";
import { planLabel } from "../../src/core/planners/label.js";
import type { PlannerDrone, PlannerView } from "../../src/core/planners/planner-view.js";
import { planRun } from "../../src/core/planners/run.js";
import { planSpawn } from "../../src/core/planners/spawn.js";
import { placeAll } from "../../src/core/assignments.js";
import type { DeploymentRow, DroneRow, Row, TableName } from "../../src/core/rows.js";
import { deployment, release, report } from "../support/desk-world.js";
import { fleetRows, run, spawn } from "../support/fleet-plans.js";
import { emptySpecification, service } from "../support/specifications.js";

const repo = "webapp";
const place = { repo, environment: "production" };

const running: DeploymentRow = {
  ...place,
  id: deployment,
  commit: release().commit,
  release: 1,
  specification: {
    ...emptySpecification,
    services: [
      service("web", { on: [...parseSelector("zone=eu")] }),
      service("job", { instances: { count: 2, per: "total" } }),
    ],
  },
  settings: {},
  since: 1,
  started: true,
  services: ["web", "job"],
};

function drone(name: string, zone: string): PlannerDrone {
  const identity = name.slice(-1).repeat(32);
  const known = { identity, name, labels: { zone }, contact: "connected" } as const;
  const reports = [report(`of-${name}`, { ...place, service: "web", deployment })];
  return { ...known, draining: false, ownCommand: false, ready: new Map(), reports };
}

/** One of two drones is in the zone that a service asks for. */
function world(more: Partial<Record<TableName, Record<string, unknown>>> = {}): PlannerView {
  const drones = [drone("web-1", "eu"), drone("web-2", "us")];
  const rows = drones.map(({ identity, name, labels }): [string, DroneRow] => [
    identity,
    { identity, name, wanted: name, labels, host: "h", version: "1", state: "connected", since: 1 },
  ]);
  const tables: Partial<Record<TableName, Record<string, unknown>>> = {
    ...fleetRows,
    drones: Object.fromEntries(rows),
    deployments: { [deployment]: running },
    releases: { one: release() },
    ...more,
  };
  const ledger = {
    rows: <T extends TableName>(table: T) =>
      new Map(Object.entries(tables[table] ?? {})) as unknown as ReadonlyMap<string, Row<T>>,
  };
  const none = new Map<string, never>();
  const deployments = ledger.rows("deployments");
  const counts = placeAll({ deployments, holds: none, spawned: none, drones, before: none });
  return { now: 1_000, rows: ledger, drones, counts };
}

describe("the plan of labels", () => {
  it("says which services would be placed anew, and where", () => {
    const { plan, warnings } = planLabel(world(), {
      kind: "label",
      drone: "web-2",
      set: { zone: "eu" },
      unset: [],
    });
    assert.deepEqual(plan.stages, [
      {
        name: "label-drone",
        tasks: [{ command: "label-drone", name: "web-2", set: { zone: "eu" }, unset: [] }],
      },
    ]);
    assert.deepEqual(warnings, [
      "its labels would be zone=eu",
      "web of release 1 of webapp: 1 starts on web-2",
    ]);
    const away = planLabel(world(), { kind: "label", drone: "web-1", set: {}, unset: ["zone"] });
    assert.deepEqual(away.warnings, [
      "its labels would be none",
      "web of release 1 of webapp: 1 ends on web-1",
    ]);
  });

  it("says when nothing moves, and is empty when the drone has them", () => {
    const request = { kind: "label", drone: "web-2", unset: [] } as const;
    const moved = planLabel(world(), { ...request, set: { gpu: "yes" }, unset: [] });
    assert.match(moved.warnings[1] ?? "", /^nothing that runs moves/);
    const same = planLabel(world(), { ...request, set: { zone: "us" }, unset: [] });
    assert.deepEqual(same.plan.stages, []);
    assert.deepEqual(same.skipped, [{ what: "web-2", why: "it has these labels already" }]);
  });

  it("is refused as the change itself", () => {
    const label = (drone: string, set: Record<string, string>) => () =>
      planLabel(world(), { kind: "label", drone, set, unset: [] });
    assert.throws(label("web-9", { zone: "eu" }), { code: "NO_DRONE" });
    assert.throws(label("web-1", { "not a key": "x" }), { code: "BAD_NAME" });
  });
});

describe("the plan of access", () => {
  const said = (request: { readonly add?: string; readonly remove?: string }, view = world()) =>
    planAccess(view, place, { kind: "access", repo, ...request });

  it("says who may come then, and by which hosts", () => {
    const routes = { "webapp/production": { ...place, shares: [], hosts: [{ host: "a.test" }] } };
    const hosts = "it counts for visitors of a.test, too";
    assert.deepEqual(said({ add: "ann" }, world({ routes })).warnings, [
      "only these may come: ben, ann",
      hosts,
    ]);
    assert.deepEqual(said({ add: "ben" }).warnings, [
      "ben gets another password; only these may come: ben",
    ]);
    assert.deepEqual(said({ remove: "ben" }).warnings, [
      "everybody may come again: nobody is asked for a password",
    ]);
    assert.deepEqual(said({ add: "ann" }, world({ said: {} })).warnings, [
      "everybody is asked for a name and a password; only these may come: ann",
    ]);
  });

  it("is refused as the change itself", () => {
    assert.throws(() => said({ remove: "eve" }), { code: "NO_RULE" });
    assert.throws(() => said({ add: "a:b" }), { code: "BAD_RULE" });
  });
});

describe("the plan of a cancellation", () => {
  it("is about the release under way, and says what ends, who keeps visitors and who is next", () => {
    const alive = report("p1", { ...place, deployment: "e".repeat(16) });
    const view = world();
    const there = view.drones.map((each) => ({ ...each, reports: [alive] }));
    const { plan, warnings } = planCancel({ ...view, drones: there }, { kind: "cancel", repo });
    assert.equal(plan.name, "cancel release 8 of webapp");
    assert.deepEqual(warnings, [
      "release 8 of webapp is under way (starting): 2 instances on web-1, web-2 are stopped",
      "no release has visitors",
      "release 9 of webapp is next",
    ]);
  });

  it("of one that waits ends nothing, and there is none of one that is over", () => {
    const cancel = (number: number) =>
      planCancel(world(), { kind: "cancel", repo, release: number });
    assert.equal(
      cancel(9).warnings[0],
      "release 9 of webapp waits for its turn: nothing was begun of it",
    );
    assert.throws(() => cancel(1), { code: "NO_RELEASE", message: /release 1 of webapp is not/ });
  });
});

describe("plans of commands beside a release", () => {
  it("name drones, release and command, and no value of a variable", () => {
    const spawned = planSpawn(world(), running, { ...spawn, one: true });
    assert.equal(spawned.plan.name, "spawn admin beside release 1 of webapp");
    assert.deepEqual(spawned.step["drones"], ["web-1"]);
    assert.deepEqual(spawned.step["variables"], ["TOKEN"]);
    assert.match(spawned.warnings[0] ?? "", /^`node admin.js` would run in release 1 of webapp \(/);
    const once = planRun(world(), release(), { ...run, drones: { names: ["web-2"] } });
    assert.equal(once.plan.name, "run node beside release 1 of webapp");
    assert.deepEqual(once.step["drones"], ["web-2"]);
    assert.match(once.warnings[0] ?? "", /^`node migrate.js` would run beside release 1 of webapp/);
    const inside = planRun(world(), release(), { ...run, inside: true, one: false });
    assert.deepEqual(inside.warnings.slice(1), [
      "on web-1 it is inside of-web-1",
      "on web-2 it is inside of-web-2",
    ]);
  });

  it("are refused as the commands themselves", () => {
    const web = { ...spawn, service: service("web") };
    assert.throws(() => planSpawn(world(), running, web), { code: "EXISTS" });
    const gone = world({ deployments: {} });
    assert.throws(() => planSpawn(gone, running, spawn), { code: "NOT_DEPLOYED" });
    assert.throws(() => planRun(world(), release(), { ...run, command: [] }), {
      code: "BAD_USAGE",
    });
  });
});

describe("plans of certificates", () => {
  const wish = { addHosts: [], dropHosts: [], addAllow: [], dropAllow: [] };
  const until = "2100-01-01";

  it("say what comes, what goes and who is asked", () => {
    const [read] = Object.values(fleetRows.certificates);
    assert.ok(read);
    const pem = { kind: "certificate-add", certificate: "pem" } as const;
    assert.deepEqual(planCertificateAdd(world(), read, pem).warnings, [
      `it is of Sim, good until ${until}`,
      `it takes the place of that of Sim, good until ${until}`,
    ]);
    const remove = (name: string) =>
      planCertificateRemove(world(), { kind: "certificate-remove", name });
    assert.deepEqual(remove("shop.test").warnings, [
      `that of Sim for shop.test would go, good until ${until}`,
    ]);
    assert.deepEqual(remove("a.test").warnings, [
      "no authority is asked for a.test by its name any more",
    ]);
    const renewed = planCertificateRenew(world(), { kind: "certificate-renew", hosts: ["a.test"] });
    assert.deepEqual(renewed.warnings, [
      "https://authority.test/directory is asked for a.test; there is none yet",
    ]);
    const hosts = { addHosts: ["b.test"], dropHosts: ["a.test"] };
    assert.deepEqual(planAcme(world(), { kind: "acme", ...wish, ...hosts }).warnings, [
      "certificates would be asked for: b.test",
      "no longer asked for: a.test",
    ]);
    const mailed = planAcme(world({ acme: {} }), { kind: "acme", ...wish, email: "a@b.test" });
    assert.match(mailed.warnings[0] ?? "", /letsencrypt.* is asked for an account first$/);
  });

  it("are empty when nothing changes, and refused as the changes themselves", () => {
    const same = planAcme(world(), { kind: "acme", ...wish, addHosts: ["a.test"] });
    assert.deepEqual(same.plan.stages, []);
    const remove = { kind: "certificate-remove", name: "none.test" } as const;
    assert.throws(() => planCertificateRemove(world(), remove), { code: "NO_CERTIFICATE" });
    const renew = { kind: "certificate-renew" as const, hosts: ["none.test"] };
    assert.throws(() => planCertificateRenew(world(), renew), { code: "NO_CERTIFICATE" });
    const local = { kind: "acme" as const, ...wish, addHosts: ["1.2"] };
    assert.throws(() => planAcme(world(), local), { code: "BAD_USAGE" });
    const [read] = Object.values(fleetRows.certificates);
    assert.ok(read);
    const pem = { kind: "certificate-add", certificate: "pem" } as const;
    assert.throws(() => planCertificateAdd(world(), { ...read, notAfter: 1 }, pem), {
      code: "BAD_CERTIFICATE",
    });
  });
});
