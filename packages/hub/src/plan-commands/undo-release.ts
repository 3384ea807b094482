/** Puts back what was before a release. */
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

export const undoRelease = defineCommand({
  name: "undo-release",
  summary:
    "Takes back what a release changed, waits until that is gone, and ends the release with its first reason.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would put back what ${named(words)} changed`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
