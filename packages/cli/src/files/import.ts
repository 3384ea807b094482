/**
 * A commit of files as `git fast-import` reads it: contents are read here, once, straight into a pack; git takes
 * no second copy of what it has already. While a file is read, the name that its content has in git is worked
 * out, for the manifest, which comes last. What nobody changed since it was read last is only named.
 */
import { createHash, type Hash } from "node:crypto";
import { constants, type BigIntStats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import {
  contentName,
  encodeFilesManifest,
  manifestName,
  PropagitError,
  quote,
  storedPath,
  type FilesEntry,
  type FilesHead,
} from "@propagit/protocol";
import type { KnownContents } from "./known-contents.js";
import { shown, stampOf, type SourceEntry } from "./source.js";

export interface ImportRequest {
  readonly entries: readonly SourceEntry[];
  readonly head: FilesHead;
  /** Of all files, or all folders, instead of their own. */
  readonly mode: number | undefined;
  readonly folderMode: number | undefined;
  /** Only tell what there is: the manifest without contents. */
  readonly manifestOnly: boolean;
  readonly known: Pick<KnownContents, "blobOf" | "keep">;
}

type SourceFile = Extract<SourceEntry, { kind: "file" }>;

const chunkBytes = 256 * 1024;
const who = "propagit <files@propagit.invalid> 0 +0000";
const message = "Files\n";

/** @throws CHANGED_MEANWHILE when a file changes while it is read */
export function importStream(ref: string, request: ImportRequest): Readable {
  return Readable.from(importOf(ref, request), { objectMode: false });
}

/** Nothing in it differs between two pushes of the same files. */
async function* importOf(ref: string, request: ImportRequest): AsyncGenerator<Buffer> {
  yield Buffer.from(
    `commit ${ref}\nmark :1\nauthor ${who}\ncommitter ${who}\ndata ${message.length}\n${message}`,
  );
  const entries: FilesEntry[] = [];
  for (const entry of request.entries) {
    if (entry.kind !== "file") {
      entries.push(unread(entry, request));
      continue;
    }
    const known = request.known.blobOf(entry);
    if (known !== undefined && !request.manifestOnly) yield fileNamed(entry, known);
    const blob = known ?? (yield* readContent(entry, request));
    request.known.keep(entry, blob);
    const { path, bytes } = entry;
    entries.push({ kind: "file", path, mode: request.mode ?? entry.mode, bytes, blob });
  }
  const manifest = Buffer.from(encodeFilesManifest({ head: request.head, entries }));
  yield fileHead(manifestName, manifest.length);
  yield manifest;
  yield Buffer.from("\nget-mark :1\ndone\n");
}

/** What a file holds, for git, and its name there. */
async function* readContent(
  entry: SourceFile,
  { manifestOnly }: ImportRequest,
): AsyncGenerator<Buffer, string> {
  const hash = createHash("sha1").update(`blob ${entry.bytes}\0`);
  if (!manifestOnly) yield fileHead(contentPath(entry), entry.bytes);
  for await (const chunk of contentOf(entry, hash)) if (!manifestOnly) yield chunk;
  if (!manifestOnly) yield Buffer.from("\n");
  return hash.digest("hex");
}

function unread(
  entry: Exclude<SourceEntry, SourceFile>,
  { folderMode }: ImportRequest,
): FilesEntry {
  const { path } = entry;
  if (entry.kind === "link") return { kind: "link", path, to: entry.to };
  return { kind: "folder", path, mode: folderMode ?? entry.mode };
}

function contentPath({ path }: SourceFile): string {
  return `${contentName}/${storedPath(path)}`;
}

function fileNamed(entry: SourceFile, blob: string): Buffer {
  return Buffer.from(`M 100644 ${blob} "${contentPath(entry)}"\n`);
}

function fileHead(path: string, bytes: number): Buffer {
  return Buffer.from(`M 100644 inline "${path}"\ndata ${bytes}\n`);
}

async function* contentOf(entry: SourceFile, hash: Hash): AsyncGenerator<Buffer> {
  const file = await openFile(entry);
  try {
    check(entry, await file.stat({ bigint: true }));
    for (let at = 0; at < entry.bytes;) {
      const length = Math.min(chunkBytes, entry.bytes - at);
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) throw changed(entry);
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      yield chunk;
      at += bytesRead;
    }
    check(entry, await file.stat({ bigint: true }));
  } finally {
    await file.close();
  }
}

async function openFile(entry: SourceFile): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  return open(entry.place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((thrown: unknown) => {
    const { code } = thrown as { code?: unknown };
    if (code === "ENOENT" || code === "ELOOP") throw changed(entry);
    throw new PropagitError(
      "BAD_USAGE",
      `${entry.place.toString()} cannot be read: ${String(code)}`,
      {
        hint: "mend that, or leave it out with --exclude",
        cause: thrown,
      },
    );
  });
}

function check(entry: SourceFile, now: BigIntStats): void {
  if (stampOf(now) !== entry.stamp) throw changed(entry);
}

function changed({ path }: SourceFile): PropagitError {
  return sourceChanged(path);
}

export function sourceChanged(path: string): PropagitError {
  return new PropagitError(
    "CHANGED_MEANWHILE",
    `${quote(shown(path))} changed while it was read; nothing was pushed`,
    {
      hint: "push again when nobody writes there",
    },
  );
}
