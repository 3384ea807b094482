/** Waits for what a release started. */
import { object } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { droneWords, whichDrones } from "./kit/drone-words.js";
import {
  exampleWords,
  named,
  neededWords,
  releaseTimeoutMs,
  releaseWords,
} from "./kit/release-words.js";

export const waitHealthy = defineCommand({
  name: "wait-healthy",
  summary:
    "Waits until a release is ready on drones, services in the order of their `after`; fails when one of them fails for good, or takes too long.",
  args: object({ ...releaseWords, ...droneWords }, neededWords),
  describe: ({ drones, ...words }) =>
    `would wait until ${named(words)} is ready on ${whichDrones(drones)}`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
