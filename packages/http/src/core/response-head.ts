/**
 * The head of an answer, and what it says about the body behind it, which depends on the request as well:
 *
 *     1xx (but 101), 204, 304, any to HEAD   no body, whatever the fields say
 *     101                                    no HTTP any more
 *     Transfer-Encoding: chunked             until the last chunk
 *     Content-Length                         that many bytes
 *     neither                                until the endpoint closes
 *
 * As strict as with requests: an endpoint whose answer could be read in two ways is answered for with 502. What
 * real servers send and has one reading is taken:
 *
 *     no reason phrase, also without the space before it       Content-Length or chunked on 204, 304 and to HEAD
 *     bytes beyond ASCII in reason and values                   any status from 100 to 999
 *
 * and what some servers send, but has two readings, is not: equal Content-Length fields, both length fields,
 * Transfer-Encoding from HTTP/1.0 or of other codings, folded lines, bare LF, a space before the colon.
 */
import { CR, isDigit, LF, SP, valueBytes } from "./characters.js";
import { scanFields } from "./field-lines.js";
import { ConnectionWords, readConnection, readLength, readTransferEncoding } from "./framing.js";
import {
  bad,
  beginHead,
  defaultHeadLimits,
  fieldStride,
  Head,
  type HeadLimits,
  incomplete,
  isLineOpen,
  refuse,
  suspend,
} from "./head.js";
import { known } from "./known-names.js";
import { methodIds } from "./methods.js";

/** How a body ends. */
export type BodyKind = "none" | "length" | "chunked" | "close";

/** What an answer is an answer to. */
export interface Asked {
  readonly methodId: number;
  /** Whether the request wanted to change the protocol: 101 is an answer to nothing else. */
  readonly isUpgrade: boolean;
}

export class ResponseHead extends Head {
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  body: BodyKind = "none";
  /** Another head follows: 1xx but 101. */
  isInterim = false;

  override move(by: number): void {
    super.move(by);
    this.reasonStart += by;
    this.reasonEnd += by;
  }
}

/**
 * Reads the head of an answer in `bytes[start, end)`. Refused is with 502.
 *
 * @returns the index after it, `incomplete` or `bad`.
 */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  head: ResponseHead,
  asked: Asked,
  limits: HeadLimits = defaultHeadLimits,
): number {
  const bound = Math.min(end, start + limits.headBytesMax);
  const after = scanResponse(bytes, start, bound, head, limits);
  if (after >= 0) {
    const reason = interpret(bytes, head, asked);
    return reason === undefined ? after : refuse(head, 502, reason);
  }
  if (after === bad) head.badStatus = 502;
  if (after === incomplete && end - start >= limits.headBytesMax) {
    return refuse(head, 502, `a head of more than ${limits.headBytesMax} bytes`);
  }
  return after;
}

function scanResponse(
  bytes: Buffer,
  start: number,
  end: number,
  head: ResponseHead,
  limits: HeadLimits,
): number {
  beginHead(head, start);
  if (isLineOpen(bytes, end, head)) return incomplete;
  let line = head.resume;
  if (!head.hasFirstLine) {
    line = parseStatusLine(bytes, start, end, head);
    if (line < 0) return line;
    head.hasFirstLine = true;
    head.fieldsStart = line;
  }
  return scanFields(bytes, line, end, head, limits.fieldsMax);
}

/** `d` is a digit. */
const statusPattern = Buffer.from("HTTP/1.d ddd", "latin1");

/** `HTTP/1.1 200[ [reason]] CRLF`: returns the index after it. */
function parseStatusLine(bytes: Buffer, start: number, end: number, head: ResponseHead): number {
  if (!isStatus(bytes, start, end)) return refuse(head, 502, "no HTTP/1 status line");
  let at = start + statusPattern.length;
  if (at >= end) return suspend(head, start, end);
  head.versionMinor = (bytes[start + 7] as number) - 0x30;
  head.status = digitsAt(bytes, start + 9);
  if (head.versionMinor > 1) return refuse(head, 502, "a version of HTTP beyond 1.1");
  if (head.status < 100) return refuse(head, 502, "a status below 100");
  if (bytes[at] === SP) at++;
  else if (bytes[at] !== CR) return refuse(head, 502, "a status of more than three digits");
  head.reasonStart = at;
  while (at < end && valueBytes[bytes[at] as number] !== 0) at++;
  head.reasonEnd = at;
  if (at < end && bytes[at] !== CR)
    return refuse(head, 502, "a control character in the status line");
  if (at + 1 >= end) return suspend(head, start, end);
  return bytes[at + 1] === LF ? at + 2 : refuse(head, 502, "CR without LF");
}

/** Whether the bytes are, as far as they have come, `HTTP/1.d ddd`. */
function isStatus(bytes: Buffer, start: number, end: number): boolean {
  const present = Math.min(end - start, statusPattern.length);
  for (let at = 0; at < present; at++) {
    const byte = bytes[start + at] as number;
    const expected = statusPattern[at];
    if (expected === 0x64 ? !isDigit(byte) : byte !== expected) return false;
  }
  return true;
}

function digitsAt(bytes: Buffer, at: number): number {
  const hundreds = (bytes[at] as number) - 0x30;
  const tens = (bytes[at + 1] as number) - 0x30;
  return hundreds * 100 + tens * 10 + ((bytes[at + 2] as number) - 0x30);
}

/** Reset for each head: parsing is never interrupted by another. */
const words = new ConnectionWords();

/** Returns why the answer has no single meaning. */
function interpret(bytes: Buffer, head: ResponseHead, asked: Asked): string | undefined {
  const reason = readFields(bytes, head);
  if (reason !== undefined) return reason;
  head.keepAlive = !words.close && (head.versionMinor === 1 || words.keepAlive);
  head.isInterim = head.status < 200 && head.status !== 101;
  if (head.isInterim && head.versionMinor === 0) return "1xx of HTTP/1.0, which has none";
  if (head.status === 101) return takeUpgrade(head, asked);
  if (head.isChunked && head.contentLength >= 0) return "both Content-Length and Transfer-Encoding";
  if (head.isChunked && head.versionMinor === 0) return "Transfer-Encoding on HTTP/1.0";
  head.body = bodyOf(head, asked);
  if (head.body === "close" || mayHaveMore(head)) head.keepAlive = false;
  return undefined;
}

function readFields(bytes: Buffer, head: ResponseHead): string | undefined {
  words.close = false;
  words.keepAlive = false;
  words.upgrade = false;
  head.upgradeStart = -1;
  let reason: string | undefined;
  for (let field = 0; field < head.fieldCount && reason === undefined; field++) {
    const id = head.fields[field * fieldStride + 4] as number;
    // Names that only resemble these have higher numbers: visitors are no CGI programs.
    if (id !== 0 && id <= known.upgrade) reason = readField(bytes, head, field, id);
  }
  return reason;
}

function readField(
  bytes: Buffer,
  head: ResponseHead,
  field: number,
  id: number,
): string | undefined {
  const slot = field * fieldStride;
  const { fields } = head;
  switch (id) {
    case known["content-length"]:
      return readLength(bytes, head, field);
    case known["transfer-encoding"]:
      return readTransferEncoding(bytes, head, field);
    case known.connection:
      return readConnection(bytes, head, field, words);
    case known.upgrade:
      head.upgradeStart = fields[slot + 2] as number;
      head.upgradeEnd = fields[slot + 3] as number;
      return undefined;
    default:
      return undefined;
  }
}

function takeUpgrade(head: ResponseHead, asked: Asked): string | undefined {
  if (!asked.isUpgrade) return "101, though no change of protocol was asked for";
  if (head.isChunked || head.contentLength > 0) return "101 with a body";
  head.body = "none";
  head.keepAlive = false;
  return undefined;
}

function bodyOf(head: ResponseHead, asked: Asked): BodyKind {
  if (hasNeverBody(head.status) || asked.methodId === methodIds.HEAD) return "none";
  if (head.isChunked) return "chunked";
  if (head.contentLength === 0) return "none";
  return head.contentLength > 0 ? "length" : "close";
}

/** 1xx, 204 and 304 end with their head. */
export function hasNeverBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

/** 204 with a length may be followed by that body all the same: its connection must not be used again. */
function mayHaveMore(head: ResponseHead): boolean {
  const isBare = head.status < 200 || head.status === 204;
  return isBare && (head.isChunked || head.contentLength > 0);
}
