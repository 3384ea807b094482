/**
 * Who a visitor is, so that he stays where he is: an id that his app names (a header, for servers and mobile
 * apps, or a cookie), else a cookie of ours with a random id that says nothing about him.
 */
import { readCookie } from "./cookie.js";
import type { Policy } from "./policy.js";
import type { Question } from "./question.js";

export interface Visitor {
  readonly id: string;
  /** He has to be given our cookie. */
  readonly isNew: boolean;
}

export const visitorCookie = "propagit-visitor";
/** 128 bits. */
export const visitorChars = 32;
/** A year; browsers cap it at 400 days (RFC 6265bis). */
const maxAgeSeconds = 365 * 24 * 60 * 60;
/** Of ids that an app names: a long token fits, and hashing it costs some microseconds. */
const idCharsMax = 4_096;

/** The id that a request brings; undefined for a visitor who is new. */
export function readVisitor(request: Question, policy: Policy): string | undefined {
  const { visitor } = policy;
  if (visitor?.header !== undefined) {
    const id = bounded(request.header(visitor.header));
    if (id !== undefined) return id;
  }
  const cookies = request.header("cookie");
  if (cookies === undefined) return undefined;
  if (visitor?.cookie !== undefined) {
    const id = bounded(readCookie(cookies, visitor.cookie));
    if (id !== undefined) return id;
  }
  const own = readCookie(cookies, visitorCookie);
  // Values that are not of our making do not count.
  return own !== undefined && isOwnId(own) ? own : undefined;
}

/** The Set-Cookie value for a new visitor. */
export function writeVisitor(visitor: string): string {
  return `${visitorCookie}=${visitor}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`;
}

/** Asked for nearly every request: a regular expression takes six times as long. */
function isOwnId(id: string): boolean {
  if (id.length !== visitorChars) return false;
  for (let index = 0; index < visitorChars; index++) {
    const code = id.charCodeAt(index);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isDigit && !(code >= 0x61 && code <= 0x66)) return false;
  }
  return true;
}

function bounded(id: string | undefined): string | undefined {
  return id === undefined || id === "" || id.length > idCharsMax ? undefined : id;
}
