/**
 * What says how long a message is, and what becomes of its connection: the readings that requests and answers
 * share. Each is strict: what two parties could read differently is refused, with the reason.
 */
import { COMMA, equalsFolded, isDigit, SP, TAB, tokenFold } from "./characters.js";
import { addOption, fieldStride, type Head } from "./head.js";

/** 999 TB; every number of that many digits is exact. */
const lengthDigitsMax = 15;

/** Up to here for one field of each kind; what is left is for the caller to judge. Returns why it is refused. */
export function readLength(bytes: Buffer, head: Head, field: number): string | undefined {
  if (head.contentLength >= 0) return "Content-Length twice";
  const start = head.fields[field * fieldStride + 2] as number;
  const end = head.fields[field * fieldStride + 3] as number;
  const digits = end - start;
  if (digits === 0 || digits > lengthDigitsMax) return "a Content-Length that is no length";
  if (hasTabAround(bytes, start, end)) return "a Content-Length with a tab";
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (!isDigit(byte)) return "a Content-Length that is no number";
    length = length * 10 + (byte - 0x30);
  }
  // "010" is eight to some.
  if (bytes[start] === 0x30 && digits > 1) return "a Content-Length that starts with 0";
  head.contentLength = length;
  return undefined;
}

/** Blanks around a value may be tabs, but some parsers (Node's for one) know spaces only where it matters. */
function hasTabAround(bytes: Buffer, start: number, end: number): boolean {
  let before = start - 1;
  while (bytes[before] === SP) before--;
  let behind = end;
  while (bytes[behind] === SP) behind++;
  return bytes[before] === TAB || bytes[behind] === TAB;
}

/** Transfer codings other than `chunked` need an agreement (TE) that we never offer. */
export function readTransferEncoding(bytes: Buffer, head: Head, field: number): string | undefined {
  if (head.isChunked) return "Transfer-Encoding twice";
  const start = head.fields[field * fieldStride + 2] as number;
  const end = head.fields[field * fieldStride + 3] as number;
  if (!equalsFolded(bytes, start, end, "chunked")) {
    return "a Transfer-Encoding other than a single chunked";
  }
  if (hasTabAround(bytes, start, end)) return "a Transfer-Encoding with a tab";
  head.isChunked = true;
  return undefined;
}

/** What the Connection fields of a message say together. */
export class ConnectionWords {
  close = false;
  keepAlive = false;
  upgrade = false;
}

/** Reads one Connection field; names that are fields are noted in the head. */
export function readConnection(
  bytes: Buffer,
  head: Head,
  field: number,
  words: ConnectionWords,
): string | undefined {
  const end = head.fields[field * fieldStride + 3] as number;
  let at = head.fields[field * fieldStride + 2] as number;
  while (at < end) {
    const start = at;
    while (at < end && tokenFold[bytes[at] as number] !== 0) at++;
    if (at > start) noteWord(bytes, head, start, at, words);
    while (at < end && isBlank(bytes[at] as number)) at++;
    if (at < end && bytes[at] !== COMMA) return "a Connection field that is no list of names";
    at++;
    while (at < end && isBlank(bytes[at] as number)) at++;
  }
  return undefined;
}

/** Names that Connection may give are few; a list of them is not made for the usual ones. */
function noteWord(
  bytes: Buffer,
  head: Head,
  start: number,
  end: number,
  words: ConnectionWords,
): void {
  if (equalsFolded(bytes, start, end, "keep-alive")) words.keepAlive = true;
  else if (equalsFolded(bytes, start, end, "close")) words.close = true;
  else if (equalsFolded(bytes, start, end, "upgrade")) words.upgrade = true;
  // TE, and what ends here anyway, needs no mention.
  else if (!equalsFolded(bytes, start, end, "te")) addOption(head, start, end);
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}

/** Whether a comma-separated list has that lower-case word. */
export function listHas(bytes: Buffer, start: number, end: number, lowerWord: string): boolean {
  let at = start;
  while (at < end) {
    while (at < end && (isBlank(bytes[at] as number) || bytes[at] === COMMA)) at++;
    const word = at;
    while (at < end && bytes[at] !== COMMA && !isBlank(bytes[at] as number)) at++;
    if (equalsFolded(bytes, word, at, lowerWord)) return true;
    while (at < end && bytes[at] !== COMMA) at++;
  }
  return false;
}
