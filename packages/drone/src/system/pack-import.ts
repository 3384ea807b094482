/**
 * Takes a pack that came from anybody into a repository, once it is proven to be what was wanted:
 *
 *     REPO/incoming-XXXX/pack   git writes here; what is in REPO/objects serves as the base
 *            |  index-pack --strict: every object whole, every link of one leads to another
 *            |  rev-list: the commit is there by its own hash, with every file of it
 *            v
 *     REPO/objects/pack, then refs/propagit/SHA
 *
 * A pack that fails anywhere leaves nothing: its folder is removed, at the latest when a drone starts.
 */
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PropagitError, shortCommit, toPropagitError } from "@propagit/protocol";
import { namesIn, type Random } from "@propagit/runtime";
import type { Pack } from "../commit-ways.js";
import { diskError, withFreeSpace } from "./disk-error.js";
import { git, type GitRun } from "./git.js";
import { refPrefix } from "./repository-upkeep.js";

export interface PackImport {
  readonly repo: string;
  /** What the pack must bring. */
  readonly commit: string;
  readonly pack: Pack;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Of packs that are being taken in; in front of what a drone that was killed left. */
const incomingPrefix = "incoming-";
const importMsMax = 30 * 60_000;

/**
 * What git may hold in memory: a blob above the bound goes through it in parts, and a chain of deltas keeps
 * no more than this of its bases.
 */
const memorySettings = { "core.bigFileThreshold": "32m", "core.deltaBaseCacheLimit": "16m" };

/**
 * Takes a pack in, and notes its commit as whole.
 *
 * @throws PACK_UNUSABLE when it is no pack, is damaged, or does not bring the commit whole; DATA_UNUSABLE
 * when the disk is full; LINK_LOST when it was given up
 */
export async function importPack(request: PackImport): Promise<void> {
  const { repo, commit, random, signal } = request;
  const folder = join(repo, `${incomingPrefix}${random.hex(8)}`);
  const run: GitRun = {
    folder: repo,
    signal,
    limitMs: importMsMax,
    settings: memorySettings,
    environment: {
      GIT_OBJECT_DIRECTORY: folder,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(repo, "objects"),
    },
  };
  try {
    await makeFolder(join(folder, "pack"));
    await indexPack(request, run);
    await provesWhole(commit, run);
    await moveInto(folder, repo);
    await git(["update-ref", `${refPrefix}${commit}`, commit], { folder: repo, signal });
  } catch (thrown) {
    throw await withFreeSpace(diskError(folder, thrown), repo);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what imports of an earlier life left. */
export async function removeIncoming(repo: string): Promise<void> {
  const left = (await namesIn(repo)).filter((name) => name.startsWith(incomingPrefix));
  for (const name of left) await rm(join(repo, name), { recursive: true, force: true });
}

async function indexPack({ commit, pack }: PackImport, run: GitRun): Promise<void> {
  const args = ["index-pack", "--strict", "--fix-thin", "--stdin"];
  const file = pack.kind === "file" ? await open(pack.path) : undefined;
  try {
    const input = pack.kind === "bytes" ? pack.bytes : file;
    await git(args, { ...run, ...(input && { input }) });
  } catch (thrown) {
    throw asUnusable(commit, thrown);
  } finally {
    await file?.close();
  }
}

async function provesWhole(commit: string, run: GitRun): Promise<void> {
  try {
    await git(["cat-file", "commit", commit], { ...run, outputCharsMax: 1 });
    await git(["rev-list", "--objects", "--no-walk", "--quiet", commit], run);
  } catch (thrown) {
    throw asUnusable(commit, thrown);
  }
}

/** What git says of its input is said of the pack; a full disk or the end of the drone are not its fault. */
function asUnusable(commit: string, thrown: unknown): PropagitError {
  const error = toPropagitError(thrown);
  if (error.code !== "INTERNAL") return error;
  const what = `the pack for ${shortCommit(commit)} is of no use`;
  return new PropagitError("PACK_UNUSABLE", `${what}: ${error.message}`, { cause: error });
}

/** The index last: a pack without one is not looked at. */
async function moveInto(folder: string, repo: string): Promise<void> {
  const [from, to] = [join(folder, "pack"), join(repo, "objects", "pack")];
  await makeFolder(to);
  const names = (await readdir(from)).filter((name) => /^pack-[0-9a-f]+\.\w+$/.test(name));
  const rank = (name: string) => (name.endsWith(".idx") ? 1 : 0);
  for (const name of names.toSorted((a, b) => rank(a) - rank(b))) {
    await rename(join(from, name), join(to, name));
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}
