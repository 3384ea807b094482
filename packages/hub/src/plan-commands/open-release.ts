/** The first step of a release: its turn has come. */
import { shortCommit } from "@propagit/protocol";
import { choice, described, object, text, whole, yesNo } from "@propagit/shapes";
import { defineCommand } from "@propagit/plan";
import { byHub } from "./kit/by-hub.js";
import {
  exampleWords,
  named,
  neededWords,
  releaseTimeoutMs,
  releaseWords,
} from "./kit/release-words.js";

const commitPattern = "^(?:[0-9a-f]{40}|[0-9a-f]{64})$";

export const openRelease = defineCommand({
  name: "open-release",
  summary: "Begins a release that the hub has accepted: what it is to run is written down.",
  args: object(
    {
      ...releaseWords,
      kind: described("What made it.", choice("deploy", "rollback", "config", "scale")),
      commit: described("The commit that it runs, whole.", text({ pattern: commitPattern })),
      deployment: described("The id of what is to run.", text({ max: 64 })),
      from: described("The release that a rollback goes back to.", whole(1, 99_999_999)),
      promote: described("Whether visitors are sent to it; default: as its manifest says.", yesNo),
    },
    [...neededWords, "kind", "commit", "deployment"],
  ),
  describe: ({ commit, ...words }) => `would begin ${named(words)}, ${shortCommit(commit)}`,
  run: byHub,
  timeoutMs: releaseTimeoutMs,
  example: {
    ...exampleWords,
    kind: "deploy",
    commit: "74336bc1db98478e02e69f59e7100895be207389",
    deployment: "0f4c1d2b3a495867",
  },
});
