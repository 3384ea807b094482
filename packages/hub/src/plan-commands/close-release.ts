/** Ends a release that gets no visitors by itself. */
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

export const closeRelease = defineCommand({
  name: "close-release",
  summary:
    "Makes a release ready that no visitors are sent to: it has its own URL, and its branch leads to it.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would end ${named(words)}, and leave visitors where they are`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
