/** What a push finds at its destination, and what it therefore does there; refused when it would touch what is not its own. */
import { join } from "node:path";
import { PropagitError, quote, type FilesEntry } from "@propagit/protocol";
import {
  doubtfulFiles,
  foreignPaths,
  planFiles,
  type FilesPlan,
  type FilesSight,
  type Owner,
} from "../../core/files-plan.js";
import { splitOwned } from "../../core/files-home.js";
import type { FilesRecord } from "../../core/files-record.js";
import type { FilesRequest, FilesWatch } from "../../files.js";
import type { Blobs } from "./blobs.js";
import { blobOf, scanTree, type Scan } from "./scan.js";
import type { Tree } from "./tree.js";

/** More of what no push made is removed only when that is said twice. */
const foreignMax = 1_000;
const shownMax = 3;
export const none: FilesRecord["owned"] = new Map();

export interface Wanted {
  readonly request: FilesRequest;
  readonly path: string;
  readonly entries: readonly FilesEntry[];
  readonly mode: number;
  readonly owner: Owner;
  readonly before: FilesRecord | undefined;
  /** In a home folder: what other pushes brought, which stays as it is. Undefined: the folder is a push's alone. */
  readonly beside: FilesRecord["owned"] | undefined;
  readonly blobs: Blobs;
  readonly watch: FilesWatch;
}

export type Given = Pick<Wanted, "request" | "owner" | "blobs" | "watch">;

/** @throws FILES_REFUSED when something is there that would be touched without being asked to */
export async function compare(
  wanted: Wanted,
  tree: Tree | undefined,
): Promise<{ readonly plan: FilesPlan; readonly scan: Scan }> {
  const { entries, owner, before, request, watch, path } = wanted;
  const owned = before?.owned ?? none;
  const isShared = wanted.beside !== undefined;
  const look = {
    wanted: entries,
    owned,
    signal: watch.signal,
    foreignMax: foreignMax + 1,
    isShared,
  };
  const scan = tree ? await scanTree(tree, look) : { found: new Map(), foreign: 0 };
  if (isShared) refuseFolders(path, scan);
  const { replace } = request;
  const sight: FilesSight = { wanted: entries, owned, found: scan.found, owner, replace };
  if (!before && !replace && !isShared) refuseFull(path, [...scan.found.keys()]);
  if (replace && !request.force) refuseMany(path, scan.foreign, foreignPaths(sight));
  const hashes = new Map<string, string>();
  for (const doubtful of doubtfulFiles(sight)) {
    watch.signal.throwIfAborted();
    const blob = await hashOf(tree, doubtful, sight);
    if (blob !== undefined) hashes.set(doubtful, blob);
  }
  return { plan: planFiles(sight, hashes), scan };
}

/** Of a home folder: the rest of it is not looked at. */
export function sharedWith(wanted: Wanted): Wanted {
  const { before, entries } = wanted;
  const { same, beside } = splitOwned(before?.owned ?? none, entries);
  return { ...wanted, before: before && { ...before, owned: same }, beside };
}

/** Also with `replace`: a slip of the keyboard must not take somebody's folder. */
function refuseFolders(path: string, { found }: Scan): void {
  for (const [name, { kind }] of found) {
    if (kind !== "folder") continue;
    throw new PropagitError("FILES_REFUSED", `${join(path, name)} is a folder, and no file`, {
      hint: "move it away, or push the file under another name",
    });
  }
}

/** Of a name's bytes, as paths have it. @throws FILES_REFUSED */
export function textOf(name: string): string {
  const bytes = Buffer.from(name, "latin1");
  const text = bytes.toString("utf8");
  if (Buffer.from(text).equals(bytes)) return text;
  throw new PropagitError("FILES_REFUSED", `the name ${quote(text)} is no text in UTF-8`, {
    hint: "push it to a folder of its own, such as ~/NAME",
  });
}

function refuseFull(path: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const shown = names.slice(0, shownMax).map(quote).join(", ");
  throw new PropagitError(
    "FILES_REFUSED",
    `${path} is not empty, and no push of files made what is there: ${shown}${names.length > shownMax ? ", …" : ""}`,
    { hint: "push to an empty or new folder, or let all of that go with --replace" },
  );
}

function refuseMany(path: string, foreign: number, paths: readonly string[]): void {
  if (foreign <= foreignMax) return;
  const shown = paths.slice(0, shownMax).map(quote).join(", ");
  throw new PropagitError(
    "FILES_REFUSED",
    `more than ${foreignMax} files in ${path} would go that no push made (${shown}, …)`,
    { hint: "look whether this is the right folder; if it is, add --force" },
  );
}

async function hashOf(
  tree: Tree | undefined,
  path: string,
  { found }: FilesSight,
): Promise<string | undefined> {
  const there = found.get(path);
  if (!tree || there?.kind !== "file") return undefined;
  const { folder, name } = await tree.placeOf(path);
  // What cannot be read is written anew.
  return blobOf(folder, name, there.bytes).catch(() => undefined);
}
