/** Changes of access, drones, what runs beside releases and certificates, in the worlds that planners are run in. */
import type { PlannedChange } from "@propagit/protocol";
import { planAccess } from "../../src/core/planners/access.js";
import { planCancel } from "../../src/core/planners/cancel.js";
import {
  planAcme,
  planCertificateAdd,
  planCertificateRemove,
  planCertificateRenew,
} from "../../src/core/planners/certificates.js";
import { planLabel } from "../../src/core/planners/label.js";
import type { Planned } from "../../src/core/planners/planned.js";
import type { PlannerView } from "../../src/core/planners/planner-view.js";
import { planRun } from "../../src/core/planners/run.js";
import { planSpawn } from "../../src/core/planners/spawn.js";
import type { AcmeRow, CertificateRow } from "../../src/core/certificate-rows.js";
import { acmeKey } from "../../src/core/certificate-rows.js";
import { placeKey, releaseKey, type RolloutRow, type SaidRow } from "../../src/core/rows.js";
import { service } from "./specifications.js";

type ChangeOf<K extends PlannedChange["kind"]> = Extract<PlannedChange, { kind: K }>;

const repo = "webapp";
const place = { repo, environment: "production" };
/** Of the year 2100. */
const far = 4_102_444_800_000;

export const hash = "scrypt$16384$8$5$c2FsdA$a2V5";

const said: SaidRow = {
  ...place,
  rules: { users: [{ name: "ben", hash }] },
  off: [],
  authors: {},
  hosts: [],
  experiments: [],
};

const certificate: CertificateRow = {
  id: "0123456789abcdef",
  names: ["shop.test"],
  source: "file",
  certificate: "pem",
  hidden: "hidden",
  issuer: "Sim",
  notBefore: 0,
  notAfter: far,
  at: 0,
  by: "ann",
};

const acme: AcmeRow = {
  directory: "https://authority.test/directory",
  challenge: "http-01",
  hosts: ["a.test"],
  allow: [],
  account: { url: "https://authority.test/account/1", hidden: "hidden" },
  at: 0,
  by: "ann",
};

/** One release is on its way, another waits behind it. */
const rollouts = [8, 9].map((number): RolloutRow => {
  const row = { ...place, number, deployment: "e".repeat(16), acceptedAt: 0, phaseAt: 0 };
  const phase = number === 8 ? "starting" : "queued";
  return { ...row, phase, drones: [], ...(number === 8 && { done: "start" }) };
});

export const fleetRows = {
  said: { [placeKey(repo, place.environment)]: said },
  certificates: { [certificate.id]: certificate },
  acme: { [acmeKey]: acme },
  rollouts: Object.fromEntries(
    rollouts.map((row) => [releaseKey(repo, place.environment, row.number), row]),
  ),
};

const wish = { addHosts: [], dropHosts: [], addAllow: [], dropAllow: [] };

export const spawn: ChangeOf<"spawn"> = {
  kind: "spawn",
  repo,
  service: service("admin"),
  variables: ["TOKEN"],
  drones: {},
  one: false,
};

export const run: ChangeOf<"run"> = {
  kind: "run",
  repo,
  inside: false,
  drones: {},
  one: true,
  command: ["node", "migrate.js"],
  variables: [],
};

/** Each of them, some of which are refused in some worlds. */
export function fleetMakers(view: PlannerView): readonly (() => Planned)[] {
  const [drone] = view.drones;
  const name = drone?.name ?? "nobody";
  const [beside] = view.rows.rows("deployments").values();
  const [release] = view.rows.rows("releases").values();
  const acmeOf = (more: Partial<ChangeOf<"acme">>) =>
    planAcme(view, { kind: "acme", ...wish, ...more });
  const read = { ...certificate, names: ["shop.test"] };
  return [
    () => planAccess(view, place, { kind: "access", repo, add: "ann" }),
    () => planAccess(view, place, { kind: "access", repo, remove: "ben" }),
    () => planAccess(view, place, { kind: "access", repo, remove: "nobody" }),
    () => planLabel(view, { kind: "label", drone: name, set: { zone: "a" }, unset: [] }),
    () => planLabel(view, { kind: "label", drone: name, set: {}, unset: ["zone"] }),
    () => planCancel(view, { kind: "cancel", repo }),
    () => planCancel(view, { kind: "cancel", repo, release: 9 }),
    () => planCertificateAdd(view, read, { kind: "certificate-add", certificate: "pem" }),
    () => planCertificateRemove(view, { kind: "certificate-remove", name: "shop.test" }),
    () => planCertificateRemove(view, { kind: "certificate-remove", name: "a.test" }),
    () => planCertificateRenew(view, { kind: "certificate-renew", hosts: ["a.test"] }),
    () => planCertificateRenew(view, { kind: "certificate-renew", hosts: ["b.test"] }),
    () => acmeOf({}),
    () => acmeOf({ addHosts: ["b.test"], dropHosts: ["a.test"] }),
    () => acmeOf({ email: "ann@example.com" }),
    ...(beside ? [() => planSpawn(view, beside, spawn)] : []),
    ...(release
      ? [
          () => planRun(view, release, run),
          () => planRun(view, release, { ...run, inside: true, one: false }),
        ]
      : []),
  ];
}
