/** What a push really did, seen in the refs afterwards, and where HEAD points then. */
import type { RepoName } from "@propagit/protocol";
import type { PushCommand } from "../core/push-commands.js";
import type { RefChange } from "../core/ref-change.js";
import type { GitRepositories } from "./git-repositories.js";

/** The commands that git carried out: those whose refs are now where they were wanted. */
export async function acceptedChanges(
  repositories: GitRepositories,
  repo: RepoName,
  commands: readonly PushCommand[],
): Promise<readonly RefChange[]> {
  if (commands.length === 0) return [];
  const names = commands.map(({ ref }) => ref).join("\n");
  const { stdout } = await repositories.git(repo, ["cat-file", "--batch-check"], `${names}\n`);
  const lines = stdout.split("\n");
  return commands.filter(({ newId }, at) => {
    const [id, type] = (lines[at] ?? "").split(" ");
    return type === "missing" ? newId === undefined : id === newId;
  });
}

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
