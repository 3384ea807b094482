/** What SQLite and the file system say, in words for the owner of the machine. */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";
import { resultCodeOf } from "./sqlite.js";

const damaged = "it is damaged, or no file of this program";
const full = "the disk is full";
const readOnly = "the disk or the file is read-only";

/** By primary result code of SQLite. */
const reasonsOfSqlite: Readonly<Record<number, string>> = {
  3: "its mode forbids it",
  8: readOnly,
  10: "the disk reports an error",
  11: damaged,
  13: full,
  14: "it cannot be opened or made",
  26: damaged,
};

const reasonsOfSystem: Readonly<Record<string, string>> = {
  EACCES: "its mode or that of its folder forbids it",
  EEXIST: "a part of its path is a file",
  EISDIR: "it is a folder",
  ENOSPC: full,
  ENOTDIR: "a part of its path is a file",
  EPERM: "its mode or that of its folder forbids it",
  EROFS: readOnly,
};

const busy = 5;
const locked = 6;

/** Any failure at the file as an error of the catalogue. */
export function fileError(path: string, thrown: unknown): PropagitError {
  if (thrown instanceof PropagitError) return thrown;
  const code = resultCodeOf(thrown);
  if (code === busy || code === locked) {
    return new PropagitError("DATA_IN_USE", `another process works with ${path}`, {
      cause: thrown,
    });
  }
  return unusable(path, `${reasonFor(code, thrown)} (${detailOf(thrown)})`, thrown);
}

export function unusable(path: string, reason: string, cause?: unknown): PropagitError {
  return new PropagitError("DATA_UNUSABLE", `${path} cannot be used: ${reason}`, { cause });
}

function reasonFor(code: number | undefined, thrown: unknown): string {
  // Only rows of the store are parsed while a file is at work.
  if (thrown instanceof SyntaxError) return damaged;
  if (code !== undefined) return reasonsOfSqlite[code] ?? `SQLite refuses with ${code}`;
  return reasonsOfSystem[errnoOf(thrown) ?? ""] ?? "it cannot be read or written";
}

function detailOf(thrown: unknown): string {
  return (resultCodeOf(thrown) === undefined && errnoOf(thrown)) || toPropagitError(thrown).message;
}
