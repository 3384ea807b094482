/** The text of answers of an endpoint, for a visitor who speaks HTTP/1. */
import { answerFates } from "../core/drops.js";
import type { RequestHead } from "../core/request-head.js";
import type { ResponseHead } from "../core/response-head.js";
import { answerHeadInPlace, answerText, type HeadPlan } from "../core/rewrite.js";
import type { Edits } from "../exchange.js";
import { sharedBuffer } from "./read-buffers.js";
import type { Transport } from "./transport.js";

/** Up to this as one string, with more as the buffer that it came in: what a string copies costs less then. */
const textBytesMax = 8 * 1024;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
/** Filled for each head; nothing of it is kept. */
const plan: Mutable<HeadPlan> = {
  fates: answerFates,
  lines: "",
  edits: undefined,
  keepsFraming: true,
  keepsUpgrade: false,
};

/**
 * How the body is framed for him: `same` as it came; `chunks` of our own, when only its end tells its length and
 * he can be told better; `bare` data and then the connection's end, for HTTP/1.0.
 */
export type AnswerFraming = "same" | "chunks" | "bare";

export function framingFor(request: RequestHead, answer: ResponseHead): AnswerFraming {
  if (request.versionMinor === 0) return answer.isChunked ? "bare" : "same";
  return answer.body === "close" ? "chunks" : "same";
}

/** Whether the end of the body is that of the connection. */
export function endsWithConnection(request: RequestHead, answer: ResponseHead): boolean {
  return request.versionMinor === 0 && (answer.body === "close" || answer.body === "chunked");
}

export interface AnswerStart {
  framing: AnswerFraming;
  edits: Edits | undefined;
  closes: boolean;
  isOld: boolean;
}

/** The head, and the body in `bytes[head.end, to)`. @returns whether all was taken */
export function writeAnswerHead(
  transport: Transport,
  bytes: Buffer,
  head: ResponseHead,
  to: number,
  start: AnswerStart,
): boolean {
  plan.lines = linesFor(start, head);
  plan.edits = start.edits;
  plan.keepsFraming = start.framing !== "bare";
  plan.keepsUpgrade = head.status === 101;
  if (start.framing === "chunks") {
    transport.write(answerText(bytes, head, plan));
    return writeBody(transport, bytes, head.end, to, "chunks");
  }
  if (to - head.start <= textBytesMax) return transport.write(answerText(bytes, head, plan, to));
  const from = answerHeadInPlace(bytes, head, plan, 0);
  if (from >= 0) return writeBytes(transport, bytes, from, to);
  transport.write(answerText(bytes, head, plan));
  return writeBytes(transport, bytes, head.end, to);
}

/** 1xx: no body, and nothing of ours. */
export function writeInterim(transport: Transport, bytes: Buffer, head: ResponseHead): void {
  plan.lines = "";
  plan.edits = undefined;
  plan.keepsFraming = true;
  plan.keepsUpgrade = false;
  transport.write(answerText(bytes, head, plan));
}

export function writeBody(
  transport: Transport,
  bytes: Buffer,
  from: number,
  to: number,
  framing: AnswerFraming,
): boolean {
  if (framing !== "chunks") return writeBytes(transport, bytes, from, to);
  if (from === to) return transport.takesMore;
  transport.write(`${(to - from).toString(16)}\r\n`);
  writeBytes(transport, bytes, from, to);
  return transport.write("\r\n");
}

function writeBytes(transport: Transport, bytes: Buffer, from: number, to: number): boolean {
  if (from === to) return transport.takesMore;
  if (bytes === sharedBuffer.bytes || to - from <= textBytesMax) {
    return transport.write(bytes.toString("latin1", from, to));
  }
  return transport.write(bytes.subarray(from, to));
}

export function lastChunk(trailers: readonly string[]): string {
  return `0\r\n${trailerText(trailers)}`;
}

/** What is behind the last chunk. @param trailers names and values in turn */
export function trailerText(trailers: readonly string[]): string {
  let text = "";
  for (let index = 0; index < trailers.length; index += 2) {
    text += `${trailers[index]}: ${trailers[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}

function linesFor({ framing, closes, isOld }: AnswerStart, head: ResponseHead): string {
  if (head.status === 101) return "";
  const connection = closes ? "Connection: close\r\n" : isOld ? "Connection: keep-alive\r\n" : "";
  return framing === "chunks" ? `${connection}Transfer-Encoding: chunked\r\n` : connection;
}
