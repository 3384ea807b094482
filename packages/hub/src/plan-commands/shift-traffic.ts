/** Ends a release that is there: ready, and with its visitors, in one write. */
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

export const shiftTraffic = defineCommand({
  name: "shift-traffic",
  summary:
    "Waits until every proxy sees a release, then makes it ready and sends visitors to it, as its manifest says.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would send visitors to ${named(words)}`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: exampleWords,
});
