/**
 * Commits on disk:
 *
 *     repos/NAME.git           one bare repository for each repo
 *     commits/NAME/SHA         the files of a commit, complete or not there at all
 *     commits/NAME/SHA.partial-XXXX, .index   being written; removed at the next start
 *     commits/NAME/SHA.unsynced    not yet known to be on disk, see durability.ts
 */
import { mkdir, readdir, readFile, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, type Random } from "@propagit/runtime";
import type { CheckedOut, CommitName, Commits, GitSource } from "../world.js";
import { noteUnsynced, removeUnsynced, syncSoon } from "./durability.js";
import { Gate } from "./gate.js";
import { git } from "./git.js";

/** The user that drones are to git; the hub looks at the password. */
const fetchUser = "drone";
const fetchMsMax = 10 * 60_000;
const checkOutMsMax = 10 * 60_000;
/** Git runs that fetch or check out at the same time; more only makes each slower. A guess. */
const runsMax = 4;
const manifestBytesMax = 1024 * 1024;

export class GitCommits implements Commits {
  readonly #folder: string;
  readonly #random: Random;
  readonly #gate = new Gate(runsMax);
  /** Made once in this life; two that come first would else both make it. */
  readonly #repos = new Map<string, Promise<string>>();

  constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#random = random;
  }

  /** Removes what an earlier life left half done. Nobody else works in the folder: it is locked. */
  async tidy(): Promise<void> {
    const commits = join(this.#folder, "commits");
    for (const repo of await namesIn(commits)) {
      await removeUnsynced(join(commits, repo));
      const names = await namesIn(join(commits, repo));
      for (const name of names.filter((name) => name.includes(".partial-"))) {
        await rm(join(commits, repo, name), { recursive: true, force: true });
      }
    }
    const repos = join(this.#folder, "repos");
    for (const repo of await namesIn(repos)) await removeLocks(join(repos, repo));
  }

  async fetch(
    name: CommitName,
    source: () => Promise<GitSource>,
    signal: AbortSignal,
  ): Promise<void> {
    if (await this.#isCheckedOut(name)) return;
    await this.#gate.pass(signal, async () => {
      const repo = await this.#repo(name);
      if (await this.#isWhole(repo, name, signal)) return;
      const { url, password } = await source();
      const ref = refOf(name);
      await git(
        // A push from a shallow clone, as continuous integration makes them, is a commit like any other.
        [
          "fetch",
          "--quiet",
          "--no-tags",
          "--no-write-fetch-head",
          "--update-shallow",
          url,
          `+${name.commit}:${ref}`,
        ],
        {
          folder: repo,
          settings: password === undefined ? {} : { "http.extraHeader": basic(password) },
          signal,
          limitMs: fetchMsMax,
        },
      );
    });
  }

  async checkOut(name: CommitName, signal: AbortSignal): Promise<CheckedOut> {
    const folder = this.#folderOf(name);
    if (!(await this.#isCheckedOut(name))) {
      await this.#gate.pass(signal, () => this.#write(name, folder, signal));
    }
    return { folder, manifest: await readManifest(folder) };
  }

  async #write(name: CommitName, folder: string, signal: AbortSignal): Promise<void> {
    const repo = await this.#repo(name);
    const partial = `${folder}.partial-${this.#random.hex(8)}`;
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
      const error = await withFreeSpace(unusable(folder, thrown), this.#folder);
      await rm(partial, { recursive: true, force: true });
      throw error;
    } finally {
      await rm(index, { force: true });
    }
  }

  /** The bare repository; made when it is not there, which git does again without harm. */
  #repo({ repo, commit }: CommitName): Promise<string> {
    const format = commit.length === 64 ? "sha256" : "sha1";
    const path = join(this.#folder, "repos", `${repo}.git`);
    const known = this.#repos.get(path);
    if (known) return known;
    const made = this.#init(path, format);
    this.#repos.set(path, made);
    made.catch(() => this.#repos.delete(path));
    return made;
  }

  async #init(path: string, format: string): Promise<string> {
    try {
      await mkdir(path, { recursive: true });
    } catch (thrown) {
      throw unusable(path, thrown);
    }
    await git(["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, path], {
      folder: path,
    });
    return path;
  }

  /**
   * Whether the commit and every file of it are here. A repository that says it has a commit and then
   * lacks a part of it (after a power cut) cannot be mended by fetching: it is made anew.
   */
  async #isWhole(repo: string, name: CommitName, signal: AbortSignal): Promise<boolean> {
    const run = { folder: repo, signal };
    const isThere = await succeeds(git(["rev-parse", "--quiet", "--verify", refOf(name)], run));
    if (!isThere) return false;
    const walk = ["rev-list", "--objects", "--no-walk", "--quiet", name.commit];
    if (await succeeds(git(walk, run))) return true;
    signal.throwIfAborted();
    await rm(repo, { recursive: true, force: true });
    this.#repos.delete(repo);
    await this.#repo(name);
    return false;
  }

  async #isCheckedOut(name: CommitName): Promise<boolean> {
    return (await stat(this.#folderOf(name)).catch(() => undefined))?.isDirectory() ?? false;
  }

  #folderOf({ repo, commit }: CommitName): string {
    return join(this.#folder, "commits", repo, commit);
  }
}

/** Keeps the commit from being thought unreachable, and proves that its fetch was completed. */
function refOf({ commit }: CommitName): string {
  return `refs/propagit/${commit}`;
}

function basic(password: string): string {
  return `Authorization: Basic ${Buffer.from(`${fetchUser}:${password}`).toString("base64")}`;
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

/** A git that was killed leaves its locks, which would keep every later one out. */
async function removeLocks(repo: string): Promise<void> {
  const refs = join(repo, "refs", "propagit");
  const locks = (await namesIn(refs)).filter((name) => name.endsWith(".lock"));
  const own = ["config.lock", "packed-refs.lock", "shallow.lock", "HEAD.lock"];
  for (const path of [...locks.map((name) => join(refs, name)), ...own.map((n) => join(repo, n))]) {
    await rm(path, { force: true });
  }
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/** How full the disk is, where that may be the reason. */
async function withFreeSpace(failure: PropagitError, folder: string): Promise<PropagitError> {
  const space = await statfs(folder).catch(() => undefined);
  if (failure.code !== "DATA_UNUSABLE" || !space) return failure;
  const megabytes = Math.floor((space.bavail * space.bsize) / 2 ** 20);
  return new PropagitError(failure.code, `${failure.message}; ${megabytes} MB of disk are free`, {
    cause: failure,
  });
}

function unusable(path: string, thrown: unknown): PropagitError {
  if (thrown instanceof PropagitError) return thrown;
  const reason = errnoOf(thrown) ?? String(thrown);
  return new PropagitError("DATA_UNUSABLE", `${path} cannot be written: ${reason}`, {
    cause: thrown,
  });
}
