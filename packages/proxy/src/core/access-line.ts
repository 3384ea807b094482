/** One line of the access log: JSON, a request each, with what it was, where it went and how it ended. */
import type { ExchangeEnd } from "@propagit/http";

/** What is known of a request beside how it ended; absent is not written. */
export interface AccessEntry {
  /** When its head was whole, in ms since 1970. */
  readonly at: number;
  readonly method: string;
  readonly host: string;
  /** Path and query as the visitor sent them. */
  readonly target: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly isSecure: boolean;
  /** The visitor's. */
  readonly address: string;
  readonly requestId?: string;
  readonly userAgent?: string;
  readonly referer?: string;
  /** Whose visitor it was; absent when that is not known. */
  readonly repo?: string;
  readonly environment?: string;
  /** Where it was sent; absent when the proxy answered by itself. */
  readonly commit?: string;
  readonly deployment?: string;
  /** `experiment=variant, …` as the app got it. */
  readonly variant?: string;
  /** The last one that was tried, `host:port`. */
  readonly endpoint?: string;
  /** Endpoints that were tried; absent for one. */
  readonly attempts?: number;
  /** Why the visitor got an answer of the proxy: a code of the catalogue, or `redirect` and the like. */
  readonly code?: string;
}

/** Longest text of a visitor's that is written; what is longer ends with `…`. */
const textCharsMax = 2_048;
/** Characters that JSON wants escaped, and others that a terminal would act on. */
// eslint-disable-next-line no-control-regex
const unsafe = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

export function encodeAccess(entry: AccessEntry, end: ExchangeEnd): string {
  const line =
    `{"at":"${new Date(entry.at).toISOString()}"` +
    field("method", entry.method) +
    field("host", entry.host) +
    field("target", entry.target) +
    `,"status":${end.status},"how":"${end.how}"` +
    `,"ms":${inMs(end.tookMs)},"headMs":${inMs(end.headMs)}` +
    `,"requestBytes":${end.requestBytes},"answerBytes":${end.answerBytes}` +
    field("repo", entry.repo) +
    field("environment", entry.environment) +
    field("commit", entry.commit) +
    field("deployment", entry.deployment) +
    field("variant", entry.variant) +
    field("endpoint", entry.endpoint) +
    (entry.attempts === undefined ? "" : `,"attempts":${entry.attempts}`) +
    field("code", entry.code) +
    field("reason", end.reason) +
    field("address", entry.address) +
    `,"http":"${entry.version}","tls":${entry.isSecure}` +
    field("requestId", entry.requestId) +
    field("userAgent", entry.userAgent) +
    field("referer", entry.referer);
  return `${line}}\n`;
}

/**
 * Whether a request is written when only `percent` of them are: of failures all, as they are what is looked
 * for, of others a random part. What a visitor did wrong, or too often, is no failure, whoever answered it: a
 * stranger with a loop must not fill the log.
 *
 * @param fraction a number in [0, 1)
 */
export function isLogged({ status, how }: ExchangeEnd, percent: number, fraction: number): boolean {
  const isFailure = status >= 500 || how === "cut" || (how === "failed" && status < 400);
  return isFailure || fraction * 100 < percent;
}

/** Stands where lines are missing, since they came faster than they could be written. */
export function encodeDropped(at: number, lines: number): string {
  return `{"at":"${new Date(at).toISOString()}","dropped":${lines}}\n`;
}

function field(name: string, value: string | undefined): string {
  if (value === undefined) return "";
  const text = value.length > textCharsMax ? `${value.slice(0, textCharsMax)}…` : value;
  // Most need no escapes, and this is done for each request.
  return unsafe.test(text) ? `,"${name}":${escaped(text)}` : `,"${name}":"${text}"`;
}

/** JSON leaves DEL and the C1 controls as they are, which terminals take for commands. */
function escaped(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Microseconds are as fine as anybody reads. */
function inMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
