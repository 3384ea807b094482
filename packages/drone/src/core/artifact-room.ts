/** Whether a commit fits on a disk, and what the drone may not fill. */

export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

export interface Room {
  readonly fits: boolean;
  readonly freeBytes: number;
  readonly neededBytes: number;
}

/** Its objects in the repository and its files beside them: neither is larger than the files. */
const copies = 2;
/**
 * Left for logs, registrations and whoever shares the disk: a full disk stops more than what filled it.
 * One in twenty, as file systems themselves keep for root; of a large disk a GiB is enough.
 */
const reserveShare = 0.05;
const reserveBytesMax = 2 ** 30;

/** @param bytes of the commit's files; 0 when they are here already */
export function roomFor(bytes: number, { totalBytes, freeBytes }: Space): Room {
  if (bytes === 0) return { fits: true, freeBytes, neededBytes: 0 };
  const reserve = Math.min(totalBytes * reserveShare, reserveBytesMax);
  const neededBytes = Math.ceil(bytes * copies + reserve);
  return { fits: freeBytes >= neededBytes, freeBytes, neededBytes };
}
