/** Strings of a request's head, made when somebody asks. */
import { textOf } from "./head.js";
import { methodIds, methodName } from "./methods.js";
import type { RequestHead } from "./request-head.js";

export function methodOf(bytes: Buffer, head: RequestHead): string {
  return methodName(head.methodId) ?? textOf(bytes, head, head.methodStart, head.methodEnd);
}

/** Path and query, `*` of OPTIONS; whole also when an absolute target has no path. */
export function targetOf(bytes: Buffer, head: RequestHead): string {
  const target = textOf(bytes, head, head.targetStart, head.targetEnd);
  if (head.isTargetWhole) return target;
  // RFC 9112, 3.2.4: OPTIONS about a whole server.
  if (target === "" && head.methodId === methodIds.OPTIONS) return "*";
  return `/${target}`;
}

/** As sent, with its port; empty when an HTTP/1.0 request names none. A string of its own: it is kept as a key. */
export function hostOf(bytes: Buffer, head: RequestHead): string {
  const { hostStart, hostEnd } = head;
  if (hostStart < 0) return "";
  if (!isText(bytes, hostStart, hostEnd, head.hostText)) {
    head.hostText = bytes.toString("latin1", hostStart, hostEnd);
  }
  return head.hostText;
}

function isText(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

export function upgradeOf(bytes: Buffer, head: RequestHead): string | undefined {
  if (head.upgradeStart < 0) return undefined;
  return textOf(bytes, head, head.upgradeStart, head.upgradeEnd);
}

/** 0 without a body, undefined when only its end will tell. */
export function bodyBytesOf(head: RequestHead): number | undefined {
  if (head.isChunked) return undefined;
  return Math.max(0, head.contentLength);
}

/** What a client with prior knowledge of HTTP/2 sends first (RFC 9113, 3.4). */
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export function isHttp2Preface(bytes: Buffer, start: number, end: number): "yes" | "no" | "more" {
  const length = Math.min(end - start, http2Preface.length);
  for (let at = 0; at < length; at++) {
    if (bytes[start + at] !== http2Preface.charCodeAt(at)) return "no";
  }
  return length === http2Preface.length ? "yes" : "more";
}
