/** Commands of a project's own on a drone: from the checkout of the commit that has them, in a process of their own. */
import { parseCommitHash, parseRepoName } from "@propagit/protocol";
import { runInProject, type ProjectCommands } from "@propagit/plan";
import type { DroneContext } from "../drone-part.js";
import type { GitCommits } from "./commits.js";

export function projectCommands(
  commits: GitCommits,
  { source, tidySoon }: Pick<DroneContext, "source" | "tidySoon">,
): ProjectCommands {
  return {
    async run({ code, ...task }, context) {
      // Names become parts of paths, whatever the hub did.
      const name = { repo: parseRepoName(code.repo), commit: parseCommitHash(code.commit) };
      const letGo = commits.hold(name);
      try {
        await commits.fetch(name, () => source(name.repo), context.signal);
        const { folder } = await commits.checkOut(name, context.signal);
        return await runInProject(folder, task, context);
      } finally {
        letGo();
        tidySoon();
      }
    },
  };
}
