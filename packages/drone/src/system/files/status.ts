/** How a destination is now, beside what was pushed there. */
import type { FilesExample, FilesPlace } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { doubtfulFiles, planFiles, type FilesSight } from "../../core/files-plan.js";
import type { FilesRecord, OwnedEntry } from "../../core/files-record.js";
import type { StatusOptions } from "../../files.js";
import { Folder } from "./folder.js";
import { blobOf, scanTree } from "./scan.js";
import { Tree } from "./tree.js";

const foreignShownMax = 1_000;

export interface PlaceStatusOptions extends StatusOptions {
  /** What is beside it is nobody's business: a home folder. */
  readonly isShared: boolean;
}

export async function placeStatus(
  record: FilesRecord,
  options: PlaceStatusOptions,
): Promise<FilesPlace> {
  const tree = await Folder.open(record.path).then(
    (root) => new Tree(root),
    (thrown: unknown) => {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(thrown) ?? "")) return undefined;
      throw thrown;
    },
  );
  try {
    return await describe(record, tree, options);
  } finally {
    await tree?.close();
  }
}

/** Names of files are bytes; what is no text is shown as far as it is. */
export function shownExamples(examples: readonly FilesExample[]): FilesExample[] {
  return examples.map(({ what, path }) => ({
    what,
    path: Buffer.from(path, "latin1").toString("utf8").slice(0, 4_000),
  }));
}

async function describe(
  record: FilesRecord,
  tree: Tree | undefined,
  { verify, signal, isShared }: PlaceStatusOptions,
): Promise<FilesPlace> {
  const { path, commit, at, by, owner } = record;
  const entries = [...record.owned.values()].map(({ entry }) => entry);
  // Every byte is looked at where nothing is known of the files.
  const owned = verify ? withoutStamps(record.owned) : record.owned;
  const look = { wanted: entries, owned, signal, foreignMax: foreignShownMax, isShared };
  const scan = tree ? await scanTree(tree, look) : { found: new Map(), foreign: 0 };
  const sight: FilesSight = { wanted: entries, owned, found: scan.found, owner, replace: true };
  const { counts, examples } = planFiles(sight, tree ? await hashes(tree, sight) : new Map());
  const files = entries.flatMap((entry) => (entry.kind === "file" ? [entry.bytes] : []));
  return {
    path,
    commit,
    at,
    by,
    files: files.length,
    bytes: files.reduce((sum, bytes) => sum + bytes, 0),
    state: stateOf(record, tree, counts.changed + counts.added),
    verified: verify,
    changed: counts.changed,
    missing: counts.added,
    foreign: scan.foreign,
    examples: shownExamples(examples.filter(({ what }) => what !== "remove")),
  };
}

function stateOf(
  { state }: FilesRecord,
  tree: Tree | undefined,
  differences: number,
): FilesPlace["state"] {
  if (state === "applying") return "half";
  if (!tree) return "gone";
  return differences === 0 ? "as-pushed" : "changed";
}

function withoutStamps(owned: FilesRecord["owned"]): ReadonlyMap<string, OwnedEntry> {
  return new Map([...owned].map(([path, { entry }]) => [path, { entry, stamp: undefined }]));
}

async function hashes(tree: Tree, sight: FilesSight): Promise<ReadonlyMap<string, string>> {
  const blobs = new Map<string, string>();
  for (const path of doubtfulFiles(sight)) {
    const there = sight.found.get(path);
    if (there?.kind !== "file") continue;
    const { folder, name } = await tree.placeOf(path);
    const blob = await blobOf(folder, name, there.bytes).catch(() => undefined);
    if (blob !== undefined) blobs.set(path, blob);
  }
  return blobs;
}
