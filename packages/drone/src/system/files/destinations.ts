/** Places that files are pushed to, on a real disk; see `core/files-plan.ts` for what a push does there. */
import { mkdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  filesRepo,
  manifestName,
  namesHome,
  parseFilesManifest,
  PropagitError,
  type FilesEntry,
  type FilesManifest,
  type FilesPlace,
} from "@propagit/protocol";
import { errnoOf, type Clock } from "@propagit/runtime";
import type { FilesPlan } from "../../core/files-plan.js";
import { homeChanges, homeParts } from "../../core/files-home.js";
import { ownedMeanwhile, type FilesRecord, type OwnedEntry } from "../../core/files-record.js";
import type { Destinations, FilesRequest, FilesWatch, Pushed, StatusOptions } from "../../files.js";
import type { CommitName } from "../../world.js";
import type { BareRepositories } from "../bare-repositories.js";
import { diskError, withFreeSpace } from "../disk-error.js";
import { Blobs } from "./blobs.js";
import {
  guardDestination,
  homeFolder,
  makeAbove,
  resolveDestination,
  resolveOwner,
} from "./destination.js";
import { Folder } from "./folder.js";
import { compare, none, sharedWith, textOf, type Given, type Wanted } from "./compare.js";
import { clearStaging, place, stage, type PlaceOptions } from "./place.js";
import type { FilesRecords } from "./records.js";
import type { Scan } from "./scan.js";
import { placeStatus, shownExamples } from "./status.js";
import { Tree } from "./tree.js";

export interface DestinationsOptions {
  readonly clock: Pick<Clock, "now">;
  readonly repositories: Pick<BareRepositories, "work">;
  readonly records: FilesRecords;
  /** The drone's own. */
  readonly dataFolder: string;
}

const manifestBytesMax = 256 * 2 ** 20;
/**
 * Between the last change of a file and the look at its times: longer than the kernel's clock stands still
 * (10 ms at 100 Hz), so that every later change shows another time.
 */
const settleMs = 20;

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
    const { repositories } = this.#options;
    const isHome = namesHome(request.path);
    // Whatever is refused is before anything is read.
    const path = isHome ? await homeFolder() : await this.#destination(request.path);
    return repositories.work(request.carrier, async (repo) => {
      const blobs = new Blobs(repo);
      try {
        const text = await blobs.text(`${request.commit}:${manifestName}`, manifestBytesMax);
        const manifest = parseFilesManifest(text);
        const { head, entries } = manifest;
        const owner = await resolveOwner(head.owner);
        const given = { request, owner, blobs, watch };
        if (isHome) return await this.#intoHome(path, manifest, given);
        return await this.#apply(await this.#wanted(path, { ...given, entries, mode: head.mode }));
      } finally {
        blobs.close();
      }
    });
  }

  /** Each under its own name; nothing is touched when one of them is refused. */
  async #intoHome(home: string, manifest: FilesManifest, given: Given): Promise<Pushed> {
    const { folders, files } = homeParts(manifest);
    const parts: { readonly name: string; readonly wanted: Wanted }[] = [];
    for (const { name, mode, entries } of folders) {
      const path = await this.#destination(join(home, textOf(name)));
      parts.push({ name, wanted: await this.#wanted(path, { ...given, entries, mode }) });
    }
    for (const { path } of files) await this.#guard(join(home, textOf(path)));
    if (files.length > 0) {
      const { mode } = manifest.head;
      const wanted = await this.#wanted(home, { ...given, entries: files, mode });
      parts.push({ name: "", wanted: sharedWith(wanted) });
    }
    const { request } = given;
    const dry = { ...request, dryRun: true };
    const apply = async (how: FilesRequest) => {
      const pushed = [];
      for (const { name, wanted } of parts) {
        pushed.push({ name, ...(await this.#apply({ ...wanted, request: how })) });
      }
      return { path: home, ...homeChanges(pushed) };
    };
    const would = await apply(dry);
    return request.dryRun ? would : apply(request);
  }

  async #wanted(path: string, given: Given & Pick<Wanted, "entries" | "mode">): Promise<Wanted> {
    const before = await this.#options.records.read(path);
    return { ...given, path, before, beside: undefined };
  }

  /** @throws FILES_REFUSED */
  async #destination(asked: string): Promise<string> {
    const path = await resolveDestination(asked);
    await this.#guard(path);
    return path;
  }

  /** @throws FILES_REFUSED */
  async #guard(path: string): Promise<void> {
    const { records, dataFolder } = this.#options;
    await guardDestination(path, { dataFolder, others: records.heads.map((head) => head.path) });
  }

  async status(
    path: string | undefined,
    { verify, signal }: StatusOptions,
  ): Promise<readonly FilesPlace[]> {
    const { records } = this.#options;
    const home = await homeFolder();
    const isWanted = await wantedPlaces(path, home);
    const places: FilesPlace[] = [];
    for (const head of records.heads.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
      if (!isWanted(head.path)) continue;
      const record = await records.read(head.path);
      const isShared = head.path === home;
      if (record) places.push(await placeStatus(record, { verify, signal, isShared }));
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
    { path, before, beside = none, entries, request, owner }: Wanted,
    options: PlaceOptions,
    isNew: boolean,
  ): Promise<ReadonlyMap<string, string>> {
    const { root } = options.tree;
    try {
      const stamps = await stage(options);
      const owned = ownedMeanwhile(new Map([...beside, ...(before?.owned ?? none)]), entries);
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
    { path, entries, request, owner, before, beside = none }: Wanted,
    { tree, scan, stamps }: { tree: Tree; scan: Scan; stamps: ReadonlyMap<string, string> },
  ): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, settleMs);
    });
    const owned = new Map<string, OwnedEntry>(beside);
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

/** Of the home folder everything that was pushed right into it. @throws FILES_REFUSED */
async function wantedPlaces(
  asked: string | undefined,
  home: string,
): Promise<(path: string) => boolean> {
  if (asked === undefined) return () => true;
  if (namesHome(asked)) return (path) => path === home || dirname(path) === home;
  const wanted = await resolveDestination(asked);
  return (path) => path === wanted;
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
