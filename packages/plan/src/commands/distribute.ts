/** Brings a commit to a drone ahead of its use. */
import { PropagitError, shortCommit } from "@propagit/protocol";
import { described, object } from "@propagit/shapes";
import type { CommandContext, CommitMeans } from "../command.js";
import { commitHash, repoName } from "../core/plan-words.js";
import { defineCommand } from "../define-command.js";

export const commitFields = {
  repo: described("A repository of the hub.", repoName),
  commit: described("One of its commits, in full.", commitHash),
};

export const distribute = defineCommand({
  name: "distribute",
  summary: "Has the drone fetch a commit and check it out, ahead of its use.",
  args: object(commitFields, ["repo", "commit"]),
  describe: ({ repo, commit }) => `would fetch ${repo} ${shortCommit(commit)} and check it out`,
  run: ({ repo, commit }, context) =>
    commitsOf(context).distribute({ repo, commit, signal: context.signal }),
  onDroneOnly: true,
  needsNoUndo: true,
  example: { repo: "shop", commit: "8f1dd1a2f0d8bbf9c2d1b7f3c1e0a4f6b5d3c2e1" },
});

/** @throws TASK_REFUSED where no drone is */
export function commitsOf({ means, host }: CommandContext): CommitMeans {
  if (means.commits) return means.commits;
  throw new PropagitError("TASK_REFUSED", `${host.name} is no drone, and has no commits`, {
    hint: "name a `drone` in the task",
  });
}
