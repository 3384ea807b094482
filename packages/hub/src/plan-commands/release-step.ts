/** Runs the release command, of which nobody can know how far it came when its drone is lost. */
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

export const releaseStep = defineCommand({
  name: "release-step",
  summary: "Runs the release command of a manifest, such as a migration, on one drone and once.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would run the release command of ${named(words)}`,
  run: byHub,
  once: true,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
