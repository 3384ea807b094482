/**
 * Whether a checkout is really on disk. Its files are written without waiting for the disk, since that
 * would cost seconds in front of every start; a power cut soon after could leave empty files under the
 * final name. So a note lies beside a checkout until the disk has it:
 *
 *     SHA.unsynced   holds the id of the boot that wrote it; after another boot, both are removed
 *
 * Within one boot nothing is lost: the kernel has the files, also when the drone is killed.
 */
import { spawn } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bootId } from "./boot-id.js";

/** Of the note beside a checkout. */
export const unsyncedSuffix = ".unsynced";

/** Before a checkout gets its name. */
export async function noteUnsynced(folder: string): Promise<void> {
  await writeFile(`${folder}${unsyncedSuffix}`, await bootId());
}

/** The start that the checkout is for reads from the same disk, and goes first. A guess. */
const syncDelayMs = 10_000;

/** Brings a checkout to disk, in its own time; where that cannot be done the note stays. */
export function syncSoon(folder: string): void {
  setTimeout(() => sync(folder), syncDelayMs).unref();
}

function sync(folder: string): void {
  // `sync -f` (coreutils 8.24) flushes the one file system; Node has no call for that.
  const child = spawn("sync", ["-f", folder], { stdio: "ignore", detached: true });
  child.unref();
  child.once("error", () => undefined);
  child.once("exit", (code) => {
    if (code === 0) void rm(`${folder}${unsyncedSuffix}`, { force: true }).catch(() => undefined);
  });
}

/** Removes the checkouts in a folder that a power cut may have damaged. */
export async function removeUnsynced(parent: string): Promise<void> {
  const boot = await bootId();
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((it) => it.endsWith(unsyncedSuffix))) {
    const folder = join(parent, name.slice(0, -unsyncedSuffix.length));
    const written = await readFile(join(parent, name), "utf8").catch(() => "");
    // Where the kernel tells no boot, every note counts as one of an earlier boot.
    if (boot !== "" && written === boot) syncSoon(folder);
    else await remove(folder);
  }
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rm(`${folder}${unsyncedSuffix}`, { force: true });
}
