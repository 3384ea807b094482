/** Answers of the proxy itself: short text that says why, or what a route's rules say. */
import { errorCatalogue, type ErrorCode } from "@propagit/protocol";
import type { Answer, Refusal as EngineRefusal } from "@propagit/http";
import {
  refusalHeaders,
  type Maintenance,
  type Redirection,
  type Refusal,
} from "./core/outcome.js";

/** Says, on the proxy's own answers, what its table is stale by. */
const staleHeader = "X-Propagit-Stale";
const plain = "text/plain; charset=utf-8";

/** What a proxy's own answers say beside their reason. */
export type Staleness = readonly ("hub" | "registry")[];

export function refusalAnswer(refusal: Refusal, stale: Staleness): Answer {
  return errorAnswer(refusal, stale, { more: refusalHeaders(refusal) });
}

/**
 * Why somebody gets no other answer: a `PropagitError`, or only what it says. Most are plain outcomes, and a
 * stack trace nobody reads is a twelfth of what a refusal costs when strangers ask for hosts by the thousand.
 */
export interface Reason {
  readonly code: ErrorCode;
  readonly message: string;
  /** Default: the code's own. */
  readonly hint?: string;
}

export interface ErrorAnswerOptions {
  /** Default: the code's own. */
  readonly status?: number;
  /** Names and values in turn. */
  readonly more?: readonly string[];
}

export function errorAnswer(
  { code, message, hint = errorCatalogue[code].hint }: Reason,
  stale: Staleness,
  { status = errorCatalogue[code].status, more = [] }: ErrorAnswerOptions = {},
): Answer {
  const headers = ["Content-Type", plain, "Cache-Control", "no-store", ...more];
  if (stale.length > 0) headers.push(staleHeader, stale.join(", "));
  const body = `${code}: ${message}\n${hint}\n`;
  return { kind: "answer", status, headers, body };
}

export function redirectAnswer({ status, location }: Redirection): Answer {
  const headers = ["Location", location, "Content-Type", plain];
  return { kind: "answer", status, headers, body: `${location}\n` };
}

export function maintenanceAnswer(maintenance: Maintenance): Answer {
  const { text, isHtml, retryAfterSeconds } = maintenance;
  const type = isHtml ? "text/html; charset=utf-8" : plain;
  const headers = ["Content-Type", type, "Cache-Control", "no-store"];
  if (retryAfterSeconds !== undefined) headers.push("Retry-After", String(retryAfterSeconds));
  return { kind: "answer", status: 503, headers, body: text };
}

/** What the engine refuses by itself, in the words of the catalogue; its status tells more than theirs. */
export function engineAnswer(refusal: EngineRefusal, stale: Staleness): Answer {
  const { status, reason } = refusal;
  const message = `this request cannot be taken: ${reason}`;
  return errorAnswer({ code: engineCode(refusal), message }, stale, { status });
}

export function engineCode({ kind, status }: EngineRefusal): ErrorCode {
  if (kind === "broken-director") return "INTERNAL";
  if (kind !== "unanswered") return "BAD_REQUEST";
  return status === 504 ? "TIMED_OUT" : "APP_FAILED";
}
