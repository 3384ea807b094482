/** Whether a drone's disk is so full that releases are not kept running for a while any more. */
import type { Machine } from "@propagit/protocol";

/**
 * Both have to hold: a tenth of a big disk is plenty, and 5 GiB (a guess: several checkouts with their
 * dependencies) may be most of a small one.
 */
const freePercentMin = 10;
const freeBytesMin = 5 * 1024 ** 3;

export function isNearlyFull({ diskBytes, diskFreeBytes }: Machine): boolean {
  if (diskBytes === 0) return false;
  return diskFreeBytes < freeBytesMin && diskFreeBytes * 100 < diskBytes * freePercentMin;
}
