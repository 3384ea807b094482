/**
 * Cutting a file that somebody appends to: its end goes to `.1`, and it begins again at 0.
 *
 *     copy, others work between the parts     the app may write faster than this, so only some rounds of it
 *     copy to the end, uninterrupted  <──┐
 *     wait for the write that is going on│
 *     has the file grown? ── yes ────────┘    also only some rounds
 *     cut, once it has not grown twice
 *
 * A reader sees a write while it is going on, and the cut waits until it is over: without waiting before the
 * last look, all that such a write had yet to bring, up to megabytes, would be cut away unread, and with it
 * what the app said last. So what is lost is only what begins to be written between that look and the cut,
 * some microseconds.
 */
import {
  closeSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { rm } from "node:fs/promises";

const partBytes = 1024 * 1024;
/** An app that writes faster than it is copied does not keep the copying going for ever. */
const copyRoundsMax = 4;
/** Nor does one that is never found between two writes. */
const restRoundsMax = 8;
/** A write that waited for the end of the one before is not seen at the first look. */
const quietRoundsMin = 2;

/** A copy of the end of a file. */
interface Copy {
  readonly source: number;
  readonly target: number;
  /** Where in the source it begins. */
  from: number;
  /** Of the first byte in the source that is not copied. */
  position: number;
}

/**
 * Moves the end of a file to `.1` and cuts it; gives how much of its beginning was left out. `.1` has at most
 * twice `bytesMax`, and more than once only when so much was written while it was copied. A disk that has no room for the copy gets the room: everything is dropped then.
 */
export async function copyAndCut(path: string, bytesMax: number): Promise<number> {
  const source = openSync(path, "r+");
  try {
    const dropped = await copyTo(`${path}.1`, source, bytesMax).catch(async () => {
      await rm(`${path}.1.new`, { force: true });
      return fstatSync(source).size;
    });
    ftruncateSync(source);
    return dropped;
  } finally {
    closeSync(source);
  }
}

/** Nothing may come between its end and the cut. */
async function copyTo(path: string, source: number, bytesMax: number): Promise<number> {
  const target = openSync(`${path}.new`, "w", 0o600);
  try {
    const buffer = Buffer.allocUnsafe(partBytes);
    const copy: Copy = { source, target, from: 0, position: 0 };
    for (let round = 0; round < copyRoundsMax; round++) {
      const { size } = fstatSync(source);
      if (round > 0 && size - copy.position <= partBytes) break;
      beginNear(copy, size - bytesMax);
      while (copy.position < size && copyPart(copy, buffer, size) > 0) {
        // Others may work between the parts.
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    }
    // Before the uninterrupted part, which it would only make longer.
    renameSync(`${path}.new`, path);
    copyRest(copy, buffer, bytesMax);
    return copy.from;
  } finally {
    closeSync(target);
  }
}

function copyRest(copy: Copy, buffer: Buffer, bytesMax: number): void {
  const { source } = copy;
  let quietRounds = 0;
  for (let round = 0; round < restRoundsMax && quietRounds < quietRoundsMin; round++) {
    const { size } = fstatSync(source);
    // So far behind, or grown so much meanwhile, the newest is worth more than what was before.
    if (size - copy.from > 2 * bytesMax) beginNear(copy, size - bytesMax);
    while (copy.position < size && copyPart(copy, buffer, size) > 0);
    waitForWrite(source);
    quietRounds = fstatSync(source).size === copy.position ? quietRounds + 1 : 0;
  }
}

function beginNear(copy: Copy, position: number): void {
  copy.from = Math.max(0, position);
  copy.position = copy.from;
  ftruncateSync(copy.target);
}

/** Up to `end`. */
function copyPart(copy: Copy, buffer: Buffer, end: number): number {
  const { source, target, from, position } = copy;
  const length = Math.min(buffer.length, end - position);
  const bytes = readSync(source, buffer, 0, length, position);
  writeSync(target, buffer, 0, bytes, position - from);
  copy.position += bytes;
  return bytes;
}

/**
 * Changes nothing: the kernel lets no change of a file's mode in while the file is written to, and so it
 * returns when the write is over. Whoever may not do that, for the file is another's, has not waited.
 */
function waitForWrite(file: number): void {
  try {
    fchmodSync(file, fstatSync(file).mode & 0o7777);
  } catch {
    // More of a write may be lost then.
  }
}
