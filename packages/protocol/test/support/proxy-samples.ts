/** Samples of what goes between hub and proxies, with every optional field. */
import type {
  proxyMethods,
  proxyMethodsOfHub,
  ProxySummary,
  SeenDeployment,
  Telling,
} from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at, commit, deployment, deploymentId, nonce, registryPlace, route } from "./values.js";

const proxy: ProxySummary = {
  name: "edge-1",
  address: "10.0.0.9:80",
  zone: "fra1",
  version: "0.3.0",
  state: "connected",
  since: at,
  revision: 4_711,
  behind: 2,
  stale: ["registry"],
  requestsPerSecond: 120.5,
};
const seen: SeenDeployment = {
  id: deploymentId,
  repo: "webapp",
  environment: "staging",
  commit,
  services: ["http"],
};
const addresses = ["10.0.0.1:20001"];

export const proxyHubSamples: SamplesOf<keyof typeof proxyMethodsOfHub> = {
  "hub.meet": {
    params: {
      identity: nonce,
      name: "edge-1",
      version: "0.3.0",
      address: { host: "10.0.0.9", port: 80 },
      zone: "fra1",
    },
    result: { registry: registryPlace, timeoutMs: 10_000 },
  },
  "hub.routes": {
    params: { since: { book: nonce, revision: 4 } },
    part: {
      kind: "change",
      revision: 5,
      routes: [route],
      deployments: [deployment],
      droppedRoutes: ["webapp/staging"],
      droppedDeployments: [deploymentId],
    },
    result: {},
  },
  "hub.proxies": { params: {}, result: { revision: 4_713, proxies: [proxy] } },
  "hub.drained": {
    params: { addresses, waitMs: 10_000 },
    result: { proxies: 2, inFlight: 0, silent: ["edge-2"] },
  },
};

export const proxySamples: SamplesOf<keyof typeof proxyMethods> = {
  "proxy.sees": {
    params: { revision: 5, deployments: [seen], waitMs: 5_000 },
    result: { revision: 5, missing: [{ deployment: deploymentId, service: "http" }] },
  },
  "proxy.drained": {
    params: { addresses, graceMs: 5_000, waitMs: 10_000 },
    result: { inFlight: 3 },
  },
};

export const proxyTellingSamples: { "hub.proxy": Telling<"hub.proxy"> } = {
  "hub.proxy": { revision: 5, stale: ["hub"] },
};
