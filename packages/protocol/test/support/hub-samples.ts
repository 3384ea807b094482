/** Samples of what is called on the hub, with every optional field. */
import type { hubMethods } from "../../src/index.js";
import { canarySamples } from "./canary-samples.js";
import { certificateSamples } from "./certificate-samples.js";
import { distributionSamples } from "./distribution-samples.js";
import { proxyHubSamples } from "./proxy-samples.js";
import { sightSamples } from "./sight-samples.js";
import type { SamplesOf } from "./samples.js";
import { filesSamples } from "./files-samples.js";
import { delegationSamples } from "./delegation-samples.js";
import { planSamples } from "./plan-samples.js";
import { swarmSamples } from "./swarm-samples.js";
import { ruleSamples } from "./traffic-samples.js";
import {
  at,
  build,
  by,
  commit,
  deploymentId,
  drone,
  droneTarget,
  event,
  hidden,
  instance,
  instanceTarget,
  logLine,
  logQuery,
  nonce,
  outcome,
  progress,
  registryPlace,
  releaseDetail,
  releaseDifference,
  releaseSummary,
  report,
  rollout,
  route,
  runPart,
  runResult,
  service,
  setting,
  task,
  terminal,
} from "./values.js";

const environment = "staging";
const repo = "webapp";
const dronePart = { kind: "drone", ...progress } as const;
const process = { drone: "web-1", process: "c3d4" };
const failedInstance = { ...process, reason: "it was not ready within 5 min: starting" };

const releaseSamples = {
  "hub.deploy": {
    params: {
      repo,
      ref: "main",
      environment,
      by,
      promote: false,
      supersede: true,
      waves: { by: { kind: "label", key: "zone" }, canary: "web-1" },
      redeploy: true,
      detach: true,
    },
    part: dronePart,
    result: rollout,
  },
  "hub.follow": {
    params: { repo, environment, release: 12 },
    part: { kind: "accepted", at, repo, environment, release: 12, commit },
    result: rollout,
  },
  "hub.rollback": {
    params: {
      repo,
      environment,
      release: 10,
      by,
      supersede: true,
      waves: { by: { kind: "min-up", minUp: 2 }, force: true },
      detach: true,
    },
    part: { kind: "phase", at, phase: "starting", text: "starts on 3 drones" },
    result: rollout,
  },
  "hub.cancel": {
    params: { repo, environment, release: 12, by },
    part: { kind: "note", at, text: "release 12 waits for release 11" },
    result: { ...rollout, outcome: "cancelled" },
  },
  "hub.releases": {
    params: { repo, environment, last: 20 },
    part: [releaseSummary],
    result: { releases: [releaseSummary] },
  },
  "hub.release": {
    params: { repo, environment, release: 12 },
    part: event,
    result: releaseDetail,
  },
  "hub.diff": { params: { repo, environment, from: 11, to: 12 }, result: releaseDifference },
  "hub.pin": { params: { repo, environment, release: 12, pinned: true, by }, result: {} },
  "hub.configure": {
    params: {
      repo,
      environment,
      set: [{ name: "DATABASE_URL", value: hidden, secret: true }],
      unset: ["COLOR"],
      deploy: true,
      by,
    },
    part: { kind: "output", at, drone: "web-1", text: "migrated" },
    result: { changed: ["COLOR", "DATABASE_URL"], rollout },
  },
  "hub.settings": {
    params: { repo, environment },
    result: { settings: [setting], pending: ["COLOR"] },
  },
  "hub.reap": {
    params: { repo, dryRun: true, by },
    result: {
      releases: [{ repo, environment, number: 3, commit, action: "stay", why: "it is pinned" }],
    },
  },
} satisfies Partial<SamplesOf<keyof typeof hubMethods>>;

const instanceSamples = {
  "hub.stop": {
    params: { repo, ref: "74336bc", force: true, environment, by },
    part: { ...progress, phase: "stopped" },
    result: {
      repo,
      commit,
      environment,
      outcome: "stopped",
      drones: [{ ...outcome, outcome: "stopped" }],
    },
  },
  "hub.hold": {
    params: { target: instanceTarget, start: false, force: true, by },
    part: { ...progress, phase: "stopping" },
    result: { instances: [process], failed: [failedInstance] },
  },
  "hub.restart": {
    params: { target: instanceTarget, by },
    part: { ...process, ready: true },
    result: { restarted: 2, failed: [{ ...process, reason: "it is not ready after 60 s" }] },
  },
  "hub.scale": {
    params: { repo, environment, services: [{ service: "http", instances: 4 }], by },
    part: dronePart,
    result: rollout,
  },
  "hub.spawn": {
    params: { repo, environment, release: "12", service, drones: droneTarget, one: true, by },
    part: progress,
    result: { instances: [process], failed: [failedInstance] },
  },
  "hub.logs": {
    params: { ...logQuery, drones: droneTarget },
    part: [logLine],
    result: { missing: [{ drone: "web-2", reason: "it is away" }] },
  },
  "hub.run": {
    params: {
      stream: nonce,
      repo,
      environment,
      release: "12",
      service: "http",
      inside: true,
      drones: droneTarget,
      one: true,
      command: ["node", "--version"],
      env: { DEBUG: "1" },
      terminal,
      input: true,
      by,
    },
    part: runPart,
    result: { runs: [runResult], failed: [{ drone: "web-2", reason: "it is away" }] },
  },
  "hub.ps": {
    params: { target: instanceTarget, usage: true },
    part: [instance],
    result: { instances: [instance] },
  },
} satisfies Partial<SamplesOf<keyof typeof hubMethods>>;

const droneSamples = {
  "hub.drones": {
    params: { target: droneTarget, machine: true },
    part: [drone],
    result: { drones: [drone] },
  },
  "hub.drain": {
    params: { drone: "web-1", drain: true, by },
    part: { ...progress, phase: "stopped" },
    result: { instances: 2, failed: [failedInstance] },
  },
  "hub.label": {
    params: { drone: "web-1", set: { role: "db" }, unset: ["gpu"], by },
    result: { labels: { role: "db" } },
  },
  "hub.join": {
    params: {
      identity: nonce,
      name: "web-1",
      labels: { role: "web" },
      service: "web",
      host: "10.0.0.1",
      version: "0.1.0",
      instances: [report],
      swarm: {
        port: 40_001,
        relay: { host: "10.0.1.1", port: 6001, upstream: "hubhost:6001", carriesOnly: true },
      },
      ways: true,
    },
    result: {
      name: "web-1-1",
      registry: registryPlace,
      hub: nonce,
      timeoutMs: 30_000,
      labels: { role: "web" },
      ways: ["10.0.2.1:6001", "hubhost:6001"],
    },
  },
  "hub.leave": { params: { running: true }, result: {} },
  "hub.specification": {
    params: { id: deploymentId },
    result: { services: [service], build, test: task, release: task, config: hidden },
  },
} satisfies Partial<SamplesOf<keyof typeof hubMethods>>;

const trafficSamples = {
  ...ruleSamples,
  "hub.promote": { params: { repo, ref: "40548da", environment, by }, result: route },
  "hub.split": {
    params: {
      repo,
      shares: [
        { ref: "74336bc", weight: 90 },
        { ref: "40548da", weight: 10 },
      ],
      environment,
      by,
    },
    result: route,
  },
  "hub.events": { params: { last: 20, follow: true }, part: event, result: { events: [event] } },
} satisfies Partial<SamplesOf<keyof typeof hubMethods>>;

export const hubSamples: SamplesOf<keyof typeof hubMethods> = {
  ...releaseSamples,
  ...instanceSamples,
  ...droneSamples,
  ...trafficSamples,
  ...proxyHubSamples,
  ...certificateSamples,
  ...canarySamples,
  ...sightSamples,
  ...swarmSamples,
  ...filesSamples,
  ...planSamples,
  ...delegationSamples,
  ...distributionSamples,
};
