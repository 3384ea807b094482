/** Answers of the proxy itself: short text that says why, or what a route's rules say. */
import { errorCatalogue, PropagitError, type ErrorCode } from "@propagit/protocol";
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
  const more = refusalHeaders(refusal);
  return errorAnswer(new PropagitError(refusal.code, refusal.message), stale, { more });
}

export interface ErrorAnswerOptions {
  /** Default: the code's own. */
  readonly status?: number;
  /** Names and values in turn. */
  readonly more?: readonly string[];
}

export function errorAnswer(
  error: PropagitError,
  stale: Staleness,
  { status = errorCatalogue[error.code].status, more = [] }: ErrorAnswerOptions = {},
): Answer {
  const headers = ["Content-Type", plain, "Cache-Control", "no-store", ...more];
  if (stale.length > 0) headers.push(staleHeader, stale.join(", "));
  const body = `${error.code}: ${error.message}\n${error.hint}\n`;
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
  const error = new PropagitError(codeOf(refusal), `this request cannot be taken: ${reason}`);
  return errorAnswer(error, stale, { status });
}

function codeOf({ kind, status }: EngineRefusal): ErrorCode {
  if (kind !== "unanswered") return "BAD_REQUEST";
  return status === 504 ? "TIMED_OUT" : "APP_FAILED";
}
