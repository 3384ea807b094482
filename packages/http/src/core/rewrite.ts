/**
 * A head on its way through: fields that end here are cut out, ours are put in, all else stays byte by byte.
 *
 *     GET / HTTP/1.1␍␊ │ Host … │ Connection … │ Accept … Cookie … │ ␍␊
 *     first line + ours + kept run + (dropped)  + kept run         + ␍␊
 *
 * Ours come right behind the first line, so that most bytes need not move when it is done in place: in the buffer that
 * the head was read into, ending where it ended, so that what follows of the body leaves in the same write.
 */
import type { Edits } from "../exchange.js";
import { sameFolded } from "./characters.js";
import { fate, type Fates } from "./drops.js";
import { NameMatcher } from "./edits.js";
import { fieldStride, textOf, type Head } from "./head.js";
import type { RequestHead } from "./request-head.js";
import { hostOf, methodOf, targetOf } from "./request-views.js";
import type { ResponseHead } from "./response-head.js";

/** One may serve for many messages: nothing of it is kept. */
export interface HeadPlan {
  readonly fates: Fates;
  /** Ours, each with its CRLF. */
  readonly lines: string;
  readonly edits?: Edits | undefined;
  /** False: Content-Length, Transfer-Encoding and Trailer go; `lines` says the new framing. */
  readonly keepsFraming: boolean;
  /** Upgrade stays, with a Connection that says so. */
  readonly keepsUpgrade: boolean;
}

export interface RequestPlan extends HeadPlan {
  readonly method?: string | undefined;
  readonly target?: string | undefined;
  /** Instead of the visitor's. */
  readonly host?: string | undefined;
  /** `Expect: 100-continue` goes on to the endpoint. */
  readonly keepsExpect: boolean;
}

/** The request's head as it goes on, in latin1, always as HTTP/1.1. */
export function requestHeadText(bytes: Buffer, head: RequestHead, plan: RequestPlan): string {
  const first = requestLine(bytes, head, plan) + requestLines(bytes, head, plan);
  return first + keptText(bytes, head, plan) + "\r\n";
}

/** The answer's head as it goes on, in latin1, always as HTTP/1.1, and what is behind it up to `to`. */
export function answerText(
  bytes: Buffer,
  head: ResponseHead,
  plan: HeadPlan,
  to = head.end,
): string {
  // Of head and body one string is made, of which all that stays is cut.
  head.text = bytes.toString("latin1", head.start, to);
  const first = statusLine(bytes, head) + answerLines(plan);
  return first + keptText(bytes, head, plan) + head.text.slice(head.fieldsEnd - head.start);
}

/**
 * The head of `answerText` in the buffer itself, for what is too large to be made a string of.
 *
 * @param floor the first byte that may be overwritten.
 * @returns where the head starts now, it ends where it did; -1 and nothing changed when there is no room.
 */
export function answerHeadInPlace(
  bytes: Buffer,
  head: ResponseHead,
  plan: HeadPlan,
  floor: number,
): number {
  const lines = answerLines(plan);
  const runs = keptRuns(bytes, head, plan);
  const lineBytes = head.fieldsStart - head.start;
  const to = head.fieldsEnd - keptBytes(runs);
  const start = to - lines.length - lineBytes;
  if (start < floor || !isStatusLineWhole(head)) return -1;
  moveRuns(bytes, runs, head.fieldsEnd);
  bytes.copyWithin(start, head.start, head.fieldsStart);
  bytes[start + minorAt] = one;
  if (lines.length > 0) bytes.write(lines, start + lineBytes, "latin1");
  return start;
}

function statusLine(bytes: Buffer, head: ResponseHead): string {
  if (head.versionMinor === 1 && isStatusLineWhole(head)) {
    return textOf(bytes, head, head.start, head.fieldsStart);
  }
  return `HTTP/1.1 ${head.status} ${textOf(bytes, head, head.reasonStart, head.reasonEnd)}\r\n`;
}

/** Whether it has the space before its reason, which some servers leave out. */
function isStatusLineWhole(head: ResponseHead): boolean {
  return head.fieldsStart - head.start >= shortestStatusLine;
}

const shortestStatusLine = "HTTP/1.1 200 \r\n".length;
const minorAt = "HTTP/1.".length;
const one = 0x31;

function requestLine(bytes: Buffer, head: RequestHead, plan: RequestPlan): string {
  const { method, target } = plan;
  if (method === undefined && target === undefined && isPlain(head)) {
    return textOf(bytes, head, head.methodStart, head.fieldsStart);
  }
  const sent = method ?? methodOf(bytes, head);
  return `${sent} ${target ?? targetOf(bytes, head)} HTTP/1.1\r\n`;
}

/** Whether its first line can go on as it is. */
function isPlain(head: RequestHead): boolean {
  return head.authorityStart < 0 && head.versionMinor === 1;
}

/** What a request needs beyond the plan's lines. */
function requestLines(bytes: Buffer, head: RequestHead, plan: RequestPlan): string {
  let lines = plan.lines;
  if (plan.edits !== undefined) lines += plan.edits.lines;
  // Trailers are for this connection to agree about, and we pass them on.
  if (plan.keepsUpgrade) lines += "Connection: upgrade\r\n";
  else if (head.takesTrailers) lines += "Connection: TE\r\nTE: trailers\r\n";
  if (plan.host !== undefined) return `Host: ${plan.host}\r\n${lines}`;
  return hasHostField(head) ? lines : `Host: ${hostOf(bytes, head)}\r\n${lines}`;
}

/** An absolute target names the host of an HTTP/1.0 request that has no such field. */
function hasHostField(head: RequestHead): boolean {
  return head.hostStart >= 0 && head.hostStart !== head.authorityStart;
}

function answerLines(plan: HeadPlan): string {
  const lines = plan.edits === undefined ? plan.lines : plan.lines + plan.edits.lines;
  return plan.keepsUpgrade ? `Connection: upgrade\r\n${lines}` : lines;
}

/** Start and end of each run of lines that stay, in order. Used by one rewriting at a time. */
let runBounds = new Int32Array(64);

/** Fills `runBounds`; returns how many numbers are in it. */
function keptRuns(bytes: Buffer, head: Head, plan: HeadPlan): number {
  const { fields, fieldCount, fieldsEnd } = head;
  const matcher = plan.edits === undefined ? undefined : NameMatcher.of(plan.edits.dropped);
  if (runBounds.length < 2 * (fieldCount + 1)) runBounds = new Int32Array(4 * (fieldCount + 1));
  let count = 0;
  let runStart = head.fieldsStart;
  for (let field = 0; field < fieldCount; field++) {
    if (!isDropped(bytes, head, field, plan, matcher)) continue;
    const line = fields[field * fieldStride] as number;
    const next = field + 1 < fieldCount ? (fields[(field + 1) * fieldStride] as number) : fieldsEnd;
    if (line > runStart) {
      runBounds[count++] = runStart;
      runBounds[count++] = line;
    }
    runStart = next;
  }
  if (fieldsEnd > runStart) {
    runBounds[count++] = runStart;
    runBounds[count++] = fieldsEnd;
  }
  return count;
}

function isDropped(
  bytes: Buffer,
  head: Head,
  field: number,
  plan: HeadPlan,
  matcher: NameMatcher | undefined,
): boolean {
  const slot = field * fieldStride;
  const itsFate = plan.fates[head.fields[slot + 4] as number] as number;
  if (itsFate === fate.dropped) return true;
  if (itsFate !== fate.kept) return isDroppedNow(itsFate, head, plan);
  const start = head.fields[slot] as number;
  const end = head.fields[slot + 1] as number;
  if (matcher !== undefined && matcher.has(bytes, start, end)) return true;
  return head.options.length > 0 && isOption(bytes, head.options, start, end);
}

/** Those whose fate depends on what is planned. */
function isDroppedNow(itsFate: number, head: Head, plan: HeadPlan): boolean {
  switch (itsFate) {
    case fate.framing:
      return !plan.keepsFraming;
    case fate.upgrade:
      return !plan.keepsUpgrade;
    case fate.host:
      return (plan as RequestPlan).host !== undefined;
    case fate.expect:
      return !(plan as RequestPlan).keepsExpect;
    case fate.trailer:
      return !(plan.keepsFraming && head.isChunked);
    default:
      return false;
  }
}

/** Whether Connection names the field at these bytes. */
function isOption(bytes: Buffer, options: readonly number[], start: number, end: number): boolean {
  for (let at = 0; at < options.length; at += 2) {
    const option = options[at] as number;
    if (sameFolded(bytes, option, options[at + 1] as number, start, end)) return true;
  }
  return false;
}

function keptText(bytes: Buffer, head: Head, plan: HeadPlan): string {
  const count = keptRuns(bytes, head, plan);
  let kept = "";
  for (let at = 0; at < count; at += 2) {
    kept += textOf(bytes, head, runBounds[at] as number, runBounds[at + 1] as number);
  }
  return kept;
}

function keptBytes(runs: number): number {
  let sum = 0;
  for (let at = 0; at < runs; at += 2) {
    sum += (runBounds[at + 1] as number) - (runBounds[at] as number);
  }
  return sum;
}

/** Moves runs together so that they end at `end`; each moves to the right, or stays. */
function moveRuns(bytes: Buffer, runs: number, end: number): void {
  let to = end;
  for (let at = runs - 2; at >= 0; at -= 2) {
    const runStart = runBounds[at] as number;
    const runEnd = runBounds[at + 1] as number;
    to -= runEnd - runStart;
    if (to !== runStart) bytes.copyWithin(to, runStart, runEnd);
  }
}
