/** Has drones run a release. */
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

export const startRelease = defineCommand({
  name: "start",
  summary: "Wants a release to run on drones; those that fit begin to fetch and start it.",
  args: object({ ...releaseWords, ...droneWords }, neededWords),
  describe: ({ drones, ...words }) => `would start ${named(words)} on ${whichDrones(drones)}`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
