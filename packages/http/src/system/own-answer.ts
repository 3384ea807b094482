/** Answers of the proxy itself, as bytes of HTTP/1.1. */
import { STATUS_CODES } from "node:http";
import type { Answer } from "../exchange.js";
import type { Refusal } from "./core.js";

export interface OwnAnswerOptions {
  /** The request was a HEAD: the length is said, the body is not. */
  readonly isHead: boolean;
  readonly connection: "close" | "keep-alive" | "";
}

/** Head and body, in latin1. */
export function ownAnswerText(answer: Answer, { isHead, connection }: OwnAnswerOptions): string {
  const { status, headers, body } = answer;
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nDate: ${dateText()}\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  }
  const isBare = status < 200 || status === 204 || status === 304;
  if (!isBare) text += `Content-Length: ${bytes.length}\r\n`;
  if (connection !== "") text += `Connection: ${connection}\r\n`;
  return `${text}\r\n${isHead || isBare ? "" : bytes.toString("latin1")}`;
}

/** What is said when nobody gave other words. */
export function plainRefusal({ status, kind, reason }: Refusal): Answer {
  return {
    kind: "answer",
    status,
    headers: ["Content-Type", "text/plain; charset=utf-8", "Cache-Control", "no-store"],
    body: `${kind}: ${reason}\n`,
  };
}

let dateMs = 0;
let date = "";

export function dateText(): string {
  const nowMs = Date.now();
  if (nowMs - dateMs >= 1_000) {
    dateMs = nowMs - (nowMs % 1_000);
    date = new Date(nowMs).toUTCString();
  }
  return date;
}
