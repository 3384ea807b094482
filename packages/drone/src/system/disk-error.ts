/** Errors of the disk, with what whoever reads them needs to know. */
import { statfs } from "node:fs/promises";
import { formatBytes, PropagitError } from "@propagit/protocol";
import { errnoOf } from "@propagit/runtime";

/** What was thrown, as an error of the catalogue. */
export function diskError(path: string, thrown: unknown): PropagitError {
  if (thrown instanceof PropagitError) return thrown;
  const reason = errnoOf(thrown) ?? String(thrown);
  return new PropagitError("DATA_UNUSABLE", `${path} cannot be written: ${reason}`, {
    cause: thrown,
  });
}

/** How full the disk is, where that may be the reason. */
export async function withFreeSpace(
  failure: PropagitError,
  folder: string,
): Promise<PropagitError> {
  const space = await statfs(folder).catch(() => undefined);
  if (failure.code !== "DATA_UNUSABLE" || !space) return failure;
  const free = formatBytes(space.bavail * space.bsize);
  return new PropagitError(failure.code, `${failure.message}; ${free} of disk are free`, {
    cause: failure,
  });
}
