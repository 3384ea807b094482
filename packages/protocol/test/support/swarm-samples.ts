/** Samples of what is said of artifacts and of those who swap their pieces, with every optional field. */
import type {
  Grant,
  ShareReport,
  SwarmPeer,
  SwarmView,
  Telling,
  carryMethods,
  peerTellings,
  shareTellings,
  swarmMethods,
} from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at, base64, commit, hidden, proof } from "./values.js";

const repo = "webapp";
const base = "40548da2f0d6a1d4e1b2c3a4f5e6d7c8b9a0f1e2";

const peers: SwarmPeer[] = [
  { name: "hub", role: "hub", host: "*", port: 6001 },
  {
    name: "relay-b",
    role: "relay",
    host: "10.0.1.1",
    port: 40_001,
    zone: "b",
    key: hidden,
    expiresAt: at + 3_600_000,
  },
];

const grant: Grant = {
  artifact: proof,
  bytes: 1_048_576,
  secret: hidden,
  holder: "web-1",
  expiresAt: at + 3_600_000,
  now: at,
  hubKey: base64,
  peers,
};

const report: ShareReport = {
  artifact: proof,
  state: "failed",
  pieces: 12,
  piecesAll: 32,
  receivedBytes: 425_984,
  sentBytes: 131_072,
  wastedBytes: 32_768,
  receivedBytesPerSecond: 65_536,
  lacksPeers: true,
  lines: [{ peer: "hub", receivedBytes: 425_984, sentBytes: 0 }],
  banned: [{ peer: "web-3", reason: "piece 7 is not what the manifest says" }],
  reason: "nothing came from anybody for 60 s",
};

const view: SwarmView = {
  artifact: proof,
  repo,
  commit,
  base,
  bytes: 1_048_576,
  pieceBytes: 32_768,
  madeAt: at,
  hubSentBytes: 1_153_433,
  totals: {
    drones: 1,
    relays: 0,
    taking: 0,
    done: 0,
    failed: 1,
    gone: 0,
    lagging: 1,
    bytes: 393_216,
    bytesAll: 1_048_576,
    receivedBytes: 425_984,
    sentBytes: 131_072,
    wastedBytes: 32_768,
    bytesPerSecond: 65_536,
    banned: 1,
  },
  shares: [
    { drone: "web-1", role: "drone", zone: "b", connected: true, lags: true, since: at, report },
  ],
};

export const swarmSamples: SamplesOf<keyof typeof swarmMethods> = {
  "hub.artifact": {
    params: { repo, commit, have: [base] },
    result: { how: "swarm", commit, base, grant },
  },
  "hub.swarm": {
    params: { repo, which: "74336bc", brief: true },
    part: [view],
    result: { artifacts: [view] },
  },
};

export const carrySamples: SamplesOf<keyof typeof carryMethods> = {
  "drone.carry": { params: { repo, commit, grant }, result: {} },
};

export const shareTellingSamples: { [T in keyof typeof shareTellings]: Telling<T> } = {
  "hub.share": { ...report, proof },
};

export const peerTellingSamples: { [T in keyof typeof peerTellings]: Telling<T> } = {
  "drone.peers": { artifact: proof, peers },
};
