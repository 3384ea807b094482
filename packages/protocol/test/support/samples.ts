/** One sample of everything that travels, with every optional field; the golden files are made of them. */
import type {
  Body,
  Handshake,
  DroneSummary,
  InstanceReport,
  InstanceSummary,
  MethodName,
  Params,
  Part,
  Result,
  Telling,
  TellingName,
} from "../../src/index.js";

const commit = "74336bc1db98478e02e69f59e7100895be207389";
const other = "40548da2f0d6a1d4e1b2c3a4f5e6d7c8b9a0f1e2";
const at = 1_700_000_000_000;
const nonce = "0123456789abcdef0123456789abcdef";
const proof = "89abcdef".repeat(8);
const lease = "fedcba9876543210fedcba9876543210";
const error = {
  code: "NO_REPO",
  message: "the hub has no repository `webap`",
  hint: "push it first",
};

export const handshakeSamples: { [K in Handshake["kind"]]: Extract<Handshake, { kind: K }> } = {
  challenge: { v: 1, kind: "challenge", nonce, open: false },
  hello: { v: 1, kind: "hello", role: "drone", credential: "cluster", nonce, proof },
  welcome: { v: 1, kind: "welcome", proof, heartbeatMs: 5_000 },
  refused: { v: 1, kind: "refused", error },
};

export const bodySamples: { [K in Body["kind"]]: Extract<Body, { kind: K }> } = {
  ping: { kind: "ping" },
  call: { kind: "call", id: 7, method: "hub.ps", params: {} },
  reply: { kind: "reply", id: 7, result: { instances: [] } },
  fail: { kind: "fail", id: 7, error },
  part: { kind: "part", id: 7, part: { at, drone: "web-1", phase: "fetched" } },
  cancel: { kind: "cancel", id: 7 },
  tell: { kind: "tell", method: "drone.desire", params: { revision: 3, deployments: [] } },
  bye: { kind: "bye", error },
};

const endpoint = {
  id: "a1b2",
  service: "http",
  version: "1.2.3",
  commit,
  host: "127.0.0.1",
  port: 15194,
  meta: { process: "c3d4" },
};
const position = { epoch: "e1", revision: 42 };
const registryPlace = { host: "registryhost", port: 6000, open: false };
const route = {
  repo: "webapp",
  shares: [
    { commit, weight: 90 },
    { commit: other, weight: 10 },
  ],
};
const report: InstanceReport = {
  process: "c3d4",
  repo: "webapp",
  commit,
  service: "web",
  phase: "restarting",
  pid: 4321,
  port: 15194,
  services: ["http"],
  restarts: 2,
  since: at,
  reason: "the command ended with exit code 1",
  lastLines: ["Error: no such file"],
};
const instance: InstanceSummary = {
  drone: "web-1",
  host: "10.0.0.1",
  away: false,
  sharePercent: 90,
  report,
};

const drone: DroneSummary = {
  name: "web-1",
  service: "web",
  host: "10.0.0.1",
  labels: { role: "web" },
  state: "connected",
  since: at,
  version: "0.1.0",
  instances: 2,
};

const outcome = {
  drone: "web-1",
  outcome: "failed" as const,
  port: 15194,
  reason: "the command ended with exit code 1",
  lastLines: ["Error: no such file"],
};
const progress = {
  at,
  drone: "web-1",
  phase: "failed" as const,
  port: 15194,
  reason: "the command ended with exit code 1",
  lastLines: ["Error: no such file"],
};
const event = {
  number: 12,
  at,
  kind: "deployed" as const,
  repo: "webapp",
  commit,
  drone: "web-1",
  text: "webapp 74336bc is ready on 1 drone",
};

export type MethodSample<M extends MethodName> = {
  readonly params: Params<M>;
  readonly result: Result<M>;
} & ([Part<M>] extends [never] ? object : { readonly part: Part<M> });

export const methodSamples: { [M in MethodName]: MethodSample<M> } = {
  "hub.deploy": {
    params: { repo: "webapp", ref: "main" },
    part: progress,
    result: { repo: "webapp", commit, outcome: "failed", promoted: true, drones: [outcome] },
  },
  "hub.promote": { params: { repo: "webapp", ref: "40548da" }, result: route },
  "hub.split": {
    params: {
      repo: "webapp",
      shares: [
        { ref: "74336bc", weight: 90 },
        { ref: "40548da", weight: 10 },
      ],
    },
    result: route,
  },
  "hub.stop": {
    params: { repo: "webapp", ref: "74336bc", force: true },
    part: { ...progress, phase: "stopped" },
    result: {
      repo: "webapp",
      commit,
      outcome: "stopped",
      drones: [{ ...outcome, outcome: "stopped" }],
    },
  },
  "hub.ps": {
    params: {},
    part: [instance],
    result: { instances: [instance] },
  },
  "hub.drones": { params: {}, part: [drone], result: { drones: [drone] } },
  "hub.events": { params: { last: 20, follow: true }, part: event, result: { events: [event] } },
  "hub.routes": {
    params: {},
    part: { revision: 5, routes: [route], deployments: [{ repo: "webapp", commit }] },
    result: {},
  },
  "hub.meet": { params: {}, result: { registry: registryPlace } },
  "hub.join": {
    params: {
      identity: nonce,
      name: "web-1",
      labels: { role: "web" },
      service: "web",
      host: "10.0.0.1",
      version: "0.1.0",
      instances: [report],
    },
    result: { name: "web-1-1", registry: registryPlace, hub: nonce },
  },
  "hub.leave": { params: {}, result: {} },
  "registry.grant": { params: { ttlMs: 15_000 }, result: { lease, ttlMs: 15_000 } },
  "registry.renew": { params: { lease }, result: { ttlMs: 15_000 } },
  "registry.revoke": { params: { lease }, result: {} },
  "registry.register": { params: { lease, record: endpoint }, result: { endpoint } },
  "registry.set": { params: { lease, id: "a1b2", meta: { color: "blue" } }, result: { endpoint } },
  "registry.free": { params: { lease, id: "a1b2" }, result: {} },
  "registry.query": {
    params: { service: "http@^1.2", commit: "74336bc", meta: { color: "blue" } },
    part: [endpoint],
    result: { at: position, settled: true, endpoints: [endpoint] },
  },
  "registry.watch": {
    params: { since: position },
    part: { kind: "down", at: position, endpoint, reason: "expired" },
    result: {},
  },
};

export const tellingSamples: { [T in TellingName]: Telling<T> } = {
  "drone.desire": { revision: 3, deployments: [{ repo: "webapp", commit }] },
  "hub.instance": { instance: report, step: "checked out" },
  "hub.instance-gone": { process: "c3d4" },
};
