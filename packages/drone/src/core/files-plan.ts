/**
 * What a push of files has to do at its destination: a comparison of three trees.
 *
 *     wanted   the manifest            owned   what a former push put there (its record)
 *     found    what the disk shows
 *
 * Found and wanted and the same: left alone. Found and owned and no longer wanted: removed. Found and not
 * owned: foreign, and left alone as well, unless it is in the way; then the push is refused, or, with
 * `replace`, it goes. What is owned by its path but is another kind of thing than the push made (a link where
 * a folder was) is foreign too: somebody put it there for a reason.
 */
import { folderOf, PropagitError, quote, type FilesEntry } from "@propagit/protocol";
import type { OwnedEntry } from "./files-record.js";

export type Found =
  | ({ readonly kind: "folder" } & Attributes)
  | ({ readonly kind: "file"; readonly bytes: number; readonly stamp: string } & Attributes)
  | ({ readonly kind: "link"; readonly to: string } & Attributes)
  /** A socket, a pipe, a device. */
  | { readonly kind: "other" };

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Whom everything is to belong to; undefined: whoever the drone runs as, which is not looked at. */
export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

export interface FilesSight {
  readonly wanted: readonly FilesEntry[];
  readonly owned: ReadonlyMap<string, OwnedEntry>;
  /** A folder before what is in it; of a foreign folder only itself. */
  readonly found: ReadonlyMap<string, Found>;
  readonly owner: Owner;
  /** What is foreign goes. */
  readonly replace: boolean;
}

type FolderEntry = Extract<FilesEntry, { kind: "folder" }>;
export type StagedEntry = Exclude<FilesEntry, { kind: "folder" }>;

export interface FilesPlan {
  /** To be moved out of the way before anything takes its place. */
  readonly aside: readonly string[];
  /** To be made, or given their mode and owner; a folder before what is in it. */
  readonly folders: readonly FolderEntry[];
  /** To be written beside and renamed into place. */
  readonly staged: readonly StagedEntry[];
  /** To be removed at the end, what is in a folder before it; those of `foreign` with all that is in them. */
  readonly removed: readonly { readonly path: string; readonly kind: Found["kind"] | "foreign" }[];
  readonly counts: {
    readonly added: number;
    readonly changed: number;
    readonly removed: number;
    readonly unchanged: number;
    readonly bytes: number;
  };
  /** What happens to each, in the order changed, added, removed; the first of many. */
  readonly examples: readonly {
    readonly what: "add" | "change" | "remove";
    readonly path: string;
  }[];
}

const examplesMax = 20;
const blockersShownMax = 3;

/** Files that are as long as they should be, with nothing known of their content: to be read and hashed. */
export function doubtfulFiles({ wanted, owned, found }: FilesSight): readonly string[] {
  return wanted.flatMap((entry) => {
    const there = found.get(entry.path);
    if (entry.kind !== "file" || there?.kind !== "file" || there.bytes !== entry.bytes) return [];
    return isStamped(owned.get(entry.path), there.stamp) ? [] : [entry.path];
  });
}

/**
 * @param hashes of the doubtful files, their blobs
 * @throws FILES_REFUSED when something foreign is in the way
 */
export function planFiles(sight: FilesSight, hashes: ReadonlyMap<string, string>): FilesPlan {
  const changes = wantedChanges(sight, hashes);
  const asideSet = new Set(changes.aside);
  checkBlockers(sight, changes.blockers);
  const removed = removals(sight, asideSet);
  const { aside, staged, added, changed } = changes;
  const bytes = staged.reduce((sum, it) => sum + (it.kind === "file" ? it.bytes : 0), 0);
  return {
    aside,
    staged,
    folders: [...changes.folders, ...closedFolders(sight, changes)],
    removed,
    counts: {
      added: added.length,
      changed: changed.length,
      removed: removed.length,
      unchanged: sight.wanted.length - added.length - changed.length,
      bytes,
    },
    examples: [
      ...changed.map((path) => ({ what: "change", path }) as const),
      ...added.map((path) => ({ what: "add", path }) as const),
      ...removed.map(({ path }) => ({ what: "remove", path }) as const),
    ].slice(0, examplesMax),
  };
}

/** Paths of what no push made, as far as they were looked at. */
export function foreignPaths({ wanted, owned, found }: FilesSight): readonly string[] {
  const wantedPaths = new Set(wanted.map(({ path }) => path));
  return [...found].flatMap(([path, there]) =>
    isOwn(owned.get(path), there) || wantedPaths.has(path) ? [] : [path],
  );
}

interface WantedChanges {
  readonly aside: string[];
  readonly folders: FolderEntry[];
  readonly staged: StagedEntry[];
  readonly added: string[];
  readonly changed: string[];
  /** What is in the way and foreign. */
  readonly blockers: string[];
}

function wantedChanges(sight: FilesSight, hashes: ReadonlyMap<string, string>): WantedChanges {
  const { wanted, owned, found } = sight;
  const changes: WantedChanges = {
    aside: [],
    folders: [],
    staged: [],
    added: [],
    changed: [],
    blockers: [],
  };
  const aside = new Set<string>();
  for (const entry of wanted) {
    // What was in a folder that is moved aside is gone with it.
    const there = isBelow(entry.path, aside) ? undefined : found.get(entry.path);
    if (there && isAsWanted(entry, there, sight, hashes)) continue;
    if (there && !isOwn(owned.get(entry.path), there) && !isFolderPair(entry, there)) {
      changes.blockers.push(entry.path);
    }
    if (
      there &&
      there.kind !== entry.kind &&
      (there.kind === "folder" || entry.kind === "folder")
    ) {
      aside.add(entry.path);
      changes.aside.push(entry.path);
      if (there.kind === "folder") changes.blockers.push(...foreignBelow(sight, entry.path));
    }
    (there ? changes.changed : changes.added).push(entry.path);
    if (entry.kind === "folder") changes.folders.push(entry);
    else changes.staged.push(entry);
  }
  return changes;
}

/** Folders that their owner may not write in: opened while something is put into them, and closed again. */
function closedFolders({ wanted }: FilesSight, { folders }: WantedChanges): readonly FolderEntry[] {
  const listed = new Set(folders.map(({ path }) => path));
  return wanted.filter(
    (entry): entry is FolderEntry =>
      entry.kind === "folder" && isClosed(entry.mode) && !listed.has(entry.path),
  );
}

export function isClosed(mode: number): boolean {
  return (mode & 0o700) !== 0o700;
}

function isAsWanted(
  entry: FilesEntry,
  there: Found,
  { owned, owner }: FilesSight,
  hashes: ReadonlyMap<string, string>,
): boolean {
  if (there.kind === "other" || entry.kind !== there.kind || !isOwnedBy(there, owner)) return false;
  if (entry.kind === "link") return there.kind === "link" && there.to === entry.to;
  if (there.mode !== entry.mode) return false;
  if (entry.kind === "folder" || there.kind !== "file") return true;
  if (there.bytes !== entry.bytes) return false;
  const known = owned.get(entry.path);
  const isKnown = isStamped(known, there.stamp) && known?.entry.kind === "file";
  return entry.blob === (isKnown ? known.entry.blob : hashes.get(entry.path));
}

/** @throws FILES_REFUSED */
function checkBlockers({ replace }: FilesSight, blockers: readonly string[]): void {
  if (replace || blockers.length === 0) return;
  const shown = blockers.slice(0, blockersShownMax).map(quote).join(", ");
  const more =
    blockers.length > blockersShownMax ? ` and ${blockers.length - blockersShownMax} more` : "";
  throw new PropagitError("FILES_REFUSED", `no push made what is in the way: ${shown}${more}`, {
    hint: "move it away, or let it go with --replace; --dry-run tells what goes",
  });
}

/** What is no longer wanted, the deepest first. */
function removals(sight: FilesSight, aside: ReadonlySet<string>): FilesPlan["removed"] {
  const { wanted, owned, found, replace } = sight;
  const wantedPaths = new Set(wanted.map(({ path }) => path));
  const removed: { path: string; kind: Found["kind"] | "foreign" }[] = [];
  for (const [path, there] of found) {
    if (wantedPaths.has(path) || isBelow(path, aside)) continue;
    if (isOwn(owned.get(path), there)) removed.push({ path, kind: there.kind });
    else if (replace) removed.push({ path, kind: "foreign" });
  }
  return removed.toReversed();
}

function foreignBelow({ owned, found }: FilesSight, folder: string): readonly string[] {
  return [...found].flatMap(([path, there]) =>
    path.startsWith(`${folder}/`) && !isOwn(owned.get(path), there) ? [path] : [],
  );
}

function isOwn(owned: OwnedEntry | undefined, there: Found): boolean {
  return owned?.entry.kind === there.kind;
}

function isFolderPair(entry: FilesEntry, there: Found): boolean {
  return entry.kind === "folder" && there.kind === "folder";
}

function isStamped(owned: OwnedEntry | undefined, stamp: string): boolean {
  return owned?.stamp !== undefined && owned.stamp === stamp;
}

function isOwnedBy({ uid, gid }: Attributes, owner: Owner): boolean {
  return (owner.uid ?? uid) === uid && (owner.gid ?? gid) === gid;
}

function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  for (let at = folderOf(path); at !== ""; at = folderOf(at)) if (folders.has(at)) return true;
  return false;
}
