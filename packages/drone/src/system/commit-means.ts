/**
 * Commits for tasks of plans: fetched ahead of their use, or checked out to a place of the plan's choice.
 *
 *     checkOut: guards --> there already, the same? unchanged | something else? refused
 *                     '--> written beside it, compared with the commit --> renamed
 */
import { lstat, readdir, readlink, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { PropagitError, shortCommit } from "@propagit/protocol";
import type { CommandEnd, CommitMeans, WantedCommit } from "@propagit/plan";
import type { DistributedCommits } from "../distributed-commits.js";
import type { DroneContext } from "../drone-part.js";
import { hasSameBytes } from "./checkout-check.js";
import { scratchOf } from "./checkout.js";
import type { GitCommits } from "./commits.js";
import { guardDestination, makeAbove, resolveDestination } from "./files/destination.js";

export interface CommitMeansParts {
  readonly commits: GitCommits;
  /** Stay on disk though nothing runs them yet. */
  readonly distributed: DistributedCommits;
  /** The drone's data folder, where nothing is checked out by hand. */
  readonly dataFolder: string;
}

/** Of one drone; two tasks for one place go one after the other. */
export class DroneCommits {
  readonly #parts: CommitMeansParts;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(parts: CommitMeansParts) {
    this.#parts = parts;
  }

  for(drone: Pick<DroneContext, "source" | "tidySoon">): CommitMeans {
    return {
      distribute: (wanted) => this.#distribute(wanted, drone),
      checkOut: (wanted, path) => this.#checkOut(wanted, path, drone),
    };
  }

  async #distribute(
    { repo, commit, signal }: WantedCommit,
    { source }: Pick<DroneContext, "source">,
  ): Promise<CommandEnd> {
    const { commits, distributed } = this.#parts;
    const name = { repo, commit };
    const letGo = commits.hold(name);
    try {
      const isThere = await commits.has(name);
      await commits.fetch(name, () => source(repo), signal);
      await commits.checkOut(name, signal);
      await distributed.keep(name);
      return { outcome: isThere ? "unchanged" : "done" };
    } finally {
      letGo();
    }
  }

  async #checkOut(
    { repo, commit, signal }: WantedCommit,
    asked: string,
    { source, tidySoon }: Pick<DroneContext, "source" | "tidySoon">,
  ): Promise<CommandEnd> {
    const { commits, dataFolder } = this.#parts;
    const name = { repo, commit };
    const path = await resolveDestination(asked);
    await guardDestination(path, { dataFolder, others: [] });
    const letGo = commits.hold(name);
    try {
      return await this.#inTurn(path, async () => {
        await commits.fetch(name, () => source(repo), signal);
        const isTaken = (await namesAt(path)).length > 0;
        if (isTaken) return await this.#compare(name, path, signal);
        await this.#write(name, path, { source: () => source(repo), signal });
        return { outcome: "done" };
      });
    } finally {
      letGo();
      tidySoon();
    }
  }

  async #compare(
    name: { readonly repo: string; readonly commit: string },
    path: string,
    signal: AbortSignal,
  ): Promise<CommandEnd> {
    const { folder } = await this.#parts.commits.checkOut(name, signal);
    const other = await difference(folder, path, signal);
    if (other === undefined) return { outcome: "unchanged" };
    const what = `${name.repo} ${shortCommit(name.commit)}`;
    throw new PropagitError("TASK_REFUSED", `${path} is there, and is not ${what}: ${other}`, {
      hint: "check each commit out to a folder of its own, or remove this one first",
    });
  }

  async #write(
    name: { readonly repo: string; readonly commit: string },
    path: string,
    {
      source,
      signal,
    }: { readonly source: () => ReturnType<DroneContext["source"]> } & Pick<WantedCommit, "signal">,
  ): Promise<void> {
    await makeAbove(path);
    // Always the same name: what a drone that was killed left there goes now.
    const partial = join(dirname(path), `.propagit-${basename(path)}.partial`);
    const tidy = async () => {
      for (const folder of [partial, scratchOf(partial)])
        await rm(folder, { recursive: true, force: true });
    };
    await tidy();
    try {
      await this.#parts.commits.copyTo(partial, name, source, signal);
      // Rename takes the place of an empty folder only where it is one; not on every system.
      await rmdir(path).catch(() => undefined);
      await rename(partial, path);
    } finally {
      await tidy();
    }
  }

  async #inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(path) ?? Promise.resolve()).then(work, work);
    this.#turns.set(path, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(path) === turn) this.#turns.delete(path);
    }
  }
}

async function namesAt(path: string): Promise<readonly string[]> {
  return readdir(path).catch(() => []);
}

/** The first thing in which two folders differ: kinds, links, bytes, what may be executed. */
async function difference(
  one: string,
  other: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  const [names, others] = [await namesAt(one), await namesAt(other)];
  const odd = [...names, ...others].find((name) => !names.includes(name) || !others.includes(name));
  if (odd !== undefined) return `${join(other, odd)} is only in one of them`;
  for (const name of names) {
    const [left, right] = [join(one, name), join(other, name)];
    const [was, is] = [await lstat(left), await lstat(right)];
    if (was.isDirectory() && is.isDirectory()) {
      const deeper = await difference(left, right, signal);
      if (deeper !== undefined) return deeper;
    } else if (!(await isSame(left, right, [was, is]))) return `${right} differs`;
  }
  return undefined;
}

type Stats = Awaited<ReturnType<typeof lstat>>;

async function isSame(
  left: string,
  right: string,
  [was, is]: readonly [Stats, Stats],
): Promise<boolean> {
  if (was.isSymbolicLink() && is.isSymbolicLink())
    return (await readlink(left)) === (await readlink(right));
  if (!was.isFile() || !is.isFile() || was.size !== is.size) return false;
  const isProgram = ({ mode }: Stats) => (Number(mode) & 0o100) !== 0;
  return isProgram(was) === isProgram(is) && hasSameBytes(left, right);
}
