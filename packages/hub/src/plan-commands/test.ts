/** Tests what a release is going to run. */
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

export const testRelease = defineCommand({
  name: "test",
  summary:
    "Runs the test command of a release on a drone that fits, unless what it runs was tested before.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would test ${named(words)}`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
