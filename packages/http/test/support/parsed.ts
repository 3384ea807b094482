/** Heads in tests: parsed out of texts, shown as plain values. */
import assert from "node:assert/strict";
import { fieldName, fieldValue } from "../../src/core/fields.js";
import { bad, type Head, type HeadLimits, incomplete } from "../../src/core/head.js";
import { parseRequestHead, RequestHead } from "../../src/core/request-head.js";
import { hostOf, methodOf, targetOf, upgradeOf } from "../../src/core/request-views.js";
import { type Asked, parseResponseHead, ResponseHead } from "../../src/core/response-head.js";

export type Refused = { readonly refused: number; readonly reason: string };

export function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Lines with CRLF and the blank line behind them. */
export function headOf(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function fieldsOf(bytes: Buffer, head: Head): string[][] {
  return Array.from({ length: head.fieldCount }, (_, field) => [
    fieldName(bytes, head, field),
    fieldValue(bytes, head, field),
  ]);
}

export function showRequest(bytes: Buffer, head: RequestHead) {
  return {
    method: methodOf(bytes, head),
    target: targetOf(bytes, head),
    host: hostOf(bytes, head),
    version: `1.${head.versionMinor}`,
    fields: fieldsOf(bytes, head),
    contentLength: head.contentLength,
    isChunked: head.isChunked,
    keepAlive: head.keepAlive,
    upgrade: upgradeOf(bytes, head),
    expectsContinue: head.expectsContinue,
    takesTrailers: head.takesTrailers,
    options: textsOf(bytes, head.options),
  };
}

export type ShownRequest = ReturnType<typeof showRequest>;

/** What is said about a whole text: shown, refused, or undefined while it is incomplete. */
export function readRequest(
  text: string,
  limits?: HeadLimits,
): (ShownRequest & { readonly after: number }) | Refused | undefined {
  const bytes = latin1(text);
  const head = new RequestHead();
  const after = parseRequestHead(bytes, 0, bytes.length, head, limits);
  if (after === incomplete) return undefined;
  if (after === bad) return { refused: head.badStatus, reason: head.badReason };
  return { ...showRequest(bytes, head), after };
}

/** A request that must be fine. */
export function request(text: string): ShownRequest & { readonly after: number } {
  const read = readRequest(text);
  assert.ok(read !== undefined && !("refused" in read), `refused: ${JSON.stringify(read)}`);
  return read;
}

/** The status and the reason with which a request is refused. */
export function refusalOf(text: string, limits?: HeadLimits): string {
  const read = readRequest(text, limits);
  assert.ok(read !== undefined, "incomplete");
  return "refused" in read ? `${read.refused} ${read.reason}` : "accepted";
}

export function showAnswer(bytes: Buffer, head: ResponseHead) {
  return {
    status: head.status,
    reason: bytes.toString("latin1", head.reasonStart, head.reasonEnd),
    version: `1.${head.versionMinor}`,
    fields: fieldsOf(bytes, head),
    contentLength: head.contentLength,
    body: head.body,
    keepAlive: head.keepAlive,
    isInterim: head.isInterim,
  };
}

export type ShownAnswer = ReturnType<typeof showAnswer>;

export const askedGet: Asked = { methodId: 1, isUpgrade: false };

export function readAnswer(
  text: string,
  asked: Asked = askedGet,
): (ShownAnswer & { readonly after: number }) | Refused | undefined {
  const bytes = latin1(text);
  const head = new ResponseHead();
  const after = parseResponseHead(bytes, 0, bytes.length, head, asked);
  if (after === incomplete) return undefined;
  if (after === bad) return { refused: head.badStatus, reason: head.badReason };
  return { ...showAnswer(bytes, head), after };
}

export function answer(text: string, asked?: Asked): ShownAnswer & { readonly after: number } {
  const read = readAnswer(text, asked);
  assert.ok(read !== undefined && !("refused" in read), `refused: ${JSON.stringify(read)}`);
  return read;
}

function textsOf(bytes: Buffer, ranges: readonly number[]): string[] {
  const texts: string[] = [];
  for (let at = 0; at < ranges.length; at += 2) {
    texts.push(bytes.toString("latin1", ranges[at], ranges[at + 1]));
  }
  return texts;
}
