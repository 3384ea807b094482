/**
 * The repository of files. What is pushed is a commit without parents; drones get it with the ones they have:
 *
 *     first push     A            drone fetches A
 *     second push    B            drone has A: fetches carrier(B, A), whose parents are B and A
 *     third push     C            drone has B: fetches carrier(C, B); of A nobody hears again
 */
import {
  filesIdentity,
  filesRefs,
  filesRepo,
  manifestName,
  parseCommitHash,
  PropagitError,
  shortCommit,
  type CommitHash,
} from "@propagit/protocol";
import { expiredIncoming } from "../core/files-push.js";
import { HomeNamesReader, type HomeNames } from "../core/home-names.js";
import type { FilesMeans } from "../files-means.js";
import type { GitRepositories } from "./git-repositories.js";

const keptRefs = "refs/propagit/deployed";

export class FilesRepository implements FilesMeans {
  readonly #repositories: GitRepositories;

  constructor(repositories: GitRepositories) {
    this.#repositories = repositories;
  }

  async keep(commit: CommitHash): Promise<void> {
    const isThere = this.#repositories.has(filesRepo);
    if (isThere && (await this.#repositories.kept.keep(filesRepo, commit))) return;
    throw notHere(commit);
  }

  async check(commit: CommitHash): Promise<void> {
    if (!this.#repositories.has(filesRepo)) throw notHere(commit);
    const args = ["cat-file", "-e", `${commit}^{commit}`];
    const { exitCode } = await this.#repositories.git(filesRepo, args);
    if (exitCode !== 0) throw notHere(commit);
  }

  async carrier(commit: CommitHash, base: CommitHash): Promise<CommitHash> {
    const args = ["commit-tree", `${commit}^{tree}`, "-p", commit, "-p", base, "-m", "Files"];
    const { exitCode, stdout, stderr } = await this.#repositories.git(filesRepo, args, {
      env: filesIdentity,
    });
    // What drones hold may be gone here, as after a loss of data: then they get everything.
    if (exitCode !== 0 && /not a valid|bad object|not a commit/i.test(stderr)) return commit;
    if (exitCode !== 0) throw new PropagitError("DATA_UNUSABLE", stderr.trim());
    const carrier = parseCommitHash(stdout.trim());
    await this.keep(carrier);
    return carrier;
  }

  async homeNames(commit: CommitHash): Promise<HomeNames | undefined> {
    if (!this.#repositories.has(filesRepo)) throw notHere(commit);
    const reader = new HomeNamesReader();
    const args = ["cat-file", "blob", `${commit}:${manifestName}`];
    const onOutput = (text: string) => reader.read(text);
    const { exitCode } = await this.#repositories.git(filesRepo, args, { onOutput });
    if (exitCode !== 0) throw notHere(commit);
    return reader.names;
  }

  async keepOnly(commits: ReadonlySet<string>, now: number): Promise<void> {
    if (!this.#repositories.has(filesRepo)) return;
    const kept = await this.#refs(keptRefs);
    const dropped = kept.filter((ref) => !commits.has(ref.slice(keptRefs.length + 1)));
    const expired = expiredIncoming(await this.#refs(filesRefs), now);
    const input = [...dropped, ...expired].map((ref) => `delete ${ref}\n`).join("");
    if (input === "") return;
    const args = ["update-ref", "--stdin"];
    const { exitCode, stderr } = await this.#repositories.git(filesRepo, args, { input });
    if (exitCode !== 0) throw new PropagitError("DATA_UNUSABLE", stderr.trim());
    this.#repositories.kept.letGo(filesRepo);
  }

  async #refs(prefix: string): Promise<readonly string[]> {
    const args = ["for-each-ref", "--format=%(refname)", prefix];
    const { stdout } = await this.#repositories.git(filesRepo, args);
    return stdout.split("\n").filter((ref) => ref !== "");
  }
}

function notHere(commit: CommitHash): PropagitError {
  return new PropagitError("NO_COMMIT", `files ${shortCommit(commit)} are not at this hub`, {
    hint: "push them once more; a plan that was written down is carried out within an hour: propagit plan files … --save",
  });
}
