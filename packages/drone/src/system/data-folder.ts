/** The drone's data folder: which one, locked for this process, and who the drone is. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { lockFolder, type Disk, type FolderLock, type Random } from "@propagit/runtime";

export interface ClaimedFolder extends FolderLock {
  readonly path: string;
}

/** Drones of one kind on one machine that may use default folders. */
const defaultFoldersMax = 100;

/**
 * Locks the given folder, or the first default one that no other drone works in.
 *
 * @throws DATA_IN_USE, DATA_UNUSABLE
 */
export async function claimFolder(
  given: string | undefined,
  service: string | undefined,
): Promise<ClaimedFolder> {
  if (given !== undefined) return claim(given);
  const base = service === undefined ? "drone" : `drone-${service}`;
  const home = process.env["PROPAGIT_HOME"] || join(homedir(), ".propagit");
  for (let number = 1; number < defaultFoldersMax; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    try {
      return await claim(join(home, name));
    } catch (thrown) {
      if (!(thrown instanceof PropagitError) || thrown.code !== "DATA_IN_USE") throw thrown;
    }
  }
  throw new PropagitError(
    "DATA_IN_USE",
    `${defaultFoldersMax} drones with default data folders (${base}-N) run on this machine already`,
  );
}

/** 32 hex characters by which the hub knows this drone again; made in its first life. */
export async function readIdentity(disk: Disk, random: Random, folder: string): Promise<string> {
  const path = join(folder, "identity");
  const known = (await disk.read(path))?.trim();
  if (known !== undefined && /^[0-9a-f]{32}$/.test(known)) return known;
  const identity = random.hex(32);
  await disk.writeAtomic(path, `${identity}\n`, { mode: 0o600 });
  return identity;
}

/** By its absolute path: git and instances work in folders of their own, where another would lead elsewhere. */
async function claim(given: string): Promise<ClaimedFolder> {
  const path = resolve(given);
  const lock = await lockFolder(path);
  return { path, release: () => lock.release() };
}
