/** One sample of everything that travels, with every optional field; the golden files are made of them. */
import type {
  Body,
  Handshake,
  MethodName,
  Params,
  Part,
  registryMethods,
  Result,
  Telling,
  TellingName,
} from "../../src/index.js";
import { trafficReport } from "./canary-samples.js";
import { certificateTellingSamples } from "./certificate-samples.js";
import { droneSamples } from "./drone-samples.js";
import { hubSamples } from "./hub-samples.js";
import { proxySamples, proxyTellingSamples } from "./proxy-samples.js";
import { relayTellingSamples } from "./relay-samples.js";
import { peerTellingSamples, shareTellingSamples } from "./swarm-samples.js";
import {
  assignment,
  base64,
  commit,
  endpoint,
  error,
  lease,
  logLine,
  nonce,
  position,
  proof,
  report,
} from "./values.js";

type MethodSample<M extends MethodName> = {
  readonly params: Params<M>;
  readonly result: Result<M>;
} & ([Part<M>] extends [never] ? object : { readonly part: Part<M> });
export type SamplesOf<N extends MethodName> = { readonly [M in N]: MethodSample<M> };

export const handshakeSamples: { [K in Handshake["kind"]]: Extract<Handshake, { kind: K }> } = {
  challenge: { v: 2, kind: "challenge", nonce, open: false },
  hello: { v: 2, kind: "hello", role: "drone", credential: "cluster", nonce, proof },
  welcome: { v: 2, kind: "welcome", proof, heartbeatMs: 5_000 },
  refused: { v: 2, kind: "refused", error },
};

export const bodySamples: { [K in Body["kind"]]: Extract<Body, { kind: K }> } = {
  ping: { kind: "ping" },
  call: { kind: "call", id: 7, method: "hub.ps", params: {} },
  reply: { kind: "reply", id: 7, result: { instances: [] } },
  fail: { kind: "fail", id: 7, error },
  part: { kind: "part", id: 7, part: [logLine] },
  cancel: { kind: "cancel", id: 7 },
  tell: { kind: "tell", method: "run.resize", params: { stream: nonce, columns: 80, rows: 24 } },
  bye: { kind: "bye", error },
};

const registrySamples: SamplesOf<keyof typeof registryMethods> = {
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

export const methodSamples: SamplesOf<MethodName> = {
  ...hubSamples,
  ...droneSamples,
  ...proxySamples,
  ...registrySamples,
};

export const tellingSamples: { [T in TellingName]: Telling<T> } = {
  ...proxyTellingSamples,
  ...certificateTellingSamples,
  ...shareTellingSamples,
  ...peerTellingSamples,
  ...relayTellingSamples,
  "drone.assign": { revision: 3, assignments: [assignment], keep: [{ repo: "webapp", commit }] },
  "run.input": { stream: nonce, data: base64 },
  "run.taken": { stream: nonce, bytes: 65_536 },
  "run.resize": { stream: nonce, columns: 80, rows: 24 },
  "run.signal": { stream: nonce, signal: "SIGINT" },
  "hub.instance": { instance: report, step: "checked out" },
  "hub.instance-gone": { process: "c3d4" },
  "hub.report": trafficReport,
};
