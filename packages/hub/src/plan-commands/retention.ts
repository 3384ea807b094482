/** What retention does, and what it leaves alone. */
import { described, object, text } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import { exampleWords, named, neededWords, releaseWords } from "./kit/release-words.js";

export const reap = defineCommand({
  name: "reap",
  summary: "Stops and removes old releases, as their retention says.",
  args: object({ repo: described("The repository (all).", text({ max: 63 })) }),
  describe: ({ repo = "all repositories" }) =>
    `would stop and remove releases of ${repo} that nothing needs any more`,
  run: byHub,
  example: { repo: "webapp" },
});

export const pin = defineCommand({
  name: "pin",
  summary: "Keeps a release, whatever retention says.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would keep ${named(words)} from retention`,
  run: byHub,
  undo: (words) => [{ command: "unpin", ...words }],
  example: exampleWords,
});

export const unpin = defineCommand({
  name: "unpin",
  summary: "Leaves a pinned release to retention again.",
  args: object(releaseWords, neededWords),
  describe: (words) => `would leave ${named(words)} to retention`,
  run: byHub,
  undo: (words) => [{ command: "pin", ...words }],
  example: exampleWords,
});
