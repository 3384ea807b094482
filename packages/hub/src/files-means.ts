/** What the hub needs from outside for files: their repository, see `filesRepo`. */
import type { CommitHash } from "@propagit/protocol";
import type { HomeNames } from "./core/home-names.js";

export interface FilesMeans {
  /**
   * Keeps a commit that was pushed.
   *
   * @throws NO_COMMIT when it was not
   */
  keep(commit: CommitHash): Promise<void>;
  /** Refuses what `keep` would refuse, and writes nothing. @throws NO_COMMIT */
  check(commit: CommitHash): Promise<void>;
  /**
   * A commit with the same tree and, among its parents, the commit itself and one that a drone has: so that only
   * what differs travels, and nobody gets the history of all pushes. The same for the same two, and kept.
   */
  carrier(commit: CommitHash, base: CommitHash): Promise<CommitHash>;
  /** What a commit puts at the top of a home folder; undefined when that is too much. @throws NO_COMMIT */
  homeNames(commit: CommitHash): Promise<HomeNames | undefined>;
  /** Lets everything else go. */
  keepOnly(commits: ReadonlySet<string>, now: number): Promise<void>;
}
