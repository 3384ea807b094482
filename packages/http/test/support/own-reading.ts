/** What our parsers make of a whole stream of bytes: its messages with their bodies, and how it ends. */
import { ChunkedScanner } from "../../src/core/chunked.js";
import { rawHeadersOf } from "../../src/core/fields.js";
import { bad, incomplete } from "../../src/core/head.js";
import { parseRequestHead, RequestHead } from "../../src/core/request-head.js";
import { methodOf } from "../../src/core/request-views.js";
import { type Asked, parseResponseHead, ResponseHead } from "../../src/core/response-head.js";

export interface ReadMessage {
  /** Method and target as sent, or the status. */
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

export interface Reading {
  readonly messages: readonly ReadMessage[];
  /** `end`: after a whole message. `closed`: the connection is not used any further. */
  readonly end: "end" | "incomplete" | "refused" | "closed";
  readonly reason: string;
}

type Body = { readonly after: number; readonly text: string; readonly trailers: readonly string[] };

export function readRequests(bytes: Buffer): Reading {
  const messages: ReadMessage[] = [];
  const head = new RequestHead();
  for (let at = 0; at < bytes.length;) {
    const after = parseRequestHead(bytes, at, bytes.length, head);
    if (after === incomplete) return { messages, end: "incomplete", reason: "" };
    if (after === bad) return { messages, end: "refused", reason: head.badReason };
    const body = readBody(
      bytes,
      after,
      head.isChunked ? "chunked" : Math.max(0, head.contentLength),
    );
    if (typeof body === "string") return { messages, end: bodyEnd(body), reason: body };
    messages.push({
      line: `${methodOf(bytes, head)} ${sentTarget(bytes, head)}`,
      headers: rawHeadersOf(bytes, head),
      body: body.text,
      trailers: body.trailers,
    });
    if (!head.keepAlive) return { messages, end: "closed", reason: "" };
    at = body.after;
  }
  return { messages, end: "end", reason: "" };
}

/** The final answer to one request. */
export function readOneAnswer(bytes: Buffer, asked: Asked): Reading {
  const head = new ResponseHead();
  let at = 0;
  do {
    at = parseResponseHead(bytes, at, bytes.length, head, asked);
    if (at === incomplete) return { messages: [], end: "incomplete", reason: "" };
    if (at === bad) return { messages: [], end: "refused", reason: head.badReason };
  } while (head.isInterim);
  const body = readBody(bytes, at, lengthOf(bytes, at, head));
  if (typeof body === "string") return { messages: [], end: bodyEnd(body), reason: body };
  const message = {
    line: String(head.status),
    headers: rawHeadersOf(bytes, head),
    body: body.text,
    trailers: body.trailers,
  };
  return { messages: [message], end: "end", reason: "" };
}

function lengthOf(bytes: Buffer, at: number, head: ResponseHead): number | "chunked" {
  if (head.body === "none") return 0;
  if (head.body === "chunked") return "chunked";
  return head.body === "length" ? head.contentLength : bytes.length - at;
}

/** The body, or why there is none; "" while it is not whole. */
function readBody(bytes: Buffer, at: number, length: number | "chunked"): Body | string {
  if (length === "chunked") return readChunked(bytes, at);
  const after = at + length;
  if (after > bytes.length) return "";
  return { after, text: bytes.toString("latin1", at, after), trailers: [] };
}

function readChunked(bytes: Buffer, at: number): Body | string {
  const scanner = new ChunkedScanner();
  scanner.reset({ wantsRanges: true });
  const after = scanner.scan(bytes, at, bytes.length);
  if (after === bad) return scanner.badReason;
  if (!scanner.isDone) return "";
  let text = "";
  for (let range = 0; range < scanner.rangeCount; range++) {
    text += bytes.toString("latin1", scanner.ranges[2 * range], scanner.ranges[2 * range + 1]);
  }
  return { after, text, trailers: scanner.trailers };
}

function bodyEnd(reason: string): "incomplete" | "refused" {
  return reason === "" ? "incomplete" : "refused";
}

/** With its authority, as Node gives it. */
function sentTarget(bytes: Buffer, head: RequestHead): string {
  return bytes.toString("latin1", head.methodEnd + 1, head.targetEnd);
}
