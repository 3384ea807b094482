/** The hub's repository of files in the simulator: what was pushed, which outlives the hub. */
import { PropagitError, type CommitHash } from "@propagit/protocol";
import type { HomeNames } from "../../src/core/home-names.js";
import type { FilesMeans } from "../../src/files-means.js";

export class SimFiles implements FilesMeans {
  /** What a client has brought. */
  readonly pushed = new Set<string>();
  readonly kept = new Set<string>();
  /** By commit: what it puts into a home folder. */
  readonly names = new Map<string, HomeNames>();
  /** How often it was asked to keep something. */
  asked = 0;

  async keep(commit: CommitHash): Promise<void> {
    this.asked += 1;
    await this.check(commit);
    this.kept.add(commit);
  }

  async check(commit: CommitHash): Promise<void> {
    if (this.pushed.has(commit)) return;
    throw new PropagitError("NO_COMMIT", `files ${commit.slice(0, 7)} were not pushed`);
  }

  carrier(commit: CommitHash): Promise<CommitHash> {
    return Promise.resolve(commit);
  }

  homeNames(commit: CommitHash): Promise<HomeNames | undefined> {
    return Promise.resolve(this.names.get(commit));
  }

  async keepOnly(commits: ReadonlySet<string>): Promise<void> {
    for (const commit of this.kept) if (!commits.has(commit)) this.kept.delete(commit);
  }
}
