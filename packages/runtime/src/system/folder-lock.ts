/**
 * One process at a time in a data folder: a file `lock` with the holder's pid and start time.
 *
 * The lock of a process that no longer runs is taken over. Only one may clear it away, or the slower of
 * two that saw the same stale lock would remove the new one of the faster: so whoever clears lock L holds,
 * meanwhile, a lock whose name is made of L's content, and looks again at L under it. A clearer that
 * died leaves that second lock stale, which is cleared by the same rule.
 */
import { createHash, randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseJson, PropagitError } from "@propagit/protocol";
import { makeFolder } from "./make-folder.js";
import { errnoOf } from "./errno.js";
import { identifyProcess, isRunning, type ProcessIdentity } from "./processes.js";

export interface FolderLock {
  release(): Promise<void>;
}

/** Tries at a lock that others give back or take over at the same time. */
const attemptsMax = 20;

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
    await makeFolder(folder, 0o700);
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      if (await createWhole(path, content)) return { release: () => rm(path, { force: true }) };
      const holder = await runningHolder(path, content);
      if (holder) throw inUse(folder, holder);
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
  const fresh = `${path}.${randomBytes(8).toString("hex")}.new`;
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

/** The process that holds a lock; when it no longer runs, the lock is cleared away. */
async function runningHolder(path: string, content: string): Promise<ProcessIdentity | undefined> {
  const seen = await readIfThere(path);
  if (seen === undefined) return undefined;
  const holder = readIdentity(seen);
  if (holder && (await isRunning(holder))) return holder;
  const clearing = `${path}.${createHash("sha256").update(seen).digest("hex").slice(0, 16)}`;
  if (await createWhole(clearing, content)) {
    try {
      if ((await readIfThere(path)) === seen) await rm(path, { force: true });
    } finally {
      await rm(clearing, { force: true });
    }
  } else {
    // Somebody else is at it; if it died over it, its lock is cleared and the next attempt goes on.
    await runningHolder(clearing, content);
  }
  return undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

function readIdentity(content: string): ProcessIdentity | undefined {
  const { pid, startTime } = (parseJson(content) ?? {}) as Partial<ProcessIdentity>;
  return typeof pid === "number" && typeof startTime === "string" ? { pid, startTime } : undefined;
}

function inUse(folder: string, holder: ProcessIdentity): PropagitError {
  return new PropagitError(
    "DATA_IN_USE",
    `the data folder ${folder} is in use by process ${holder.pid}`,
  );
}
