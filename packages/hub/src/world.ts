/** What the hub needs from outside. */
import type { CommitHash, ReleaseDifference, RepoName } from "@propagit/protocol";
import type { World } from "@propagit/runtime";
import type { Store } from "@propagit/store";
import type { Swarm } from "@propagit/swarm";
import type { Artifacts } from "./artifacts.js";
import type { CertificateMeans } from "./certificate-means.js";
import type { FilesMeans } from "./files-means.js";
import type { PlanMeans } from "./plan-means.js";

export interface HubWorld extends World {
  /** Of this hub alone while it runs; `Ledger` keeps a copy in memory. */
  readonly store: Store;
  /** Hides settings in the ledger; of this hub alone, and never in it. */
  readonly settingsKey: string;
  readonly repositories: Repositories;
  /** Without them no hosts get certificates from here. */
  readonly certificates?: CertificateMeans;
  /** Without them no files are pushed through here. */
  readonly files?: FilesMeans;
  /** For the plans that are carried out here, those of releases among them. */
  readonly plans: PlanMeans;
  /** Without it every commit travels with git. */
  readonly swarm?: SwarmMeans;
}

export interface SwarmMeans {
  readonly artifacts: Artifacts;
  /** The hub's own part in artifacts. */
  readonly swarm: Pick<Swarm, "offer" | "share">;
  /** Where it takes those who want pieces: the one of sessions. */
  readonly port: number;
}

/** What was pushed, as the hub needs to know it: bare git repositories in `system/`. */
export interface Repositories {
  /**
   * The commit that a user means; the order in which names are tried is in `core/reference.ts`.
   *
   * @throws NO_REPO, NO_COMMIT, AMBIGUOUS with the candidates
   */
  resolve(repo: RepoName, ref: string): Promise<CommitHash>;
  /** The branch that such a name means; undefined when it means anything else, or nothing. */
  branchNamed(repo: RepoName, ref: string): Promise<string | undefined>;
  /**
   * Keeps a commit for good, whatever happens to its branches. Doing it twice is the same.
   *
   * @throws NO_COMMIT
   */
  keep(repo: RepoName, commit: CommitHash): Promise<void>;
  /** Nobody needs the commit any more; it goes when nothing else holds it. */
  release(repo: RepoName, commit: CommitHash): Promise<void>;
  /** Text files of a commit by path: those of the wanted that are there and not over 1 MiB. */
  read(
    repo: RepoName,
    commit: CommitHash,
    paths: readonly string[],
  ): Promise<ReadonlyMap<string, string>>;
  /** First line of the message, and who wrote it when (ms since 1970). */
  describe(repo: RepoName, commit: CommitHash): Promise<CommitDescription>;
  /** What lies between two commits, as `git log` and `git diff --raw` tell it. */
  compare(repo: RepoName, from: CommitHash, to: CommitHash): Promise<Comparison>;
  /** Bytes of a commit's files, for the question whether they fit. */
  sizeOf(repo: RepoName, commit: CommitHash): Promise<number>;
  /** What builds made, by artifact: the commit that it was made from. */
  artifacts(repo: RepoName): Promise<ReadonlyMap<CommitHash, CommitHash>>;
  /** Nobody needs these artifacts any more; those that are not there are none. */
  releaseArtifacts(repo: RepoName, artifacts: ReadonlySet<CommitHash>): Promise<void>;
}

export interface CommitDescription {
  readonly subject: string;
  readonly author: string;
  readonly at: number;
}

export type Comparison = Pick<ReleaseDifference, "commits" | "files" | "more">;
