/** Errors of the disk, with what whoever reads them needs to know. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { formatBytes, PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";

/** DATA_UNUSABLE with the reason, and how much is free on that disk where that may be the reason. */
export async function diskFailure(path: string, thrown: unknown): Promise<PropagitError> {
  if (thrown instanceof PropagitError) return thrown;
  const reason = reasons[errnoOf(thrown) ?? ""] ?? errnoOf(thrown) ?? String(thrown);
  const space = await freeSpace(dirname(path));
  const free = space === undefined ? "" : `; ${formatBytes(space)} of disk are free`;
  return new PropagitError("DATA_UNUSABLE", `${path} cannot be used: ${reason}${free}`, {
    cause: thrown,
  });
}

/** In bytes, for those who are not root; undefined when nobody can say. */
export async function freeSpace(folder: string): Promise<number | undefined> {
  const space = await statfs(folder).catch(() => undefined);
  return space && space.bavail * space.bsize;
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full (ENOSPC)",
  EDQUOT: "the quota of this user is used up (EDQUOT)",
  EROFS: "the disk is read-only (EROFS)",
};
