/** Samples of what the hub calls on a drone, with every optional field. */
import type { droneMethods } from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { filesDroneSamples } from "./files-samples.js";
import { delegationDroneSamples } from "./delegation-samples.js";
import { planDroneSamples } from "./plan-samples.js";
import { carrySamples } from "./swarm-samples.js";
import {
  artifact,
  at,
  commit,
  deploymentId,
  lastLines,
  logLine,
  logQuery,
  machine,
  nonce,
  runPart,
  runResult,
  terminal,
  usage,
} from "./values.js";

const what = { repo: "webapp", environment: "staging", commit, artifact, release: 12 };

export const droneSamples: SamplesOf<keyof typeof droneMethods> = {
  "drone.logs": { params: logQuery, part: [logLine], result: {} },
  "drone.stats": { params: {}, result: { machine, usages: [usage] } },
  "drone.task": {
    params: { id: nonce, kind: "build", deployment: deploymentId, ...what },
    part: { at, text: "compiles" },
    result: {
      outcome: "failed",
      reason: "the command ended with exit code 1",
      lastLines,
      tookMs: 3_000,
      artifact,
    },
  },
  "drone.cancel-task": { params: { id: nonce }, result: {} },
  "drone.restart": {
    params: { processes: ["c3d4"] },
    part: { process: "c3d4", ready: true },
    result: { failed: [{ process: "c3d4", reason: "it is not ready after 60 s" }] },
  },
  "drone.run": {
    params: {
      stream: nonce,
      deployment: deploymentId,
      ...what,
      service: "http",
      process: "c3d4",
      command: ["node", "--version"],
      env: { DEBUG: "1" },
      terminal,
      input: true,
    },
    part: runPart,
    result: runResult,
  },
  "drone.room": {
    params: { repo: "webapp", commit, bytes: 1_000_000 },
    result: { fits: false, freeBytes: 500_000, neededBytes: 2_000_000 },
  },
  ...carrySamples,
  ...filesDroneSamples,
  ...planDroneSamples,
  ...delegationDroneSamples,
};
