/**
 * Folders that tasks work in, apart from the checkouts that instances share:
 *
 *     builds/REPO/ID           files of the commit, and what the task makes of them
 *     builds/REPO/cache/N      folders that the last build of this repo left for the next; N is a hash
 */
import { createHash } from "node:crypto";
import { lstat, mkdir, realpath, rename } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { errnoOf, namesIn } from "@propagit/runtime";
import type { TaskFolders } from "../task-world.js";
import type { CommitName, GitSource } from "../world.js";
import { scratchOf } from "./checkout.js";
import type { GitCommits } from "./commits.js";

/** No id of a task, which are hex characters. */
const cacheName = "cache";

export class NodeTaskFolders implements TaskFolders {
  readonly #folder: string;
  readonly #commits: GitCommits;

  /** @param folder the drone's data folder */
  constructor(folder: string, commits: GitCommits) {
    this.#folder = join(folder, "builds");
    this.#commits = commits;
  }

  of(repo: string, id: string): string {
    return join(this.#folder, repo, id);
  }

  async fill(
    folder: string,
    name: CommitName,
    source: () => Promise<GitSource>,
    signal: AbortSignal,
  ): Promise<void> {
    // What an attempt before this one left.
    await this.remove(folder);
    await this.#commits.copyTo(folder, name, source, signal);
  }

  async restoreCaches(repo: string, folder: string, caches: readonly string[]): Promise<void> {
    for (const cache of caches) {
      const place = await placeWithin(folder, cache);
      // What the commit itself brings is newer than any cache.
      if (place === undefined || (await exists(place))) continue;
      await move(this.#cacheOf(repo, cache), place);
    }
  }

  async saveCaches(repo: string, folder: string, caches: readonly string[]): Promise<void> {
    for (const cache of caches) {
      const place = await placeWithin(folder, cache);
      if (place === undefined || !(await exists(place))) continue;
      await this.#commits.trash.take(this.#cacheOf(repo, cache));
      await move(place, this.#cacheOf(repo, cache));
    }
  }

  async remove(folder: string): Promise<void> {
    for (const path of [folder, scratchOf(folder)]) {
      await this.#commits.trash.take(path);
    }
  }

  async keepOnly(folders: readonly string[]): Promise<void> {
    for (const repo of await namesIn(this.#folder)) {
      for (const name of await namesIn(join(this.#folder, repo))) {
        const folder = join(this.#folder, repo, name);
        if (name !== cacheName && !folders.includes(folder)) await this.#commits.trash.take(folder);
      }
    }
  }

  hold(name: CommitName): () => void {
    return this.#commits.hold(name);
  }

  #cacheOf(repo: string, cache: string): string {
    const name = createHash("sha256").update(normalize(cache)).digest("hex").slice(0, 16);
    return join(this.#folder, repo, cacheName, name);
  }
}

/**
 * Where a cache belongs; undefined outside of the folder, which a `..` or a link in the commit may lead to:
 * nothing there may be moved away.
 */
async function placeWithin(folder: string, cache: string): Promise<string | undefined> {
  const place = join(folder, cache);
  const inside = relative(folder, place);
  if (inside === "" || leadsOut(inside)) return undefined;
  const parent = dirname(place);
  const there = await realPlace(parent);
  if (leadsOut(relative(await realpath(folder), there))) return undefined;
  await mkdir(parent, { recursive: true }).catch(() => undefined);
  return place;
}

function leadsOut(path: string): boolean {
  return path === ".." || path.startsWith("../");
}

/** Where a folder is, or the nearest one above it that is there. */
async function realPlace(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    if (await exists(path)) return realpath(path).catch(() => "/");
  }
}

/** A rename: a cache of a gigabyte costs nothing. */
async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
  } catch (thrown) {
    if (errnoOf(thrown) !== "ENOENT") throw thrown;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
