/** A sample of what `top` shows, with every optional field. */
import type { sightMethods } from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at, commit, deploymentId } from "./values.js";

export const sightSamples: SamplesOf<keyof typeof sightMethods> = {
  "hub.traffic": {
    params: { repo: "webapp", environment: "staging", follow: true },
    part: {
      at,
      windowMs: 10_000,
      proxies: 2,
      reporting: 1,
      rows: [
        {
          repo: "webapp",
          environment: "staging",
          commit,
          deployment: deploymentId,
          variant: "colour=red",
          release: 14,
          wantedPercent: 90,
          observedPercent: 89.7,
          perSecond: 431.5,
          failedPerSecond: 0.2,
          p50Ms: 3.1,
          p95Ms: 12.5,
          p99Ms: 40,
          inFlight: 4,
          recent: [420, 431],
        },
      ],
    },
    result: {},
  },
};
