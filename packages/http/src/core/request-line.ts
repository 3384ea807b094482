/**
 * The first line of a request: `method SP target SP HTTP/1.x CRLF`, with one space each.
 *
 *     /path?query                  origin-form: what everybody sends
 *     http://authority/path?query  absolute-form: what is sent to a proxy; the authority must be what Host says
 *     *                            of OPTIONS only
 *
 * CONNECT is for forward proxies and refused.
 */
import {
  equalsFolded,
  isDigit,
  methodBytes,
  pathBytes,
  QUESTION_MARK,
  queryBytes,
  SP,
} from "./characters.js";
import { type HeadLimits, refuse, suspend } from "./head.js";
import { identifyMethod, methodIds } from "./methods.js";
import type { RequestHead } from "./request-head.js";

/** A method is longer than any that is registered (RFC 3253 has the longest: 17 bytes). */
const methodBytesMax = 32;
/** `d` is a digit. */
const versionPattern = Buffer.from("HTTP/d.d\r\n", "latin1");
const versionBytes = versionPattern.length;
const noVersion = "no HTTP version where it should be";
const noLineEnd = "more than a version, or a bare CR, at the end of the request line";

/** Returns the index after the line, `incomplete` or `bad`. */
export function parseRequestLine(
  bytes: Buffer,
  line: number,
  end: number,
  head: RequestHead,
  limits: HeadLimits,
): number {
  head.authorityStart = -1;
  head.authorityEnd = -1;
  head.isTargetWhole = true;
  const targetStart = scanMethod(bytes, line, end, head);
  if (targetStart < 0) return targetStart;
  const targetEnd = scanTarget(bytes, targetStart, end, head, limits.targetBytesMax);
  if (targetEnd < 0) return targetEnd;
  return scanVersion(bytes, targetEnd + 1, end, head);
}

/** Returns where the target starts. */
function scanMethod(bytes: Buffer, line: number, end: number, head: RequestHead): number {
  let at = line;
  while (at < end && methodBytes[bytes[at] as number] !== 0) at++;
  if (at - line > methodBytesMax) return refuse(head, 501, "a method too long to be one");
  if (at >= end) return suspend(head, line, end);
  if (bytes[at] !== SP || at === line)
    return refuse(head, 400, "a method with bytes that none has");
  head.methodStart = line;
  head.methodEnd = at;
  head.methodId = identifyMethod(bytes, line, at);
  if (head.methodId === methodIds.CONNECT) return refuse(head, 501, "CONNECT is not done here");
  return at + 1;
}

/** Returns the index of the space behind the target. */
function scanTarget(
  bytes: Buffer,
  start: number,
  end: number,
  head: RequestHead,
  targetBytesMax: number,
): number {
  if (start >= end) return suspend(head, head.methodStart, end);
  let at = start;
  if (bytes[at] !== 0x2f) {
    at = scanOtherForm(bytes, start, end, head);
    if (at < 0) return at;
  }
  head.targetStart = at;
  while (at < end && pathBytes[bytes[at] as number] !== 0) at++;
  if (at < end && bytes[at] === QUESTION_MARK) {
    while (at < end && queryBytes[bytes[at] as number] !== 0) at++;
  }
  if (at - start > targetBytesMax) {
    return refuse(head, 414, `a target of more than ${targetBytesMax} bytes`);
  }
  if (at >= end) return suspend(head, head.methodStart, end);
  if (bytes[at] !== SP) return refuse(head, 400, "a target with bytes that none has");
  head.targetEnd = at;
  return at;
}

/** `*` and absolute-form: returns where the path starts. */
function scanOtherForm(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  if (bytes[start] === 0x2a) return scanAsterisk(bytes, start, end, head);
  const authority = schemeEnd(bytes, start, end);
  if (authority < 0) {
    // Up to `https://`, what is missing may still come.
    const mayCome = end - start < 8 && isSchemeStart(bytes, start, end);
    if (mayCome) return suspend(head, head.methodStart, end);
    return refuse(head, 400, "a target that is neither a path nor an http address");
  }
  let at = authority;
  while (at < end && !endsAuthority(bytes[at] as number)) at++;
  if (at >= end) return suspend(head, head.methodStart, end);
  head.authorityStart = authority;
  head.authorityEnd = at;
  head.isTargetWhole = bytes[at] === 0x2f;
  return at;
}

function scanAsterisk(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  if (head.methodId !== methodIds.OPTIONS)
    return refuse(head, 400, "* is a target of OPTIONS only");
  if (start + 1 >= end) return suspend(head, head.methodStart, end);
  if (bytes[start + 1] !== SP) return refuse(head, 400, "a target that starts with *");
  return start;
}

/** After `http://` or `https://`; -1 when there is no such thing. */
function schemeEnd(bytes: Buffer, start: number, end: number): number {
  if (end - start < 8) return -1;
  if (equalsFolded(bytes, start, start + 7, "http://")) return start + 7;
  return equalsFolded(bytes, start, start + 8, "https://") ? start + 8 : -1;
}

function isSchemeStart(bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  return (
    equalsFolded(bytes, start, end, "http://".slice(0, length)) ||
    equalsFolded(bytes, start, end, "https://".slice(0, length))
  );
}

/** `/`, `?`, and whatever cannot be part of one. */
function endsAuthority(byte: number): boolean {
  return byte === 0x2f || queryBytes[byte] === 0 || byte === QUESTION_MARK;
}

/** `HTTP/1.1 CRLF`: returns the index after it. */
function scanVersion(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  const present = Math.min(end - start, versionBytes);
  for (let at = 0; at < present; at++) {
    const byte = bytes[start + at] as number;
    const isFine = versionPattern[at] === 0x64 ? isDigit(byte) : byte === versionPattern[at];
    if (!isFine) return refuse(head, 400, at < 8 ? noVersion : noLineEnd);
  }
  if (present < versionBytes) return suspend(head, head.methodStart, end);
  const major = (bytes[start + 5] as number) - 0x30;
  const minor = (bytes[start + 7] as number) - 0x30;
  if (major !== 1 || minor > 1)
    return refuse(head, 505, `HTTP/${major}.${minor} is not spoken here`);
  head.versionMinor = minor;
  return start + versionBytes;
}
