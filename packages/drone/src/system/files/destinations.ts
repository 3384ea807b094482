/** Places that files are pushed to, on a real disk; see `core/files-plan.ts` for what a push does there. */
import { mkdir, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import {
  filesRepo,
  manifestName,
  parseFilesManifest,
  PropagitError,
  quote,
  type FilesEntry,
  type FilesPlace,
} from "@propagit/protocol";
import { errnoOf, type Clock } from "@propagit/runtime";
import {
  doubtfulFiles,
  foreignPaths,
  planFiles,
  type FilesPlan,
  type FilesSight,
  type Owner,
} from "../../core/files-plan.js";
import { ownedMeanwhile, type FilesRecord, type OwnedEntry } from "../../core/files-record.js";
import type { Destinations, FilesRequest, FilesWatch, Pushed, StatusOptions } from "../../files.js";
import type { CommitName } from "../../world.js";
import type { BareRepositories } from "../bare-repositories.js";
import { diskError, withFreeSpace } from "../disk-error.js";
import { Blobs } from "./blobs.js";
import { guardDestination, makeAbove, resolveDestination, resolveOwner } from "./destination.js";
import { Folder } from "./folder.js";
import { clearStaging, place, stage, type PlaceOptions } from "./place.js";
import type { FilesRecords } from "./records.js";
import { blobOf, scanTree, type Scan } from "./scan.js";
import { placeStatus, shownExamples } from "./status.js";
import { Tree } from "./tree.js";

export interface DestinationsOptions {
  readonly clock: Pick<Clock, "now">;
  readonly repositories: Pick<BareRepositories, "work">;
  readonly records: FilesRecords;
  /** The drone's own. */
  readonly dataFolder: string;
}

/** More of what no push made is removed only when that is said twice. */
const foreignMax = 1_000;
const manifestBytesMax = 256 * 2 ** 20;
const shownMax = 3;
/**
 * Between the last change of a file and the look at its times: longer than the kernel's clock stands still
 * (10 ms at 100 Hz), so that every later change shows another time.
 */
const settleMs = 20;

interface Wanted {
  readonly request: FilesRequest;
  readonly path: string;
  readonly entries: readonly FilesEntry[];
  readonly mode: number;
  readonly owner: Owner;
  readonly before: FilesRecord | undefined;
  readonly blobs: Blobs;
  readonly watch: FilesWatch;
}

export class NodeDestinations implements Destinations {
  readonly #options: DestinationsOptions;

  constructor(options: DestinationsOptions) {
    this.#options = options;
  }

  get inUse(): readonly CommitName[] {
    const { records } = this.#options;
    return records.heads.map(({ carrier }) => ({ repo: filesRepo, commit: carrier }));
  }

  async push(request: FilesRequest, watch: FilesWatch): Promise<Pushed> {
    const { records, repositories, dataFolder } = this.#options;
    const path = await resolveDestination(request.path);
    const others = records.heads.map((head) => head.path);
    await guardDestination(path, { dataFolder, others });
    const before = await records.read(path);
    return repositories.work(request.carrier, async (repo) => {
      const blobs = new Blobs(repo);
      try {
        const text = await blobs.text(`${request.commit}:${manifestName}`, manifestBytesMax);
        const { head, entries } = parseFilesManifest(text);
        const owner = await resolveOwner(head.owner);
        const { mode } = head;
        return await this.#apply({ request, path, entries, mode, owner, before, blobs, watch });
      } finally {
        blobs.close();
      }
    });
  }

  async status(
    path: string | undefined,
    { verify, signal }: StatusOptions,
  ): Promise<readonly FilesPlace[]> {
    const { records } = this.#options;
    const wanted = path === undefined ? undefined : await resolveDestination(path);
    const places: FilesPlace[] = [];
    for (const head of records.heads.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      if (wanted !== undefined && head.path !== wanted) continue;
      const record = await records.read(head.path);
      if (record) places.push(await placeStatus(record, { verify, signal }));
    }
    return places;
  }

  async #apply(wanted: Wanted): Promise<Pushed> {
    const { path, request, watch } = wanted;
    const tree = await openTree(path);
    try {
      watch.progress({ phase: "comparing", done: 0, of: 0 });
      const { plan, scan } = await compare(wanted, tree);
      const { counts, examples } = plan;
      const changes = { ...counts, foreign: scan.foreign };
      const pushed = { path, changes, examples: shownExamples(examples) };
      if (request.dryRun) return pushed;
      await this.#carryOut(wanted, { tree, plan, scan });
      return pushed;
    } finally {
      await tree?.close();
    }
  }

  async #carryOut(
    wanted: Wanted,
    { tree: given, plan, scan }: { tree: Tree | undefined; plan: FilesPlan; scan: Scan },
  ): Promise<void> {
    const { path, owner, blobs, watch, mode } = wanted;
    const tree = given ?? (await makeTree(path));
    const of = plan.staged.length;
    const options: PlaceOptions = {
      tree,
      plan,
      owner,
      blobs,
      signal: watch.signal,
      wrote: (done) => watch.progress({ phase: "writing", done, of }),
      placed: (done) => watch.progress({ phase: "placing", done, of }),
    };
    try {
      const stamps = await this.#prepare(wanted, options, given === undefined);
      await this.#finish(wanted, options, () => place(options));
      if (!given) await tree.root.dress(mode, owner);
      await this.#remember(wanted, { tree, scan, stamps });
    } finally {
      if (!given) await tree.close();
    }
  }

  /** Everything that can fail for want of room or rights, with nothing touched that was there. */
  async #prepare(
    { path, before, entries, request, owner }: Wanted,
    options: PlaceOptions,
    isNew: boolean,
  ): Promise<ReadonlyMap<string, string>> {
    const { root } = options.tree;
    try {
      const stamps = await stage(options);
      const owned = ownedMeanwhile(before?.owned ?? new Map(), entries);
      await this.#write({ path, state: "applying", request, owner, owned });
      return stamps;
    } catch (thrown) {
      await clearStaging(root).catch(() => undefined);
      if (isNew) await rmdir(path).catch(() => undefined);
      if (options.signal.aborted) throw thrown;
      throw await withFreeSpace(diskError(path, thrown), isNew ? dirname(path) : path);
    }
  }

  async #finish(
    { path }: Wanted,
    { plan }: PlaceOptions,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      const { message, code } = diskError(path, thrown);
      const what = `${message}; some of ${plan.staged.length} files are new, the others as before`;
      throw new PropagitError(code, what, {
        hint: "mend that and push once more, which does the rest",
        cause: thrown,
      });
    }
  }

  async #remember(
    { path, entries, request, owner, before }: Wanted,
    { tree, scan, stamps }: { tree: Tree; scan: Scan; stamps: ReadonlyMap<string, string> },
  ): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, settleMs);
    });
    const owned = new Map<string, OwnedEntry>();
    for (const entry of entries) {
      const stamp = await stampOf(entry, { tree, scan, fresh: stamps.get(entry.path) });
      owned.set(entry.path, { entry, stamp });
    }
    for (const [left, one] of await leftBehind(tree, before, owned)) owned.set(left, one);
    await this.#write({ path, state: "whole", request, owner, owned });
  }

  async #write({
    path,
    state,
    request: { commit, carrier, by },
    owner,
    owned,
  }: Pick<FilesRecord, "path" | "state" | "owner" | "owned"> & {
    readonly request: FilesRequest;
  }): Promise<void> {
    const { clock, records } = this.#options;
    const at = clock.now();
    await records.write({ path, state, commit, carrier: carrier.commit, at, by, owner, owned });
  }
}

/** @throws FILES_REFUSED when something is there that would be touched without being asked to */
async function compare(
  wanted: Wanted,
  tree: Tree | undefined,
): Promise<{ readonly plan: FilesPlan; readonly scan: Scan }> {
  const { entries, owner, before, request, watch, path } = wanted;
  const owned = before?.owned ?? new Map<string, OwnedEntry>();
  const look = { wanted: entries, owned, signal: watch.signal, foreignMax: foreignMax + 1 };
  const scan = tree ? await scanTree(tree, look) : { found: new Map(), foreign: 0 };
  const { replace } = request;
  const sight: FilesSight = { wanted: entries, owned, found: scan.found, owner, replace };
  if (!before && !replace) refuseFull(path, [...scan.found.keys()]);
  if (replace && !request.force) refuseMany(path, scan.foreign, foreignPaths(sight));
  const hashes = new Map<string, string>();
  for (const doubtful of doubtfulFiles(sight)) {
    watch.signal.throwIfAborted();
    const blob = await hashOf(tree, doubtful, sight);
    if (blob !== undefined) hashes.set(doubtful, blob);
  }
  return { plan: planFiles(sight, hashes), scan };
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

async function stampOf(
  entry: FilesEntry,
  { tree, scan, fresh }: { tree: Tree; scan: Scan; fresh: string | undefined },
): Promise<string | undefined> {
  const seen = scan.found.get(entry.path);
  if (entry.kind !== "file") return undefined;
  if (fresh === undefined) return seen?.kind === "file" ? seen.stamp : undefined;
  const { folder, name } = await tree.placeOf(entry.path);
  const now = await folder.look(name);
  // Somebody may have written into it already.
  return now?.kind === "file" && now.stamp.startsWith(`${fresh}-`) ? now.stamp : undefined;
}

/** Folders of former pushes that could not go, as somebody has something in them: the next push tries again. */
async function leftBehind(
  tree: Tree,
  before: FilesRecord | undefined,
  owned: ReadonlyMap<string, OwnedEntry>,
): Promise<readonly (readonly [string, OwnedEntry])[]> {
  const left: [string, OwnedEntry][] = [];
  for (const [path, one] of before?.owned ?? []) {
    if (owned.has(path) || one.entry.kind !== "folder") continue;
    const there = await tree.placeOf(path).then(
      ({ folder, name }) => folder.look(name),
      () => undefined,
    );
    if (there?.kind === "folder") left.push([path, one]);
  }
  return left;
}

async function openTree(path: string): Promise<Tree | undefined> {
  try {
    return new Tree(await Folder.open(path));
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return undefined;
    throw diskError(path, thrown);
  }
}

async function makeTree(path: string): Promise<Tree> {
  try {
    await makeAbove(path);
    await mkdir(path, { mode: 0o700 });
    return new Tree(await Folder.open(path));
  } catch (thrown) {
    throw diskError(path, thrown);
  }
}
