import { PropagitError, type CommitHash, type RepoName } from "@propagit/protocol";
import type { Repositories } from "../../src/index.js";

/** Commits by repository, known by hash, prefix or the name they were given. */
export class SimRepositories implements Repositories {
  readonly kept = new Set<string>();
  readonly #commits = new Map<string, Map<string, string>>();

  push(repo: string, name: string, commit: string): void {
    const names = this.#commits.get(repo) ?? new Map<string, string>();
    this.#commits.set(repo, names.set(name, commit));
  }

  async resolve(repo: RepoName, ref: string): Promise<CommitHash> {
    const names = this.#commits.get(repo);
    if (!names) throw new PropagitError("NO_REPO", `the hub has no repository "${repo}"`);
    const named = names.get(ref);
    const fitting = [...new Set(names.values())].filter((commit) => commit.startsWith(ref));
    const [found] = named === undefined ? fitting : [named];
    if (found === undefined) throw new PropagitError("NO_COMMIT", `${repo} has no "${ref}"`);
    if (named === undefined && fitting.length > 1) {
      throw new PropagitError("AMBIGUOUS", `"${ref}" fits several commits: ${fitting.join(", ")}`);
    }
    return found as CommitHash;
  }

  async keep(repo: RepoName, commit: CommitHash): Promise<void> {
    this.kept.add(`${repo}/${commit}`);
  }

  async release(repo: RepoName, commit: CommitHash): Promise<void> {
    this.kept.delete(`${repo}/${commit}`);
  }
}
