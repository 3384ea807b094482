/**
 * Commits on disk:
 *
 *     repos/NAME.git           one bare repository for each repo, see bare-repositories.ts
 *     commits/NAME/SHA         the files of a commit, complete or not there at all
 *     commits/NAME/SHA.partial-XXXX, .scratch   being written; removed at the next start
 *     commits/NAME/SHA.unsynced    not yet known to be on disk, see durability.ts
 *     trash/                   what is being removed, see trash.ts
 */
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Log, namesIn, type Random, silentLog } from "@propagit/runtime";
import type { CommitWays } from "../commit-ways.js";
import { SharedWork } from "../shared-work.js";
import type { CheckedOut, CommitName, Commits, GitSource } from "../world.js";
import { BareRepositories } from "./bare-repositories.js";
import { writeFiles } from "./checkout.js";
import { diskError, withFreeSpace } from "./disk-error.js";
import { noteUnsynced, removeUnsynced, syncSoon, unsyncedSuffix } from "./durability.js";
import { Gate } from "../gate.js";
import { Trash } from "./trash.js";

/** Git runs that fetch or check out at the same time; more only makes each slower. A guess. */
const runsMax = 4;
const manifestBytesMax = 1024 * 1024;

export interface CommitsOptions {
  readonly packDelayMs?: number;
  /** Ways beside git; without them everything is fetched with git. */
  readonly ways?: CommitWays | undefined;
  readonly log?: Log;
}

export class GitCommits implements Commits {
  readonly repositories: BareRepositories;
  readonly trash: Trash;
  readonly #folder: string;
  readonly #random: Random;
  readonly #gate = new Gate(runsMax);
  readonly #fetching = new SharedWork();
  /** How many need a commit at this moment, by its checkout. */
  readonly #holders = new Map<string, number>();
  /** Checkouts that are being written. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Checkouts on their way into the trash. */
  readonly #leaving = new Map<string, Promise<unknown>>();

  /** @param folder the drone's data folder, which nobody else works in */
  constructor(folder: string, random: Random, options: CommitsOptions = {}) {
    const { packDelayMs, ways, log = silentLog } = options;
    this.#folder = join(folder, "commits");
    this.#random = random;
    this.trash = new Trash(join(folder, "trash"), random);
    const turn = <T>(signal: AbortSignal, work: () => Promise<T>) => this.#gate.pass(signal, work);
    this.repositories = new BareRepositories(join(folder, "repos"), {
      trash: this.trash,
      rules: { log, random, ways, turn },
      packDelayMs,
    });
  }

  /** Removes what an earlier life left half done. */
  async tidy(): Promise<void> {
    this.trash.empty();
    for (const repo of await namesIn(this.#folder)) {
      const folder = join(this.#folder, repo);
      await removeUnsynced(folder);
      for (const name of await namesIn(folder)) {
        if (name.includes(".partial-")) await removePartial(join(folder, name));
      }
    }
    await this.repositories.tidy();
  }

  fetch(name: CommitName, source: () => Promise<GitSource>, signal: AbortSignal): Promise<void> {
    return this.#holding(name, async () => {
      // The files are all that a start needs.
      if (await this.#isCheckedOut(name)) return;
      await this.#fetchOnce(name, source, signal);
    });
  }

  checkOut(name: CommitName, signal: AbortSignal): Promise<CheckedOut> {
    return this.#holding(name, async () => {
      const folder = this.#folderOf(name);
      while (!(await this.#isCheckedOut(name))) {
        // Services of one commit ask at the same moment: one writes, the others wait and look again.
        const other = this.#writing.get(folder);
        if (other) await other.catch(() => undefined);
        else await this.#writeAlone(name, folder, signal);
      }
      return { folder, manifest: await readManifest(folder) };
    });
  }

  /** Writes the files of a commit for somebody who may change them; whoever asks removes the folder. */
  copyTo(
    folder: string,
    name: CommitName,
    source: () => Promise<GitSource>,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#holding(name, async () => {
      await this.#fetchOnce(name, source, signal);
      await this.#gate.pass(signal, () =>
        this.repositories.work(name, (repo) =>
          this.#orNothing(folder, () => writeFiles({ repo, commit: name.commit, folder, signal })),
        ),
      );
    });
  }

  /** Whether the files of a commit are here. */
  async has(name: CommitName): Promise<boolean> {
    return this.#isCheckedOut(name);
  }

  /** Keeps a commit from being removed until what is returned is called. */
  hold(name: CommitName): () => void {
    const folder = this.#folderOf(name);
    this.#holders.set(folder, (this.#holders.get(folder) ?? 0) + 1);
    let isHeld = true;
    return () => {
      const left = (this.#holders.get(folder) ?? 0) - (isHeld ? 1 : 0);
      isHeld = false;
      if (left > 0) this.#holders.set(folder, left);
      else this.#holders.delete(folder);
    };
  }

  async keepOnly(names: readonly CommitName[]): Promise<readonly CommitName[]> {
    const wanted = new Set(names.map((name) => this.#folderOf(name)));
    const removed: CommitName[] = [];
    for (const name of await this.#checkedOut()) {
      const folder = this.#folderOf(name);
      if (wanted.has(folder) || this.#holders.has(folder)) continue;
      await this.#remove(folder);
      removed.push(name);
    }
    // Asked again: whoever came meanwhile holds what it needs.
    const held = [...this.#holders.keys()].map(nameOf);
    await this.repositories.keepOnly([...names, ...held]);
    return removed;
  }

  /** Two deploys of one commit, a build and its start: it is fetched once for all. */
  #fetchOnce(
    name: CommitName,
    source: () => Promise<GitSource>,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#fetching.join(this.#folderOf(name), signal, (whole) =>
      this.repositories.fetch({ name, source, signal: whole }),
    );
  }

  async #remove(folder: string): Promise<void> {
    const taken = this.trash.take(folder);
    this.#leaving.set(folder, taken);
    try {
      await taken;
      await rm(`${folder}${unsyncedSuffix}`, { force: true });
    } finally {
      this.#leaving.delete(folder);
    }
  }

  async #holding<T>(name: CommitName, action: () => Promise<T>): Promise<T> {
    const release = this.hold(name);
    try {
      await this.#leaving.get(this.#folderOf(name))?.catch(() => undefined);
      return await action();
    } finally {
      release();
    }
  }

  async #writeAlone(name: CommitName, folder: string, signal: AbortSignal): Promise<void> {
    const writing = this.#gate.pass(signal, () => this.#write(name, folder, signal));
    this.#writing.set(folder, writing);
    try {
      await writing;
    } finally {
      this.#writing.delete(folder);
    }
  }

  async #write(name: CommitName, folder: string, signal: AbortSignal): Promise<void> {
    const partial = `${folder}.partial-${this.#random.hex(8)}`;
    await this.repositories.work(name, (repo) =>
      this.#orNothing(partial, async () => {
        await writeFiles({ repo, commit: name.commit, folder: partial, signal });
        await noteUnsynced(folder);
        await rename(partial, folder);
        syncSoon(folder);
      }),
    );
  }

  /** Nothing half stays: what was written so far goes when the rest cannot be. */
  async #orNothing(folder: string, write: () => Promise<void>): Promise<void> {
    try {
      await mkdir(dirname(folder), { recursive: true });
      await write();
    } catch (thrown) {
      const error = await withFreeSpace(diskError(folder, thrown), dirname(folder));
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async #checkedOut(): Promise<readonly CommitName[]> {
    const all: CommitName[] = [];
    for (const repo of await namesIn(this.#folder)) {
      const commits = (await namesIn(join(this.#folder, repo))).filter((it) => !it.includes("."));
      all.push(...commits.map((commit) => ({ repo, commit })));
    }
    return all;
  }

  async #isCheckedOut(name: CommitName): Promise<boolean> {
    return (await stat(this.#folderOf(name)).catch(() => undefined))?.isDirectory() ?? false;
  }

  #folderOf({ repo, commit }: CommitName): string {
    return join(this.#folder, repo, commit);
  }
}

/** The commit of a checkout's path. */
function nameOf(folder: string): CommitName {
  const [repo = "", commit = ""] = folder.split("/").slice(-2);
  return { repo, commit };
}

async function readManifest(folder: string): Promise<string | undefined> {
  const path = join(folder, "package.json");
  try {
    const place = await stat(path);
    // A link in a commit may lead to a pipe, or to /dev/zero, which has no end.
    if (!place.isFile() || place.size > manifestBytesMax) return undefined;
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Of a drone that was killed git may still be writing into it: then again, for ten seconds. What is left after
 * that is in nobody's way, and goes with the next start.
 */
async function removePartial(folder: string): Promise<void> {
  const patience = { maxRetries: 20, retryDelay: 50 } as const;
  await rm(folder, { recursive: true, force: true, ...patience }).catch(() => undefined);
}
