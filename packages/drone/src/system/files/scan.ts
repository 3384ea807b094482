/** Looks at a destination: what is there of what matters, and how much that no push made. */
import { createHash } from "node:crypto";
import { stagingName, type FilesEntry } from "@propagit/protocol";
import type { Found } from "../../core/files-plan.js";
import type { OwnedEntry } from "../../core/files-record.js";
import type { Folder } from "./folder.js";
import type { Tree } from "./tree.js";

export interface Scan {
  /** What is wanted or owned, and whatever lies beside it; a foreign folder without what is in it. */
  readonly found: ReadonlyMap<string, Found>;
  /** Everything foreign, what is in foreign folders too; counted up to `foreignMax`. */
  readonly foreign: number;
}

export interface ScanOptions {
  readonly wanted: readonly FilesEntry[];
  readonly owned: ReadonlyMap<string, OwnedEntry>;
  readonly signal: AbortSignal;
  /** Foreign files are counted no further than this. */
  readonly foreignMax: number;
  /** Nothing but what is wanted or owned is looked at: the folder belongs to others, who have whatever they want in it. */
  readonly isShared: boolean;
}

const chunkBytes = 256 * 1024;

export async function scanTree(tree: Tree, options: ScanOptions): Promise<Scan> {
  const known = knownFolders(options);
  const isKnown = (path: string) => known.all.has(path);
  const found = new Map<string, Found>();
  let foreign = 0;
  const waiting = [""];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    options.signal.throwIfAborted();
    const folder = await tree.folder(below);
    const names = options.isShared ? [...known.all] : await folder.names();
    for (const name of names.toSorted()) {
      if (below === "" && name === stagingName) continue;
      const path = below === "" ? name : `${below}/${name}`;
      const there = await folder.look(name);
      if (!there) continue;
      found.set(path, there);
      if (!isKnown(path)) foreign += await weigh(folder, name, there, options.foreignMax - foreign);
      else if (there.kind === "folder" && known.folders.has(path)) waiting.push(path);
    }
  }
  return { found: inOrder(found), foreign };
}

/** The blob that a file's content would be in git; undefined when it cannot be told, as it changes. */
export async function blobOf(
  folder: Folder,
  name: string,
  bytes: number,
): Promise<string | undefined> {
  const file = await folder.openFile(name);
  try {
    const hash = createHash("sha1").update(`blob ${bytes}\0`);
    const buffer = Buffer.allocUnsafe(chunkBytes);
    let read = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, read);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      read += bytesRead;
      if (read > bytes) return undefined;
    }
    return read === bytes ? hash.digest("hex") : undefined;
  } finally {
    await file.close();
  }
}

function knownFolders({ wanted, owned }: ScanOptions) {
  const entries = [...wanted, ...[...owned.values()].map(({ entry }) => entry)];
  return {
    all: new Set(entries.map(({ path }) => path)),
    folders: new Set(entries.flatMap(({ kind, path }) => (kind === "folder" ? [path] : []))),
  };
}

/** 1, and for a folder whatever is in it, up to a bound. */
async function weigh(parent: Folder, name: string, there: Found, most: number): Promise<number> {
  if (there.kind !== "folder" || most <= 1) return 1;
  const folder = await parent.child(name).catch(() => undefined);
  if (!folder) return 1;
  try {
    let weight = 1;
    for (const inside of await folder.names()) {
      if (weight >= most) break;
      const one = await folder.look(inside);
      if (one) weight += await weigh(folder, inside, one, most - weight);
    }
    return weight;
  } finally {
    await folder.close();
  }
}

/** A folder before what is in it. */
function inOrder(found: ReadonlyMap<string, Found>): ReadonlyMap<string, Found> {
  return new Map([...found].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
