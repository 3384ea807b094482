/**
 * How much of a piece to send at once. A block holds up whatever is said behind it (`have`, `cancel`), and each one
 * costs a reading of the file, some turns of the event loop and a call of the kernel: so it is as long as a line
 * takes in some ten milliseconds, between two bounds.
 */
import { blockBytesMax } from "./frames.js";

/** On lines that are slow, or not known yet: a quarter of a second at a MB/s. */
export const blockBytesMin = 256 * 1024;
/** What a line takes within it is no delay to anybody; a guess. */
const takenMs = 40;

/** The length of the next block, after one of so many bytes was taken within so long. */
export function nextBlockBytes(bytes: number, tookMs: number): number {
  const withinMs = (bytes * takenMs) / Math.max(tookMs, 1);
  return withinMs >= blockBytesMax ? blockBytesMax : blockBytesMin;
}
