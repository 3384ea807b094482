/** Samples of what is said of parts of plans that relays carry out, with every optional field. */
import type { delegationDroneMethods, delegationMethods, DelegationWish } from "../../src/index.js";
import { planDroneSamples, planSamples } from "./plan-samples.js";
import type { SamplesOf } from "./samples.js";
import { at, commit } from "./values.js";

const run = "0123456789abcdef0123";
const hash = "5".repeat(64);
const by = "ann@laptop";
const wish: DelegationWish = {
  paused: true,
  skips: 1,
  retries: 2,
  stop: { undo: false, now: true },
  by,
};
const { plan, stages } = planSamples["hub.plan-status"].result;
const delegation = {
  parent: "0123456789",
  task: "1.2.2",
  relay: "dc2-head",
  run,
  line: "cut" as const,
  plan,
  stages,
};

export const delegationSamples: SamplesOf<keyof typeof delegationMethods> = {
  "hub.plan-delegations": {
    params: { id: "0123" },
    part: [delegation],
    result: { delegations: [delegation] },
  },
};

export const delegationDroneSamples: SamplesOf<keyof typeof delegationDroneMethods> = {
  "drone.errands": {
    params: {
      run,
      hash,
      relay: { name: "dc2-head", host: "10.2.0.1", port: 6001 },
      until: at,
      tasks: [
        {
          task: "1.1.1",
          command: "put-files",
          args: JSON.stringify({ commit, path: "/srv/site", replace: false, force: false }),
          timeoutMs: 600_000,
          once: false,
        },
      ],
    },
    result: {},
  },
  "drone.errands-over": { params: { run }, result: {} },
  "drone.delegate": { params: { run, plan: "{}", hash, by }, result: {} },
  "drone.delegate-follow": {
    params: { run, from: 7 },
    part: [{ index: 7, event: { at, kind: "stage-begun", stage: 1 } }],
    result: planSamples["hub.plan-follow"].result,
  },
  "drone.delegate-wish": { params: { run, wish }, result: {} },
  "relay.errands": { params: { drone: "web-1" }, result: {} },
  "drone.errand": {
    params: { run, hash, task: "1.1.1", attempt: 1 },
    part: ["fetching"],
    result: planDroneSamples["drone.command"].result,
  },
  "drone.errand-recall": {
    params: { run, hash, task: "1.1.1", attempt: 1 },
    result: { state: "ended", end: planDroneSamples["drone.command"].result },
  },
  "drone.errand-cancel": { params: { run, hash, task: "1.1.1", attempt: 1 }, result: {} },
};
