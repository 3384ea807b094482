/**
 * One process at a time in a data folder: a file `lock` with the holder's pid and start time.
 *
 * The lock of a process that no longer runs is taken over. Taking over renames the stale file away and
 * looks at what was renamed, so that of two processes that see the same stale lock only one goes on.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseJson, PropagitError } from "@propagit/protocol";
import { errnoOf } from "./node-disk.js";
import { identifyProcess, isRunning, type ProcessIdentity } from "./processes.js";

export interface FolderLock {
  release(): Promise<void>;
}

/** Tries at a lock that others give back or take over at the same time. */
const attemptsMax = 5;

/**
 * Makes the folder (mode 0700) if need be and locks it.
 *
 * @throws DATA_IN_USE with the pid of the holder; DATA_UNUSABLE when it cannot be made or written
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, "lock");
  const self = await identifyProcess(process.pid);
  const content = JSON.stringify(self ?? { pid: process.pid, startTime: "" });
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (await createWhole(path, content)) return { release: () => rm(path, { force: true }) };
      await clearStale(folder, path);
    }
  } catch (thrown) {
    if (thrown instanceof PropagitError) throw thrown;
    throw new PropagitError(
      "DATA_UNUSABLE",
      `the data folder ${folder} cannot be used: ${errnoOf(thrown) ?? String(thrown)}`,
      { cause: thrown },
    );
  }
  throw new PropagitError("DATA_IN_USE", `others keep locking the data folder ${folder}`);
}

/** Creates the file with its content in one step: nobody ever sees it empty. */
async function createWhole(path: string, content: string): Promise<boolean> {
  const fresh = `${path}.${process.pid}`;
  try {
    await writeFile(fresh, content);
    await link(fresh, path);
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === "EEXIST") return false;
    throw thrown;
  } finally {
    await rm(fresh, { force: true });
  }
}

async function clearStale(folder: string, path: string): Promise<void> {
  const seen = await readFile(path, "utf8").catch(() => undefined);
  if (seen === undefined) return;
  const holder = readIdentity(seen);
  if (holder && (await isRunning(holder))) {
    throw new PropagitError(
      "DATA_IN_USE",
      `the data folder ${folder} is in use by process ${holder.pid}`,
    );
  }
  const aside = `${path}.stale.${process.pid}`;
  await rename(path, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => undefined);
  // Somebody else took over between our look and our rename: give it back.
  if (moved !== undefined && moved !== seen) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function readIdentity(content: string): ProcessIdentity | undefined {
  const { pid, startTime } = (parseJson(content) ?? {}) as Partial<ProcessIdentity>;
  return typeof pid === "number" && typeof startTime === "string" ? { pid, startTime } : undefined;
}
