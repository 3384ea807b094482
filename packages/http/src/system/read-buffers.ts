/**
 * What sockets read into. Small messages share one buffer per thread: whoever is read to uses its bytes up, or
 * copies the rest, before the next one is read; so an idle connection owns nothing. What is large gets a
 * buffer of its own while it lasts, whose bytes go on without being copied.
 */

export interface ReadBuffer {
  /** All of it, with room in front where a head may grow. */
  readonly bytes: Buffer;
  /** Where the kernel writes. */
  readonly window: Buffer;
}

export const headRoom = 2_048;
/** What Node writes as one string without an allocation of its own. */
export const sharedBytes = 14 * 1024;
/** 64 KB cost 15 % more at 100 KB answers, 11 % at 1 MB. */
const bulkBytes = 512 * 1024;
/** Kept for the next one: 8 MB. */
const spareMax = 32;
/**
 * In use at the same time: 128 MB a thread. A slow visitor holds one until he has taken what is in it, so ten thousand of
 * them would hold 5 GB; whoever finds none left reads on into the shared one, which costs more time and no memory.
 */
export const bulkBuffersMax = 256;

export const sharedBuffer = make(sharedBytes);
const spares: ReadBuffer[] = [];
let bulkCount = 0;

/** Bulk buffers in use in this thread. */
export function bulkBuffersInUse(): number {
  return bulkCount;
}

/** From half on they are for those only who fill what they read into. */
export function isBulkScarce(): boolean {
  return bulkCount >= bulkBuffersMax / 2;
}

/** @returns the shared one when there is none left */
export function takeBulkBuffer(): ReadBuffer {
  if (bulkCount >= bulkBuffersMax) return sharedBuffer;
  bulkCount++;
  return spares.pop() ?? make(bulkBytes);
}

/** To be called when nobody reads or sends its bytes any more. */
export function giveBulkBuffer(buffer: ReadBuffer): void {
  bulkCount--;
  if (spares.length < spareMax) spares.push(buffer);
}

function make(size: number): ReadBuffer {
  const bytes = Buffer.allocUnsafeSlow(headRoom + size);
  return { bytes, window: bytes.subarray(headRoom) };
}
