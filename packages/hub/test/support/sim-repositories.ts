import { PropagitError, type CommitHash, type RepoName } from "@propagit/protocol";
import type { CommitDescription, Comparison } from "../../src/world.js";
import type { Repositories } from "../../src/index.js";

/** Commits by repository, known by hash, prefix or the name they were given. */
export class SimRepositories implements Repositories {
  readonly kept = new Set<string>();
  /** By artifact: what it was made from. */
  readonly built = new Map<CommitHash, CommitHash>();
  readonly #commits = new Map<string, Map<string, string>>();
  readonly #files = new Map<string, ReadonlyMap<string, string>>();

  push(
    repo: string,
    name: string,
    commit: string,
    files: Readonly<Record<string, string>> = {},
  ): void {
    const names = this.#commits.get(repo) ?? new Map<string, string>();
    this.#commits.set(repo, names.set(name, commit));
    this.#files.set(`${repo}/${commit}`, new Map(Object.entries(files)));
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

  async branchNamed(repo: RepoName, ref: string): Promise<string | undefined> {
    return this.#commits.get(repo)?.has(ref) ? ref : undefined;
  }

  async keep(repo: RepoName, commit: CommitHash): Promise<void> {
    this.kept.add(`${repo}/${commit}`);
  }

  async release(repo: RepoName, commit: CommitHash): Promise<void> {
    this.kept.delete(`${repo}/${commit}`);
  }

  async read(
    repo: RepoName,
    commit: CommitHash,
    paths: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const files = this.#files.get(`${repo}/${commit}`) ?? new Map<string, string>();
    return new Map([...files].filter(([path]) => paths.includes(path)));
  }

  async describe(_: RepoName, commit: CommitHash): Promise<CommitDescription> {
    return { subject: `commit ${commit.slice(0, 7)}`, author: "ann", at: 1_000 };
  }

  async compare(): Promise<Comparison> {
    return { commits: [], files: [], more: false };
  }

  async sizeOf(): Promise<number> {
    return 1_000;
  }

  async artifacts(): Promise<ReadonlyMap<CommitHash, CommitHash>> {
    return this.built;
  }

  async releaseArtifacts(_: RepoName, artifacts: ReadonlySet<CommitHash>): Promise<void> {
    for (const artifact of artifacts) this.built.delete(artifact);
  }
}
