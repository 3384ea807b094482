/**
 * Carries out a plan at a destination:
 *
 *     write every new file into .propagit-files/N     nothing is touched yet: a full disk ends it here
 *     sync                                            what is renamed is on disk, also after a power cut
 *     move aside what is in the way, make folders
 *     rename the files into place, one by one         each is the old one or the new one at any moment
 *     remove what is no longer wanted
 *     remove .propagit-files
 *
 * Killed anywhere in this, the same push again finds what is done and does the rest.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { lchown, rename, rmdir, symlink, unlink } from "node:fs/promises";
import { folderOf, PropagitError, stagingName } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { isClosed, type FilesPlan, type Owner, type StagedEntry } from "../../core/files-plan.js";
import type { Blobs } from "./blobs.js";
import { contentStamp, type Folder } from "./folder.js";
import type { Tree } from "./tree.js";

/** Up to so many files are synced one by one; from there on the whole file system is cheaper. A guess. */
const singleSyncsMax = 64;

export interface PlaceOptions {
  readonly tree: Tree;
  readonly plan: FilesPlan;
  readonly owner: Owner;
  readonly blobs: Blobs;
  readonly wrote: (files: number) => void;
  readonly placed: (files: number) => void;
  /** Heard until the first file is put in place; from then on it is finished. */
  readonly signal: AbortSignal;
}

/**
 * Writes what is new beside the destination's files.
 *
 * @returns by path, what the disk says of each new file that a rename does not change
 * @throws what the disk says, with nothing but the staging folder touched; it stays for `clearStaging`
 */
export async function stage(options: PlaceOptions): Promise<ReadonlyMap<string, string>> {
  const { tree, plan, owner, blobs, wrote, signal } = options;
  const stamps = new Map<string, string>();
  await clearStaging(tree.root);
  await tree.root.make(stagingName);
  const staging = await tree.root.child(stagingName);
  try {
    const syncsEach = plan.staged.length <= singleSyncsMax;
    for (const [index, entry] of plan.staged.entries()) {
      signal.throwIfAborted();
      const stamp = await write(staging, String(index), entry, { owner, blobs, syncs: syncsEach });
      if (stamp !== undefined) stamps.set(entry.path, stamp);
      wrote(index + 1);
    }
    if (!syncsEach) await syncAll(tree.root.path.toString("latin1"));
    return stamps;
  } finally {
    await staging.close();
  }
}

export async function place({ tree, plan, owner, placed }: PlaceOptions): Promise<void> {
  const staging = await tree.root.child(stagingName);
  try {
    for (const [index, path] of plan.aside.entries()) {
      await moveInto(staging, `aside-${index}`, tree, path);
    }
    await makeFolders(tree, plan.folders, owner);
    for (const [index, { path }] of plan.staged.entries()) {
      const { folder, name } = await tree.placeOf(path);
      await rename(staging.at(String(index)), folder.at(name));
      placed(index + 1);
    }
    await removeAll(tree, plan.removed, staging);
    await closeFolders(tree, plan.folders, owner);
  } finally {
    await staging.close();
  }
  await clearStaging(tree.root);
  await tree.root.sync();
}

/** What a push that was cut off left, and what was moved aside. */
export async function clearStaging(root: Folder): Promise<void> {
  await root.remove(stagingName);
}

async function write(
  staging: Folder,
  name: string,
  entry: StagedEntry,
  {
    owner,
    blobs,
    syncs,
  }: { readonly owner: Owner; readonly blobs: Blobs; readonly syncs: boolean },
): Promise<string | undefined> {
  const { uid = -1, gid = -1 } = owner;
  const isGiven = uid >= 0 || gid >= 0;
  if (entry.kind === "link") {
    await symlink(Buffer.from(entry.to, "latin1"), staging.at(name));
    if (isGiven) await lchown(staging.at(name), uid, gid);
    return undefined;
  }
  const file = await staging.createFile(name);
  try {
    const hash = createHash("sha1").update(`blob ${entry.bytes}\0`);
    for await (const piece of blobs.content(entry.blob)) {
      hash.update(piece);
      await file.writeFile(piece);
    }
    if (hash.digest("hex") !== entry.blob) throw damaged(entry.path);
    if (isGiven) await file.chown(uid, gid);
    await file.chmod(entry.mode);
    if (syncs) await file.datasync();
    return contentStamp(await file.stat({ bigint: true }));
  } finally {
    await file.close();
  }
}

async function moveInto(staging: Folder, as: string, tree: Tree, path: string): Promise<void> {
  const { folder, name } = await tree.placeOf(path);
  await rename(folder.at(name), staging.at(as));
  await tree.forget();
}

async function makeFolders(tree: Tree, folders: FilesPlan["folders"], owner: Owner): Promise<void> {
  for (const { path, mode } of folders) {
    const { folder, name } = await tree.placeOf(path);
    if (!(await folder.look(name))) await folder.make(name);
    await dress(folder, name, mode | 0o700, owner);
  }
}

/** The deepest first: from a folder that is closed nothing can be reached any more. */
async function closeFolders(
  tree: Tree,
  folders: FilesPlan["folders"],
  owner: Owner,
): Promise<void> {
  for (const { path, mode } of folders.toReversed()) {
    if (!isClosed(mode)) continue;
    const { folder, name } = await tree.placeOf(path);
    await dress(folder, name, mode, owner);
  }
}

async function dress(parent: Folder, name: string, mode: number, owner: Owner): Promise<void> {
  const folder = await parent.child(name);
  try {
    await folder.dress(mode, owner);
  } finally {
    await folder.close();
  }
}

async function removeAll(
  tree: Tree,
  removed: FilesPlan["removed"],
  staging: Folder,
): Promise<void> {
  for (const [index, { path, kind }] of removed.entries()) {
    if (kind === "foreign") {
      await moveInto(staging, `foreign-${index}`, tree, path);
    } else if (kind === "folder") {
      await removeEmpty(tree, path);
    } else {
      const { folder, name } = await tree.placeOf(path);
      await unlink(folder.at(name)).catch(ignoring("ENOENT"));
    }
  }
}

/** A folder in which somebody else has something stays. */
async function removeEmpty(tree: Tree, path: string): Promise<void> {
  await tree.forget();
  const parent = await tree.folder(folderOf(path));
  const name = path.slice(path.lastIndexOf("/") + 1);
  await rmdir(parent.at(name)).catch(ignoring("ENOENT", "ENOTEMPTY", "EEXIST"));
}

/** The whole file system, as `sync -f` does (coreutils 8.24); Node has no call for it. */
function syncAll(path: string): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn("sync", ["-f", path], { stdio: "ignore" });
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
}

function ignoring(...codes: readonly string[]): (thrown: unknown) => void {
  return (thrown) => {
    if (!codes.includes(errnoOf(thrown) ?? "")) throw thrown;
  };
}

function damaged(path: string): PropagitError {
  return new PropagitError(
    "DATA_UNUSABLE",
    `the content of ${JSON.stringify(path)} is damaged where it was fetched`,
    {
      hint: "push once more; when it happens again, look at the drone's disk",
    },
  );
}
