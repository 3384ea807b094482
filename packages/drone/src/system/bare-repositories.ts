/**
 * Bare repositories, one for each repo:
 *
 *     repos/NAME.git    refs/propagit/SHA for every commit that was fetched whole
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CommitName, GitSource } from "../world.js";
import { diskError } from "./disk-error.js";
import { git } from "./git.js";

/** The user that drones are to git; the hub looks at the password. */
const fetchUser = "drone";
const fetchMsMax = 10 * 60_000;

export class BareRepositories {
  readonly #folder: string;
  /** Made once in this life; two that come first would else both make it. */
  readonly #made = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Removes the locks of a git that was killed: they would keep every later one out. */
  async tidy(): Promise<void> {
    for (const repo of await namesIn(this.#folder)) await removeLocks(join(this.#folder, repo));
  }

  /** Makes sure that the whole commit is here; asks for a source only when it is not. */
  async fetch(
    name: CommitName,
    source: () => Promise<GitSource>,
    signal: AbortSignal,
  ): Promise<void> {
    const repo = await this.open(name);
    if (await this.#isWhole(repo, name, signal)) return;
    const { url, password } = await source();
    await git(
      [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        // A push from a shallow clone, as continuous integration makes them, is one like any other.
        "--update-shallow",
        url,
        `+${name.commit}:${refOf(name)}`,
      ],
      {
        folder: repo,
        settings: password === undefined ? {} : { "http.extraHeader": basic(password) },
        signal,
        limitMs: fetchMsMax,
      },
    );
  }

  /** The path of a repository; made when it is not there, which git does again without harm. */
  open({ repo, commit }: CommitName): Promise<string> {
    const format = commit.length === 64 ? "sha256" : "sha1";
    const path = join(this.#folder, `${repo}.git`);
    const known = this.#made.get(path);
    if (known) return known;
    const made = init(path, format);
    this.#made.set(path, made);
    made.catch(() => this.#made.delete(path));
    return made;
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
    this.#made.delete(repo);
    await this.open(name);
    return false;
  }
}

async function init(path: string, format: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true });
  } catch (thrown) {
    throw diskError(path, thrown);
  }
  await git(["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, path], {
    folder: path,
  });
  return path;
}

/** Keeps the commit from being thought unreachable, and proves that its fetch was completed. */
function refOf({ commit }: CommitName): string {
  return `refs/propagit/${commit}`;
}

function basic(password: string): string {
  return `Authorization: Basic ${Buffer.from(`${fetchUser}:${password}`).toString("base64")}`;
}

async function removeLocks(repo: string): Promise<void> {
  const refs = join(repo, "refs", "propagit");
  const locks = (await namesIn(refs)).filter((name) => name.endsWith(".lock"));
  const own = ["config.lock", "packed-refs.lock", "shallow.lock", "HEAD.lock"];
  for (const path of [...locks.map((name) => join(refs, name)), ...own.map((n) => join(repo, n))]) {
    await rm(path, { force: true });
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
