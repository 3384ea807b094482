/** Samples of what is told of a release's bytes on their way, with every optional field. */
import type { distributionMethods } from "../../src/index.js";
import type { SamplesOf } from "./samples.js";
import { at } from "./values.js";

export const distributionSamples: SamplesOf<keyof typeof distributionMethods> = {
  "hub.distribution": {
    params: { repo: "webapp", environment: "staging", release: 12 },
    part: {
      at: at + 2_000,
      since: at,
      drones: 12,
      done: 3,
      failed: 1,
      lagging: 1,
      artifactBytes: 1_048_576,
      bytes: 6_291_456,
      bytesAll: 12_582_912,
      bytesPerSecond: 3_145_728,
      hubSentBytes: 1_153_433,
      packing: { bytes: 65_536, bytesAll: 2_097_152 },
      over: false,
      rows: [
        {
          drone: "web-7",
          state: "failed",
          bytes: 0,
          bytesAll: 1_048_576,
          bytesPerSecond: 0,
          lags: true,
          reason: "nothing came from anybody for 60 s",
        },
      ],
      line: "1.0 MiB for each of 12 drones: 50 %, 3.0 MiB/s, 3 have it",
    },
    result: {},
  },
};
