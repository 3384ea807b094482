/**
 * Commits on disk:
 *
 *     repos/NAME.git           one bare repository for each repo, see bare-repositories.ts
 *     commits/NAME/SHA         the files of a commit, complete or not there at all
 *     commits/NAME/SHA.partial-XXXX, .index   being written; removed at the next start
 *     commits/NAME/SHA.unsynced    not yet known to be on disk, see durability.ts
 */
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "@propagit/runtime";
import type { CheckedOut, CommitName, Commits, GitSource } from "../world.js";
import { BareRepositories } from "./bare-repositories.js";
import { diskError, withFreeSpace } from "./disk-error.js";
import { noteUnsynced, removeUnsynced, syncSoon } from "./durability.js";
import { Gate } from "./gate.js";
import { git } from "./git.js";

const checkOutMsMax = 10 * 60_000;
/** Git runs that fetch or check out at the same time; more only makes each slower. A guess. */
const runsMax = 4;
const manifestBytesMax = 1024 * 1024;

export class GitCommits implements Commits {
  readonly #folder: string;
  readonly #random: Random;
  readonly #repositories: BareRepositories;
  readonly #gate = new Gate(runsMax);

  /** @param folder the drone's data folder, which nobody else works in */
  constructor(folder: string, random: Random) {
    this.#folder = join(folder, "commits");
    this.#random = random;
    this.#repositories = new BareRepositories(join(folder, "repos"));
  }

  /** Removes what an earlier life left half done. */
  async tidy(): Promise<void> {
    for (const repo of await namesIn(this.#folder)) {
      const folder = join(this.#folder, repo);
      await removeUnsynced(folder);
      for (const name of await namesIn(folder)) {
        if (name.includes(".partial-")) await rm(join(folder, name), { recursive: true });
      }
    }
    await this.#repositories.tidy();
  }

  async fetch(
    name: CommitName,
    source: () => Promise<GitSource>,
    signal: AbortSignal,
  ): Promise<void> {
    // The files are all that a start needs.
    if (await this.#isCheckedOut(name)) return;
    await this.#gate.pass(signal, () => this.#repositories.fetch(name, source, signal));
  }

  async checkOut(name: CommitName, signal: AbortSignal): Promise<CheckedOut> {
    const folder = this.#folderOf(name);
    if (!(await this.#isCheckedOut(name))) {
      await this.#gate.pass(signal, () => this.#write(name, folder, signal));
    }
    return { folder, manifest: await readManifest(folder) };
  }

  async #write(name: CommitName, folder: string, signal: AbortSignal): Promise<void> {
    const repo = await this.#repositories.open(name);
    const partial = `${folder}.partial-${this.#random.hex(8)}`;
    // An index of its own: two checkouts of one repository never meet.
    const index = `${partial}.index`;
    const run = {
      folder: partial,
      environment: { GIT_DIR: repo, GIT_WORK_TREE: partial, GIT_INDEX_FILE: index },
      signal,
      limitMs: checkOutMsMax,
    };
    try {
      await mkdir(partial, { recursive: true });
      await git(["read-tree", name.commit], run);
      await git(["checkout-index", "--all", "--quiet"], run);
      await noteUnsynced(folder);
      await rename(partial, folder);
      syncSoon(folder);
    } catch (thrown) {
      const error = await withFreeSpace(diskError(folder, thrown), this.#folder);
      await rm(partial, { recursive: true, force: true });
      throw error;
    } finally {
      await rm(index, { force: true });
    }
  }

  async #isCheckedOut(name: CommitName): Promise<boolean> {
    return (await stat(this.#folderOf(name)).catch(() => undefined))?.isDirectory() ?? false;
  }

  #folderOf({ repo, commit }: CommitName): string {
    return join(this.#folder, repo, commit);
  }
}

async function readManifest(folder: string): Promise<string | undefined> {
  const path = join(folder, "package.json");
  try {
    const { size } = await stat(path);
    return size > manifestBytesMax ? undefined : await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
