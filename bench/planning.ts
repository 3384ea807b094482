/** How long the hub's planner takes for a deploy in waves over many drones, all of which run what was before. */
import { planRelease, type PlannerView } from "@propagit/hub";
import type { Service, Specification } from "@propagit/protocol";

const zones = 20;
const [commit, next] = ["1".repeat(40), "2".repeat(40)];
const [live, wanted] = ["a".repeat(16), "b".repeat(16)];
const place = { repo: "webapp", environment: "production" };

function service(name: string, changes: Partial<Service>): Service {
  return {
    name,
    command: ["node", `${name}.js`],
    instances: { count: 1, per: "drone" },
    on: [],
    ports: [],
    ready: "alive",
    readyTimeoutMs: 30_000,
    stop: { signal: "SIGTERM", deadlineMs: 10_000 },
    restart: { policy: "always", firstMs: 1_000, maxMs: 60_000, crashesMax: 10 },
    env: {},
    after: [],
    ...changes,
  };
}

/** By zone, canary first, each service keeping so many up that zones have to be split. */
const specification: Specification = {
  services: [
    service("web", { minUp: { percent: 90 } }),
    service("job", { after: ["web"], minUp: { percent: 98 } }),
  ],
  waves: { by: { kind: "label", key: "zone" }, canary: "web-7" },
  routes: [],
  promote: "always",
};

/** The plan of one deploy, in ms; and its stages. */
export function planningOf(drones: number): { readonly ms: number; readonly stages: number } {
  const view = viewOf(drones);
  const release = { ...place, commit: next, kind: "deploy", specification, bytes: 1_000 } as const;
  const start = performance.now();
  const { plan } = planRelease(
    view,
    { ...release, deployment: wanted },
    { kind: "deploy", repo: place.repo, ref: "main" },
  );
  return { ms: performance.now() - start, stages: plan.stages.length };
}

function viewOf(count: number): PlannerView {
  const drones = Array.from({ length: count }, (_, at) => ({
    identity: String(at).padStart(32, "0"),
    name: `web-${at}`,
    labels: { zone: `z${at % zones}` },
    contact: "connected" as const,
    draining: false,
    ownCommand: false,
    ready: new Map<string, number>(),
    reports: [report(at)],
  }));
  const each = new Map(drones.map(({ identity }) => [identity, 1]));
  const seen = { wanted: "", host: "host", version: "1.0.0", state: "connected", since: 1 };
  const deployment = { ...place, id: live, commit, release: 1, specification, settings: {} };
  const tables: Readonly<Record<string, ReadonlyMap<string, unknown>>> = {
    drones: new Map(
      drones.map(({ identity, name, labels }) => [identity, { ...seen, identity, name, labels }]),
    ),
    deployments: new Map([
      [live, { ...deployment, since: 1, started: true, services: ["web", "job"] }],
    ]),
    environments: new Map([
      ["webapp/production", { ...place, lastRelease: 1, live: [1], settings: {}, scales: {} }],
    ]),
    releases: new Map([
      [
        "webapp/production/00000001",
        { ...place, number: 1, deployment: live, state: "ready", phases: [] },
      ],
    ]),
  };
  return {
    now: 1,
    rows: { rows: (table) => (tables[table] ?? new Map()) as never },
    drones,
    counts: new Map([[live, new Map(["web", "job"].map((name) => [name, each]))]]),
  };
}

function report(at: number) {
  return {
    process: `p${at}`,
    repo: place.repo,
    commit,
    service: "web",
    deployment: live,
    phase: "ready" as const,
    services: [],
    restarts: 0,
    since: 1,
  };
}
