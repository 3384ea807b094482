/** Where HEAD of a repository points after a push. */
import type { RepoName } from "@propagit/protocol";
import type { RefChange } from "../core/ref-change.js";
import type { GitRepositories } from "./git-repositories.js";

/** Points HEAD to a branch that exists: the first one pushed, or any when that is gone again. */
export async function pointHead(
  repositories: GitRepositories,
  repo: RepoName,
  changes: readonly RefChange[],
): Promise<void> {
  const head = await repositories.git(repo, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  if (head.exitCode === 0) return;
  const pushed = changes.find(({ ref, newId }) => ref.startsWith("refs/heads/") && newId)?.ref;
  const branch = pushed ?? (await anyBranch(repositories, repo));
  if (branch) await repositories.git(repo, ["symbolic-ref", "HEAD", branch]);
}

async function anyBranch(repositories: GitRepositories, repo: RepoName): Promise<string> {
  const args = ["for-each-ref", "--count=1", "--sort=-committerdate", "--format=%(refname)"];
  const { stdout } = await repositories.git(repo, [...args, "refs/heads"]);
  return stdout.trim();
}
