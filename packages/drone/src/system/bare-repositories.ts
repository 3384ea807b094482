/**
 * Bare repositories, one for each repo:
 *
 *     repos/NAME.git    refs/propagit/SHA for every commit that was fetched whole
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Log, namesIn, type Random } from "@propagit/runtime";
import { bringCommit, type CommitPlace, type CommitWays } from "../commit-ways.js";
import type { CommitName, GitSource } from "../world.js";
import { diskError } from "./disk-error.js";
import { git } from "./git.js";
import { importPack, removeIncoming } from "./pack-import.js";
import {
  forgetCommits,
  keptCommits,
  newestCommits,
  packRepository,
  refPrefix,
} from "./repository-upkeep.js";
import type { Trash } from "./trash.js";
import { WorkLock } from "./work-lock.js";

/** The user that drones are to git; the hub looks at the password. */
const gitUser = "drone";
const fetchMsMax = 10 * 60_000;
/** From the moment that commits were forgotten until their objects go: several go together. A guess. */
const packDelayMsDefault = 60_000;
const suffix = ".git";
/** Commits of a repository that the hub is told of, as the protocol bounds them. */
const haveMax = 64;

/** How commits get into repositories. */
export interface FetchRules {
  readonly log: Log;
  readonly random: Random;
  /** Undefined: always with git. */
  readonly ways: CommitWays | undefined;
  /** Work of git, one after the other where there is much of it. */
  readonly turn: <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
}

export interface RepositoriesOptions {
  readonly trash: Trash;
  readonly rules: FetchRules;
  readonly packDelayMs?: number | undefined;
}

export interface FetchRequest {
  readonly name: CommitName;
  readonly source: () => Promise<GitSource>;
  readonly signal: AbortSignal;
}

export class BareRepositories {
  readonly #folder: string;
  readonly #trash: Trash;
  readonly #rules: FetchRules;
  readonly #packDelayMs: number;
  /** Made once in this life; two that come first would else both make it. */
  readonly #made = new Map<string, Promise<string>>();
  readonly #locks = new Map<string, WorkLock>();
  readonly #packing = new Map<string, NodeJS.Timeout>();

  constructor(
    folder: string,
    { trash, rules, packDelayMs = packDelayMsDefault }: RepositoriesOptions,
  ) {
    this.#folder = folder;
    this.#trash = trash;
    this.#rules = rules;
    this.#packDelayMs = packDelayMs;
  }

  /** Removes what a git that was killed left: locks keep every later one out, half packs only fill the disk. */
  async tidy(): Promise<void> {
    for (const repo of await namesIn(this.#folder)) {
      await removeLocks(join(this.#folder, repo));
      await removeHalfPacks(join(this.#folder, repo, "objects", "pack"));
      await removeIncoming(join(this.#folder, repo));
    }
  }

  /** Makes sure that the whole commit is here; asks for ways and sources only when it is not. */
  fetch(request: FetchRequest): Promise<void> {
    const { name, signal } = request;
    const { ways, log, turn } = this.#rules;
    return this.work(name, async (repo) => {
      if (await turn(signal, () => this.#isWhole(repo, name, signal))) return;
      await bringCommit(name, ways, { place: this.#placeOf(repo, request), log, signal });
    });
  }

  /** Does something with the repository of a commit, which nobody clears up or removes meanwhile. */
  work<T>(name: CommitName, action: (repo: string) => Promise<T>): Promise<T> {
    return this.#lockOf(name.repo).work(async () => action(await this.#open(name)));
  }

  /**
   * Forgets all commits but these; a repository without any is removed. One that somebody works in is left
   * for the next time.
   */
  async keepOnly(names: readonly CommitName[]): Promise<void> {
    for (const file of await namesIn(this.#folder)) {
      const repo = file.slice(0, -suffix.length);
      const wanted = new Set(names.filter((it) => it.repo === repo).map(({ commit }) => commit));
      await this.#lockOf(repo).clean(() => this.#forget(repo, wanted));
    }
  }

  /** Ends housekeeping; what is not done is done in the next life. */
  stop(): void {
    for (const timer of this.#packing.values()) clearTimeout(timer);
    this.#packing.clear();
  }

  async #forget(repo: string, wanted: ReadonlySet<string>): Promise<void> {
    const path = join(this.#folder, `${repo}${suffix}`);
    const kept = await keptCommits(path).catch(() => undefined);
    // What git cannot read is mended by the next fetch.
    if (kept === undefined) return;
    const others = kept.filter((commit) => !wanted.has(commit));
    if (wanted.size === 0) {
      this.#made.delete(path);
      await this.#trash.take(path);
    } else if (others.length > 0) {
      await forgetCommits(path, others);
      this.#packLater(repo, path);
    }
  }

  #placeOf(repo: string, { name, source, signal }: FetchRequest): CommitPlace {
    const { random, turn } = this.#rules;
    return {
      have: () => newestCommits(repo, haveMax),
      take: (commit, pack) =>
        turn(signal, () => importPack({ repo, commit, pack, random, signal })),
      fetchWithGit: () =>
        turn(signal, async () => fetchWithGit(repo, name, await source(), signal)),
    };
  }

  #packLater(repo: string, path: string): void {
    if (this.#packing.has(repo)) return;
    const pack = () => {
      this.#packing.delete(repo);
      // Somebody works there, or came meanwhile: then it is done some time after.
      void this.#lockOf(repo)
        .clean((signal) => packRepository(path, signal))
        .catch(() => true)
        .then((isDone) => isDone || this.#packLater(repo, path));
    };
    this.#packing.set(repo, setTimeout(pack, this.#packDelayMs).unref());
  }

  #lockOf(repo: string): WorkLock {
    const known = this.#locks.get(repo) ?? new WorkLock();
    this.#locks.set(repo, known);
    return known;
  }

  /** The path of a repository; made when it is not there, which git does again without harm. */
  #open({ repo, commit }: CommitName): Promise<string> {
    const format = commit.length === 64 ? "sha256" : "sha1";
    const path = join(this.#folder, `${repo}${suffix}`);
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
    await this.#open(name);
    return false;
  }
}

async function fetchWithGit(
  repo: string,
  name: CommitName,
  { url, password }: GitSource,
  signal: AbortSignal,
): Promise<void> {
  const flags = ["--quiet", "--no-tags", "--no-write-fetch-head"];
  // A push from a shallow clone, as continuous integration makes them, is one like any other.
  const args = ["fetch", ...flags, "--update-shallow", url, `+${name.commit}:${refOf(name)}`];
  const settings = passwordSettings(password);
  await git(args, { folder: repo, settings, signal, limitMs: fetchMsMax });
}

/** Keeps the commit from being thought unreachable, and proves that its fetch was completed. */
export function refOf({ commit }: Pick<CommitName, "commit">): string {
  return `${refPrefix}${commit}`;
}

/** The password travels as a setting: in an URL it would be seen by whoever lists processes. */
export function passwordSettings(password: string | undefined): Readonly<Record<string, string>> {
  if (password === undefined) return {};
  const shown = Buffer.from(`${gitUser}:${password}`).toString("base64");
  return { "http.extraHeader": `Authorization: Basic ${shown}` };
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

async function removeLocks(repo: string): Promise<void> {
  const refs = join(repo, refPrefix);
  const locks = (await namesIn(refs)).filter((name) => name.endsWith(".lock"));
  const own = ["config.lock", "packed-refs.lock", "shallow.lock", "HEAD.lock", "gc.pid"];
  for (const path of [...locks.map((name) => join(refs, name)), ...own.map((n) => join(repo, n))]) {
    await rm(path, { force: true });
  }
}

async function removeHalfPacks(folder: string): Promise<void> {
  const left = (await namesIn(folder)).filter(
    (it) => it.startsWith("tmp_") || it.endsWith(".keep"),
  );
  for (const name of left) await rm(join(folder, name), { force: true });
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
