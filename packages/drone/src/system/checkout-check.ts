/**
 * Compares files that were written with what git says they are: content, kind and mode.
 *
 * An index that was read from a tree knows nothing of times and sizes, so `update-index --refresh` reads and
 * hashes every file. What it doubts is not wrong yet: a file whose blob has CR LF under a `text` attribute
 * comes out as it should, and would go in as another blob. Such files are written once more, and compared
 * byte by byte.
 */
import type { Stats } from "node:fs";
import { lstat, mkdir, open, readlink, rm, type FileHandle } from "node:fs/promises";
import { PropagitError, quote, shortCommit, toPropagitError } from "@propagit/protocol";
import { git, type GitRun } from "./git.js";

export interface CheckoutCheck {
  readonly commit: string;
  /** With the files. */
  readonly folder: string;
  /** With index, repository and work tree in its environment. */
  readonly run: GitRun;
}

const listCharsMax = 64 * 2 ** 20;
const chunkBytes = 64 * 1024;

/** @throws DATA_UNUSABLE naming the first file that is not what the commit says */
export async function checkFiles(check: CheckoutCheck): Promise<void> {
  try {
    await git(["update-index", "--refresh", "-q"], check.run);
  } catch (thrown) {
    const error = toPropagitError(thrown);
    if (error.code !== "INTERNAL") throw error;
    await checkDoubtful(check, await doubtful(check.run));
  }
}

/** Names of files, each byte one character. */
async function doubtful(run: GitRun): Promise<readonly string[]> {
  const text = await git(["diff-files", "--name-only", "-z"], {
    ...run,
    outputCharsMax: listCharsMax,
    encoding: "latin1",
  });
  return text.split("\0").filter((path) => path !== "");
}

async function checkDoubtful(
  { commit, folder, run }: CheckoutCheck,
  paths: readonly string[],
): Promise<void> {
  const again = `${run.environment?.["GIT_INDEX_FILE"] ?? folder}.again`;
  try {
    await mkdir(again, { recursive: true });
    await git(["checkout-index", "--quiet", "-z", "--stdin", `--prefix=${again}/`], {
      ...run,
      input: Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1"),
    });
    for (const path of paths) {
      run.signal?.throwIfAborted();
      if (await isSame(placeOf(folder, path), placeOf(again, path))) continue;
      const name = quote(Buffer.from(path, "latin1").toString("utf8"));
      const what = `the checkout of ${shortCommit(commit)} is not what the commit says: ${name} differs`;
      throw new PropagitError("DATA_UNUSABLE", what);
    }
  } finally {
    await rm(again, { recursive: true, force: true });
  }
}

function placeOf(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
}

async function isSame(one: Buffer, other: Buffer): Promise<boolean> {
  const [left, right] = await Promise.all([seen(one), seen(other)]);
  if (!left || !right || kindOf(left) !== kindOf(right)) return false;
  if (left.isSymbolicLink()) return (await readlink(one)) === (await readlink(other));
  return !left.isFile() || (left.size === right.size && (await hasSameBytes(one, other)));
}

async function seen(path: Buffer): Promise<Stats | undefined> {
  return lstat(path).catch(() => undefined);
}

/** As git tells files apart: what its owner may execute is executable. */
function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return "link";
  if (stats.isDirectory()) return "folder";
  return stats.mode & 0o100 ? "program" : "file";
}

/** Of two files of the same size. */
export async function hasSameBytes(one: Buffer | string, other: Buffer | string): Promise<boolean> {
  const files: FileHandle[] = [];
  try {
    for (const path of [one, other]) files.push(await open(path));
    for (let at = 0; ; at += chunkBytes) {
      const [left, right] = await Promise.all(files.map((file) => readChunk(file, at)));
      if (!left || !right || !left.equals(right)) return false;
      if (left.length === 0) return true;
    }
  } finally {
    for (const file of files) await file.close();
  }
}

/** Files that nobody changes are only read short at their end. */
async function readChunk(file: FileHandle, position: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(
    Buffer.allocUnsafe(chunkBytes),
    0,
    chunkBytes,
    position,
  );
  return buffer.subarray(0, bytesRead);
}
