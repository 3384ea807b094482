/**
 * The head of an HTTP/1 request, parsed where it lies.
 *
 *     [CRLF] request line ──> field lines ──> what they say together ──> index after the head
 *              `──────────────`── incomplete: more bytes
 *              `──────────────`───────────────`── bad: 400 414 417 431 501 505
 */
import { CR, equalsFolded, LF, sameFolded, tokenFold } from "./characters.js";
import { authorityNameEnd } from "./authority.js";
import { scanFields } from "./field-lines.js";
import {
  ConnectionWords,
  listHas,
  readConnection,
  readLength,
  readTransferEncoding,
} from "./framing.js";
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
import { known, lookalike } from "./known-names.js";
import { methodIds } from "./methods.js";
import { parseRequestLine } from "./request-line.js";

/** Some old clients send a line end behind a body that they do not count (RFC 9112, 2.2). */
const blankLinesMax = 2;

export class RequestHead extends Head {
  methodStart = 0;
  methodEnd = 0;
  /** See `methodIds`. */
  methodId = 0;
  /** Path and query; of an absolute target what follows its authority, which may be nothing. */
  targetStart = 0;
  targetEnd = 0;
  /** Whether those bytes are a target as they are: not so when an absolute target has no path. */
  isTargetWhole = true;
  /** Of an absolute target; -1: it is none. */
  authorityStart = -1;
  authorityEnd = -1;
  /** Of the Host field, with its port and without; -1 when an HTTP/1.0 request names none. */
  hostStart = -1;
  hostEnd = -1;
  hostNameEnd = -1;
  /** The last host that somebody wanted as a string: mostly that of the next request, too. */
  hostText = "";
  /** `Expect: 100-continue`. */
  expectsContinue = false;
  /** `TE: trailers`. */
  takesTrailers = false;

  override move(by: number): void {
    super.move(by);
    this.methodStart += by;
    this.methodEnd += by;
    this.targetStart += by;
    this.targetEnd += by;
    if (this.authorityStart >= 0) this.authorityStart += by;
    if (this.authorityEnd >= 0) this.authorityEnd += by;
  }
}

/**
 * Reads the head of a request in `bytes[start, end)`.
 *
 * @returns the index after it, `incomplete`, or `bad`: then the connection has no further meaning.
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  head: RequestHead,
  limits: HeadLimits = defaultHeadLimits,
): number {
  const bound = Math.min(end, start + limits.headBytesMax);
  const after = scanRequest(bytes, start, bound, head, limits);
  if (after >= 0) return interpret(bytes, head) ? after : bad;
  if (after === incomplete && end - start >= limits.headBytesMax) {
    if (!head.hasFirstLine) return refuse(head, 414, "a request line that does not end");
    return refuse(head, 431, `a head of more than ${limits.headBytesMax} bytes`);
  }
  return after;
}

function scanRequest(
  bytes: Buffer,
  start: number,
  end: number,
  head: RequestHead,
  limits: HeadLimits,
): number {
  beginHead(head, start);
  if (isLineOpen(bytes, end, head)) return incomplete;
  let line = head.resume;
  if (!head.hasFirstLine) {
    line = skipBlankLines(bytes, start, end, head);
    if (line >= 0) line = parseRequestLine(bytes, line, end, head, limits);
    if (line < 0) return line;
    head.hasFirstLine = true;
    head.fieldsStart = line;
  }
  return scanFields(bytes, line, end, head, limits.fieldsMax);
}

function skipBlankLines(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  let line = start;
  for (let skipped = 0; skipped < blankLinesMax && bytes[line] === CR && line < end; skipped++) {
    if (line + 1 >= end) return suspend(head, start, end);
    if (bytes[line + 1] !== LF) return refuse(head, 400, "CR without LF");
    line += 2;
  }
  return line;
}

/** Reset for each head: parsing is never interrupted by another. */
const words = new ConnectionWords();

/** Reads what the known fields say. Returns whether it has one meaning; else the head is refused. */
function interpret(bytes: Buffer, head: RequestHead): boolean {
  forget(head);
  const { fields } = head;
  let upgradeField = -1;
  for (let field = 0; field < head.fieldCount; field++) {
    const id = fields[field * fieldStride + 4] as number;
    // Most fields, and most bytes, are of no concern here.
    if (id === 0 || (id > lastOfConcern && !isFramingLookalike(id))) continue;
    if (id === known.upgrade) upgradeField = upgradeField === -1 ? field : several;
    else if (!readField(bytes, head, field, id)) return false;
  }
  if (!checkFraming(head) || !checkHost(bytes, head)) return false;
  head.keepAlive = !words.close && (head.versionMinor === 1 || words.keepAlive);
  if (upgradeField >= 0 && words.upgrade) noteUpgrade(bytes, head, upgradeField);
  return true;
}

/** More than one field, which together ask for nothing in particular. */
const several = -2;
/** Names up to this number are read here. */
const lastOfConcern = known.te;

function forget(head: RequestHead): void {
  head.hostStart = -1;
  head.hostEnd = -1;
  head.hostNameEnd = -1;
  head.expectsContinue = false;
  head.takesTrailers = false;
  words.close = false;
  words.keepAlive = false;
  words.upgrade = false;
}

function readField(bytes: Buffer, head: RequestHead, field: number, id: number): boolean {
  const slot = field * fieldStride;
  const { fields } = head;
  switch (id) {
    case known.host:
      return readHost(bytes, head, fields[slot + 2] as number, fields[slot + 3] as number);
    case known["content-length"]:
      return isFine(head, readLength(bytes, head, field));
    case known["transfer-encoding"]:
      return isFine(head, readTransferEncoding(bytes, head, field));
    case known.connection:
      return isFine(head, readConnection(bytes, head, field, words));
    case known.expect:
      return readExpect(bytes, head, fields[slot + 2] as number, fields[slot + 3] as number);
    case known.te:
      head.takesTrailers ||= listHas(
        bytes,
        fields[slot + 2] as number,
        fields[slot + 3] as number,
        "trailers",
      );
      return true;
    default:
      return !isFramingLookalike(id) || isFine(head, lookalikeReason);
  }
}

const lookalikeReason = "a header name that resembles one of those that frame a message";

/**
 * `Content_Length` is the real one to a program behind CGI, and a stranger to us. Host, Connection, Content-Length and
 * Transfer-Encoding have the first numbers.
 */
function isFramingLookalike(id: number): boolean {
  return id > lookalike && id <= lookalike + known["transfer-encoding"];
}

function isFine(head: RequestHead, reason: string | undefined): boolean {
  if (reason !== undefined) refuse(head, 400, reason);
  return reason === undefined;
}

function readHost(bytes: Buffer, head: RequestHead, start: number, end: number): boolean {
  if (head.hostStart >= 0) return isFine(head, "Host twice");
  head.hostStart = start;
  head.hostEnd = end;
  head.hostNameEnd = authorityNameEnd(bytes, start, end);
  return isFine(head, head.hostNameEnd < 0 ? "a Host that is no host" : undefined);
}

/** HTTP/1.0 has no Expect: what is not understood there is not heeded (RFC 9110, 10.1.1). */
function readExpect(bytes: Buffer, head: RequestHead, start: number, end: number): boolean {
  if (head.versionMinor === 0) return true;
  head.expectsContinue = equalsFolded(bytes, start, end, "100-continue");
  if (!head.expectsContinue) refuse(head, 417, "an Expect other than 100-continue");
  return head.expectsContinue;
}

function checkFraming(head: RequestHead): boolean {
  if (head.isChunked && head.contentLength >= 0) {
    return isFine(head, "both Content-Length and Transfer-Encoding");
  }
  if (head.isChunked && head.versionMinor === 0) {
    return isFine(head, "Transfer-Encoding on HTTP/1.0");
  }
  if (head.methodId === methodIds.TRACE && hasBody(head)) return isFine(head, "TRACE with a body");
  return true;
}

function checkHost(bytes: Buffer, head: RequestHead): boolean {
  const { hostStart, hostEnd, authorityStart, authorityEnd } = head;
  if (hostStart < 0 && head.versionMinor === 1) return isFine(head, "no Host");
  if (authorityStart < 0) return true;
  if (hostStart >= 0) {
    const isSame = sameFolded(bytes, hostStart, hostEnd, authorityStart, authorityEnd);
    return isFine(head, isSame ? undefined : "a target of another host than Host");
  }
  return readHost(bytes, head, authorityStart, authorityEnd);
}

/**
 * A server may take no notice of Upgrade (RFC 9110, 7.8), and we take none where it could carry requests past us:
 * `h2c` and other versions of HTTP, several protocols to choose from, a body in between, and HTTP/1.0.
 */
function noteUpgrade(bytes: Buffer, head: RequestHead, field: number): void {
  const start = head.fields[field * fieldStride + 2] as number;
  const end = head.fields[field * fieldStride + 3] as number;
  if (head.versionMinor === 0 || hasBody(head)) return;
  let at = start;
  while (at < end && (tokenFold[bytes[at] as number] !== 0 || bytes[at] === 0x2f)) at++;
  if (at < end || at === start || tunnelsHttp(bytes, start, end)) return;
  head.upgradeStart = start;
  head.upgradeEnd = end;
}

function tunnelsHttp(bytes: Buffer, start: number, end: number): boolean {
  return (
    equalsFolded(bytes, start, Math.min(end, start + 2), "h2") ||
    equalsFolded(bytes, start, Math.min(end, start + 3), "tls") ||
    equalsFolded(bytes, start, Math.min(end, start + 4), "http")
  );
}

/** Whether bytes of a body follow the head. */
function hasBody(head: Head): boolean {
  return head.isChunked || head.contentLength > 0;
}
