/**
 * What a push of files brings, as the text `manifest` at the top of its commit; the contents lie beside it:
 *
 *     manifest       {"files":1,"owner":"www","mode":493}      first line: of the destination itself
 *                    ["d","assets",493]                        a folder: path, mode
 *                    ["f","assets/a.css",420,1234,"<blob>"]    a file: path, mode, bytes, the blob of its content
 *                    ["l","assets/b.css","a.css"]              a link: path, where it leads
 *     content/…      the same files, under names that git takes; see `storedName`
 *
 * So names, modes and empty folders are what they are, whatever git thinks of them, and git still finds what
 * did not change and what changed little. A drone reads the manifest and then blobs; the names below
 * `content/` mean nothing to it.
 *
 * Paths are bytes: here one character for each (latin1), with slashes, relative to the destination.
 */
import { PropagitError } from "./errors.js";
import { quote } from "./ids.js";
import { parseJson } from "./shape.js";

export interface FilesHead {
  /** `user`, `user:group` or numbers; undefined: whoever the drone runs as. */
  readonly owner?: string;
  /** Of the destination itself, where it is made. */
  readonly mode: number;
}

export type FilesEntry =
  | { readonly kind: "folder"; readonly path: string; readonly mode: number }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly bytes: number;
      readonly blob: string;
    }
  | { readonly kind: "link"; readonly path: string; readonly to: string };

export interface FilesManifest {
  readonly head: FilesHead;
  /** A folder before what is in it. */
  readonly entries: readonly FilesEntry[];
}

/** Name of the manifest in its commit, and of the folder beside it. */
export const manifestName = "manifest";
export const contentName = "content";
/** Being written at a destination; nothing that is pushed may have this name there. */
export const stagingName = ".propagit-files";

export const filesLimits = { entries: 500_000, bytes: 64 * 2 ** 30, pathBytes: 4_000 } as const;
/** Read, write, execute for owner, group and others; no setuid, which a push should not hand out. */
const modeMax = 0o777;

export function encodeFilesManifest({ head, entries }: FilesManifest): string {
  const { owner, mode } = head;
  const first = { files: 1, ...(owner !== undefined && { owner }), mode };
  return [first, ...entries.map(filesEntryFields)]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

/** @throws BAD_FRAME */
export function parseFilesManifest(text: string): FilesManifest {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw bad("it is cut off");
  const [first = "", ...rest] = lines;
  if (rest.length > filesLimits.entries) throw bad(`it has ${rest.length} entries`);
  const entries = rest.map(parseFilesEntry);
  checkTree(entries);
  return { head: parseHead(first), entries };
}

/** One line of a manifest. @throws BAD_FRAME */
export function parseFilesEntry(line: string): FilesEntry {
  const value = parseJson(line);
  const [kind, path, ...rest] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof path !== "string" || !isPath(path)) throw bad(`${quote(line)} has no good path`);
  const entry = entryOf(kind, path, rest);
  if (entry) return entry;
  throw bad(`${quote(line)} is no entry`);
}

/** Of a name that a folder can have the one that it has in git: every other name stays what it is. */
export function storedName(name: string): string {
  // `~` too: by short names of other systems (`git~1`) git knows its own files again.
  const plain = name.replaceAll(/[^ !#-$&-.0-[\]-}]/g, escape);
  // `.git` and its like, `.gitmodules` and what else git reads by itself.
  return /^(?:\.git|\.\.?$)/i.test(plain) ? `${escape(".")}${plain.slice(1)}` : plain;
}

/** As `storedName`, of a whole path. */
export function storedPath(path: string): string {
  return path.split("/").map(storedName).join("/");
}

/** The folder that something is in; empty at the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** An entry as the array that its line holds. */
export function filesEntryFields(entry: FilesEntry): readonly unknown[] {
  switch (entry.kind) {
    case "folder":
      return ["d", entry.path, entry.mode];
    case "file":
      return ["f", entry.path, entry.mode, entry.bytes, entry.blob];
    case "link":
      return ["l", entry.path, entry.to];
    default:
      return entry satisfies never;
  }
}

function entryOf(kind: unknown, path: string, rest: readonly unknown[]): FilesEntry | undefined {
  const [first, bytes, blob] = rest;
  if (kind === "d" && isMode(first)) return { kind: "folder", path, mode: first };
  if (kind === "l" && typeof first === "string" && isTarget(first)) {
    return { kind: "link", path, to: first };
  }
  if (kind !== "f" || !isMode(first) || !isCount(bytes) || !isBlob(blob)) return undefined;
  return { kind: "file", path, mode: first, bytes, blob };
}

function parseHead(line: string): FilesHead {
  const value = (parseJson(line) ?? {}) as { files?: unknown; owner?: unknown; mode?: unknown };
  const { files, owner, mode } = value;
  if (files !== 1 || !isMode(mode)) throw bad(`${quote(line)} is no head of this version`);
  if (owner === undefined) return { mode };
  if (typeof owner !== "string" || !isOwner(owner)) throw bad(`${quote(line)} has no good owner`);
  return { owner, mode };
}

/** `user`, `user:group`, `:group`, or numbers. */
export function isOwner(text: string): boolean {
  return /^(?=.)(?:[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?)?(?::[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?)?$/.test(
    text,
  );
}

/** Relative, without anything that leads elsewhere, one character for each byte. */
function isPath(path: string): boolean {
  if (!isBytes(path)) return false;
  const names = path.split("/");
  if (names[0] === stagingName) return false;
  return names.every((name) => name !== "" && name !== "." && name !== ".." && name.length <= 255);
}

function isTarget(to: string): boolean {
  return to !== "" && isBytes(to);
}

/** What a system can take as a path: one character for each byte, and no zero byte. */
function isBytes(text: string): boolean {
  return (
    text.length <= filesLimits.pathBytes && !text.includes("\0") && !/[\u0100-\uffff]/.test(text)
  );
}

function isMode(mode: unknown): mode is number {
  return isCount(mode) && mode <= modeMax;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isBlob(value: unknown): value is string {
  return typeof value === "string" && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value);
}

/** Each path once, and a folder before what is in it: so that nothing is ever written through a link. */
function checkTree(entries: readonly FilesEntry[]): void {
  const known = new Set<string>();
  const folders = new Set([""]);
  for (const { kind, path } of entries) {
    if (known.has(path)) throw bad(`${quote(path)} is there twice`);
    if (!folders.has(folderOf(path))) throw bad(`${quote(path)} is in no folder`);
    known.add(path);
    if (kind === "folder") folders.add(path);
  }
}

function escape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function bad(reason: string): PropagitError {
  return new PropagitError("BAD_FRAME", `the manifest of a push of files is wrong: ${reason}`);
}
