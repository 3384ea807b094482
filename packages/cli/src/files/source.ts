/**
 * What is to be pushed, as it lies on this machine. As rsync has it: `site` is the folder and goes below the
 * destination by its name, `site/` is what is in it. Links inside stay links, wherever they lead; one that is
 * named on the command line is followed.
 */
import { lstat, readdir, readlink, realpath, stat } from "node:fs/promises";
import type { BigIntStats } from "node:fs";
import { basename, resolve } from "node:path";
import { filesLimits, PropagitError, quote, stagingName } from "@propagit/protocol";
import { matchesPath, parsePatterns, type Pattern } from "@propagit/drone";
import { errnoOf } from "@propagit/runtime";

interface Seen {
  /** Below the destination; one character for each byte, as names need not be UTF-8. */
  readonly path: string;
  /** Where it is here. */
  readonly place: Buffer;
  readonly mode: number;
  /** Size, times, inode: as long as they are the same, nobody has changed it. */
  readonly stamp: string;
}

export type SourceEntry =
  | (Seen & { readonly kind: "folder" })
  | (Seen & { readonly kind: "file"; readonly bytes: number })
  | (Seen & { readonly kind: "link"; readonly to: string });

export interface Source {
  /** By path; a folder before what is in it. */
  readonly entries: readonly SourceEntry[];
  /** Of the destination itself: that of the only folder whose contents are pushed. */
  readonly mode: number | undefined;
  /** Folders of git, which people rarely mean. */
  readonly repositories: readonly string[];
}

/** Read, write, execute; setuid and its like are not handed out. */
const modeMask = 0o777;

/** @throws BAD_USAGE when something cannot be read or pushed */
export async function readSource(
  names: readonly string[],
  exclude: readonly string[],
): Promise<Source> {
  const patterns = parsePatterns(exclude);
  const entries = new Map<string, SourceEntry>();
  const tops: number[] = [];
  for (const name of names) {
    const isContents = meansContents(name);
    const place = await placeOf(name);
    const prefix = isContents ? "" : latin(basename(resolve(name)));
    if (isContents) tops.push(await modeOfFolder(place, name));
    for await (const entry of walk(place, prefix, patterns)) add(entries, entry);
  }
  const repositories = [...entries.values()].filter(isRepository).map(({ path }) => path);
  const sorted = [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return { entries: sorted, mode: tops.length === 1 ? tops[0] : undefined, repositories };
}

/** What is in the folder is meant, and not the folder by its name. */
export function meansContents(name: string): boolean {
  return /(?:^|\/)(?:\.{0,2})$/.test(name);
}

/** The first thing that is not as it was seen before; undefined when nothing changed. */
export function firstChange(before: Source, now: Source): string | undefined {
  const stamps = new Map(now.entries.map(({ path, stamp }) => [path, stamp]));
  const changed = before.entries.find(({ path, stamp }) => stamps.get(path) !== stamp);
  if (changed) return changed.path;
  const known = new Set(before.entries.map(({ path }) => path));
  return now.entries.find(({ path }) => !known.has(path))?.path;
}

/** Names are bytes; one that is no text is shown as far as it is. */
export function shown(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

export function stampOf({ size, mtimeNs, ctimeNs, ino, mode }: BigIntStats): string {
  return [size, mtimeNs, ctimeNs, ino, mode].join("-");
}

/** When anything of it changed last, in ms since 1970: nobody can set that time. */
export function changedAtMs(stamp: string): number {
  const [, , ctimeNs = "0"] = stamp.split("-");
  return Number(BigInt(ctimeNs) / 1_000_000n);
}

async function placeOf(name: string): Promise<Buffer> {
  try {
    return Buffer.from(await realpath(name));
  } catch (thrown) {
    throw unreadable(name, thrown);
  }
}

async function modeOfFolder(place: Buffer, name: string): Promise<number> {
  const seen = await stat(place);
  if (seen.isDirectory()) return seen.mode & modeMask;
  throw new PropagitError("BAD_USAGE", `${quote(name)} is no folder`, {
    hint: "leave the slash at its end out",
  });
}

/** Itself when it has a name, and everything below it that is not left out. */
async function* walk(
  top: Buffer,
  prefix: string,
  patterns: readonly Pattern[],
): AsyncGenerator<SourceEntry> {
  const waiting = [{ place: top, path: prefix, inside: "" }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const entry = await look(next.path, next.place);
    if (next.path !== "") yield entry;
    if (entry.kind !== "folder") continue;
    for (const name of await namesIn(next.place)) {
      const inside = next.inside === "" ? name : `${next.inside}/${name}`;
      const place = Buffer.concat([next.place, Buffer.from("/"), Buffer.from(name, "latin1")]);
      if (await isLeftOut(patterns, inside, place)) continue;
      waiting.push({ place, path: next.path === "" ? name : `${next.path}/${name}`, inside });
    }
  }
}

async function isLeftOut(
  patterns: readonly Pattern[],
  inside: string,
  place: Buffer,
): Promise<boolean> {
  if (patterns.length === 0) return false;
  const isFolder = (await lstat(place).catch(() => undefined))?.isDirectory() ?? false;
  return matchesPath(patterns, shown(inside), isFolder);
}

async function namesIn(folder: Buffer): Promise<readonly string[]> {
  const names = await readdir(folder, { encoding: "buffer" }).catch((thrown: unknown) => {
    throw unreadable(folder.toString(), thrown);
  });
  return names.map((name) => name.toString("latin1"));
}

async function look(path: string, place: Buffer): Promise<SourceEntry> {
  const seen = await lstat(place, { bigint: true }).catch((thrown: unknown) => {
    throw unreadable(place.toString(), thrown);
  });
  const stamp = stampOf(seen);
  const entry = { path, place, mode: Number(seen.mode) & modeMask, stamp };
  if (seen.isDirectory()) {
    // What is in it has stamps of its own; its size and times change with files that are left out.
    return { ...entry, kind: "folder", stamp: `${seen.ino}-${seen.mode}` };
  }
  if (seen.isFile()) return { ...entry, kind: "file", bytes: Number(seen.size) };
  if (seen.isSymbolicLink()) {
    const to = await readlink(place, { encoding: "buffer" });
    return { ...entry, kind: "link", to: to.toString("latin1") };
  }
  throw new PropagitError("BAD_USAGE", `${place.toString()} is a socket, pipe or device`, {
    hint: "leave it out with --exclude",
  });
}

/** @throws BAD_USAGE when another source brought something else under the same path */
function add(entries: Map<string, SourceEntry>, entry: SourceEntry): void {
  const { path, kind } = entry;
  const other = entries.get(path);
  if (other && (kind !== "folder" || other.kind !== "folder")) {
    throw new PropagitError("BAD_USAGE", `two sources bring ${quote(shown(path))}`, {
      hint: "push them to places of their own, or leave one out with --exclude",
    });
  }
  if (path === stagingName || path.length > filesLimits.pathBytes) {
    throw new PropagitError("BAD_USAGE", `${quote(shown(path))} cannot have this name on a drone`, {
      hint: "leave it out with --exclude, or push from a folder further down",
    });
  }
  if (entries.size >= filesLimits.entries) {
    throw new PropagitError("TOO_LARGE", `there are more than ${filesLimits.entries} files`, {
      hint: "leave some out with --exclude, or push in several parts",
    });
  }
  entries.set(path, entry);
}

function isRepository({ path, kind }: SourceEntry): boolean {
  return kind === "folder" && /(?:^|\/)\.git$/.test(path);
}

function unreadable(place: string, thrown: unknown): PropagitError {
  const reason = errnoOf(thrown) ?? String(thrown);
  return new PropagitError("BAD_USAGE", `${place} cannot be read: ${reason}`, {
    hint: "mend that, or leave it out with --exclude",
    cause: thrown,
  });
}

function latin(name: string): string {
  return Buffer.from(name).toString("latin1");
}
