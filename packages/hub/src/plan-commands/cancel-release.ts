/** The end of a release on its way. */
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

export const cancelRelease = defineCommand({
  name: "cancel-release",
  summary:
    "Ends a release that is on its way or waits for its turn, and puts back what it changed.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would cancel ${named(words)}, and put back what it changed`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
