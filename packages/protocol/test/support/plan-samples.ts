/** Samples of what is said of plans, with every optional field. */
import type {
  DroneCommandEnd,
  PlanStage,
  PlanSummary,
  planDroneMethods,
  planMethods,
} from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at } from "./values.js";

const id = "0123456789";
const key = `${id}/1.2.1/1`;
const hash = "5".repeat(64);
const by = "ann@laptop";
const counts = {
  tasks: 3,
  neverRun: 0,
  running: 0,
  retrying: 0,
  done: 1,
  unchanged: 1,
  failed: 1,
  stopped: 0,
  unknown: 0,
};

const summary: PlanSummary = {
  run: id,
  name: "new certificates",
  by,
  state: "over",
  outcome: "failed",
  reason: "1 of 2 lines failed",
  locks: ["webapp/production"],
  queuedAt: at,
  beganAt: at,
  endedAt: at,
  counts,
};

const drones = {
  counts: { failed: 1, away: 0, starting: 0, healthy: 1, unchanged: 0 },
  drones: [
    {
      drone: "web-1",
      state: "failed" as const,
      tookMs: 12_000,
      reason: "exit code 1",
      lastLines: ["no such file"],
    },
  ],
};

const stage: PlanStage = {
  number: 1,
  name: "first",
  part: "plan",
  state: "failed",
  beganAt: at,
  endedAt: at,
  reason: "1 of 2 lines failed",
  waits: { why: "waits for approval", since: at, until: at, gate: 1, seen: "nobody said yes" },
  lines: 2,
  linesFailed: 1,
  counts,
  hosts: [{ host: "web-1", counts }],
  tasks: [
    {
      task: "1.2.1",
      command: "execute",
      host: "web-1",
      state: "failed",
      attempt: 2,
      beganAt: at,
      endedAt: at,
      nextAt: at,
      reason: "it ended with 1",
      lastLines: ["no such file"],
      drones,
    },
  ],
  tasksLeftOut: 1,
};

const end: DroneCommandEnd = {
  outcome: "failed",
  reason: "it ended with 1",
  lastLines: ["no such file"],
  exit: 1,
};

const logged = {
  run: id,
  relay: "dc2-head",
  index: 7,
  event: { at, kind: "task-begun" as const, task: "1.2.1", attempt: 1 },
  plan: "webapp 2.0",
  stage: "first",
  command: "execute",
  host: "web-1",
};

export const planSamples: SamplesOf<keyof typeof planMethods> = {
  "hub.plan-start": {
    params: { plan: "{}", file: "plan.yaml", by, hash, locks: ["webapp/production"], id },
    result: { id, hash },
  },
  "hub.plan-check": {
    params: { plan: "{}", file: "plan.yaml", hash },
    result: {
      hash,
      told: {
        skipped: [{ what: "web-2", why: "it runs it already" }],
        skippedCount: 1,
        durations: [{ command: "start", ms: 900 }],
        warnings: [],
      },
    },
  },
  "hub.plan-make": {
    params: {
      change: {
        kind: "deploy",
        repo: "webapp",
        ref: "main",
        environment: "production",
        promote: true,
        redeploy: true,
        waves: {
          by: { kind: "percent", steps: [5, 25, 100] },
          canary: "web-1",
          force: false,
        },
      },
    },
    part: "{",
    result: {
      hash,
      text: "}",
      told: {
        skipped: [{ what: "web-2", why: "it runs it already" }],
        drones: ["web-1", "web-2"],
        dronesCount: 2,
        skippedCount: 1,
        travel: { bytes: 1_000_000, drones: 3 },
        durations: [{ command: "build", ms: 12_000 }],
        warnings: ["the manifest says nothing of its health"],
      },
    },
  },
  "hub.plans": { params: {}, part: [summary], result: { plans: [summary] } },
  "hub.plan-status": {
    params: { id: "0123", tasks: "all" },
    part: [stage],
    result: {
      plan: {
        ...summary,
        suspended: { since: at, why: "no space left on the device" },
        waitsFor: { lock: "webapp/production", behind: "9876543210" },
      },
      stages: [stage],
    },
  },
  "hub.plan-durations": {
    params: { name: "webapp 2.0" },
    part: [{ command: "execute", ms: 1_200 }],
    result: { durations: [{ command: "execute", host: "web-1", ms: 900 }] },
  },
  "hub.plan-log": {
    params: { id, seen: [{ run: id, events: 7 }], eventsMax: 1_000 },
    part: [logged],
    result: { run: id, leftOut: 12, isOver: false, events: [logged] },
  },
  "hub.plan-follow": {
    params: { id, from: 7 },
    part: [
      {
        index: 7,
        event: {
          at,
          kind: "task-ended",
          task: "1.2.1",
          outcome: "failed",
          reason: "it ended with 1",
          lastLines: ["no such file"],
          drones,
        },
      },
    ],
    result: summary,
  },
  "hub.plan-ask": {
    params: { id, ask: { kind: "stop", undo: true, now: true }, by },
    result: { id },
  },
  "hub.plan-text": { params: { id }, part: "{", result: { id, hash, text: "}" } },
};

export const planDroneSamples: SamplesOf<keyof typeof planDroneMethods> = {
  "drone.command": {
    params: {
      key,
      command: "execute",
      args: '{"run":["true"]}',
      timeoutMs: 600_000,
      once: true,
      look: false,
    },
    part: ["no such file"],
    result: end,
  },
  "drone.command-cancel": { params: { key }, result: {} },
  "drone.command-recall": {
    params: { keys: [key, `${id}/1.2.2/1`] },
    result: { commands: [{ state: "ended", end }, { state: "not-begun" }] },
  },
};
