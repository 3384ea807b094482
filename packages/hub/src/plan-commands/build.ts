/** Builds the commit of a release, once for all drones. */
import { object } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import {
  exampleWords,
  named,
  neededWords,
  releaseTimeoutMs,
  releaseWords,
} from "./kit/release-words.js";

export const buildRelease = defineCommand({
  name: "build",
  summary: "Builds a release on a drone that fits, unless that was done already.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would build ${named(words)}`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
