/**
 * What a parsed head is: places in the buffer that it was read from, numbers, and no strings. One object serves a
 * connection for all its messages.
 *
 *     GET /x?y HTTP/1.1␍␊Host: a.example␍␊Accept: text␍␊␍␊body…
 *     start                nameStart      valueEnd         end
 *
 * A parser returns the index after the head, or says in one word that it is not whole, or bad. A head that is not
 * whole is handed in again with more bytes, also when they lie elsewhere by then: the line in work is found
 * again, what came before it is never read twice.
 */
import { valueBytes } from "./characters.js";

/** More bytes are wanted: call again with the same head. */
export const incomplete = -1;
/** Refused: `badStatus` and `badReason` say why. What comes after it on the connection has no meaning. */
export const bad = -2;

/** Numbers for each field: where its name starts and ends, its value, and which known name it has. */
export const fieldStride = 5;

/** Each is a count, or in bytes. */
export interface HeadLimits {
  /** Of the whole head, its blank line included. */
  readonly headBytesMax: number;
  readonly fieldsMax: number;
  readonly targetBytesMax: number;
}

/** nginx takes 4 × 8 KiB, HAProxy 15 KiB and 101 fields, Node 16 KiB. */
export const defaultHeadLimits: HeadLimits = {
  headBytesMax: 32 * 1024,
  fieldsMax: 128,
  targetBytesMax: 8 * 1024,
};

const fieldsAtFirst = 24;

export class Head {
  /** Of the message's first byte. */
  start = 0;
  /** After the blank line; where the body starts. */
  end = 0;
  /** Of the first field's line, and of the blank line. */
  fieldsStart = 0;
  fieldsEnd = 0;
  versionMinor = 1;
  /** In bytes; -1 when there is no such field. */
  contentLength = -1;
  isChunked = false;
  /** What version and Connection say; an odd framing may forbid it as well. */
  keepAlive = true;
  /** `fieldStride` numbers for each of `fieldCount` fields. */
  fields: Int32Array = new Int32Array(fieldsAtFirst * fieldStride);
  fieldCount = 0;
  /** Start and end of what Connection names beyond its own words: those fields end here. */
  options: readonly number[] = noOptions;
  /** The protocol to change to; -1: none. */
  upgradeStart = -1;
  upgradeEnd = -1;
  badStatus = 0;
  badReason = "";
  /** Its bytes in latin1 from `start` on, once somebody wanted a string of some; see `textOf`. */
  text = "";
  /** Where to go on when more bytes come: the line in work, and up to where it has been searched for its end. */
  resume = noResume;
  searched = 0;
  hasFirstLine = false;

  /** Forgets a head that is not whole. */
  reset(): void {
    this.resume = noResume;
  }

  /** Follows bytes that were moved, before the head is whole. */
  move(by: number): void {
    const { fields } = this;
    this.start += by;
    this.resume += by;
    this.fieldsStart += by;
    this.searched += by;
    for (let at = 0; at < this.fieldCount * fieldStride; at++) {
      if (at % fieldStride !== fieldStride - 1) fields[at] = (fields[at] as number) + by;
    }
  }
}

const noResume = -1;
const noOptions: readonly number[] = [];

/**
 * Bytes of a whole head in latin1. The first call makes one string of the head and what follows are cuts of it: a
 * string of its own for each place costs several times as much. A cut keeps the whole alive: copy what
 * is to be kept for long.
 */
export function textOf(bytes: Buffer, head: Head, from: number, to: number): string {
  if (head.text === "") head.text = bytes.toString("latin1", head.start, head.end);
  return head.text.slice(from - head.start, to - head.start);
}

/** Makes the head ready for a message at `start`, or follows one that has begun to where its bytes are now. */
export function beginHead(head: Head, start: number): void {
  if (head.resume === noResume) return beginAnew(head, start);
  if (start !== head.start) head.move(start - head.start);
}

/**
 * Whether the line in work is still without an end. Only bytes that are new are looked at, so that a head that
 * comes byte by byte costs little more than one that comes whole; what no line may have ends it, too.
 */
export function isLineOpen(bytes: Buffer, end: number, head: Head): boolean {
  if (head.resume === noResume) return false;
  for (let at = head.searched; at < end; at++) {
    if (valueBytes[bytes[at] as number] === 0) return false;
  }
  head.searched = end;
  return true;
}

/** The line at `line` is not whole. */
export function suspend(head: Head, line: number, end: number): number {
  head.resume = line;
  // A CR at the end must be looked at again, together with what follows it.
  head.searched = Math.max(line, end - 1);
  return incomplete;
}

/** The head is whole. */
export function finish(head: Head, blankLine: number): number {
  head.resume = noResume;
  head.fieldsEnd = blankLine;
  head.end = blankLine + 2;
  return head.end;
}

export function refuse(head: Head, status: number, reason: string): number {
  head.badStatus = status;
  head.badReason = reason;
  head.resume = noResume;
  return bad;
}

/** Room for twice as many; the caller holds the bound. */
export function growFields(head: Head): Int32Array {
  const grown = new Int32Array(head.fields.length * 2);
  grown.set(head.fields);
  head.fields = grown;
  return grown;
}

/** Adds a name that Connection names; most messages have none, and make no list. */
export function addOption(head: Head, start: number, end: number): void {
  head.options = [...head.options, start, end];
}

function beginAnew(head: Head, start: number): void {
  head.start = start;
  head.end = start;
  head.hasFirstLine = false;
  head.versionMinor = 1;
  head.contentLength = -1;
  head.isChunked = false;
  head.keepAlive = true;
  head.fieldCount = 0;
  head.options = noOptions;
  head.upgradeStart = -1;
  head.upgradeEnd = -1;
  head.badStatus = 0;
  head.badReason = "";
  head.text = "";
}
