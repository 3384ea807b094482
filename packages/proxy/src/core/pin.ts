/**
 * A visitor's explicit choice of a commit, where the route allows it:
 *
 *     header X-Propagit-Commit: PREFIX  >  query ?propagit=PREFIX  >  cookie propagit-pin
 *
 * The first two are kept in the cookie for the rest of his session; an empty value lets go. A pin to something
 * that does not run (any more) falls back to what everybody gets, and the answer says
 * `X-Propagit-Pin: gone PREFIX`. The app does not see the parameter: its links and caches stay clean.
 */
import { readCookie } from "./cookie.js";
import { commitHeader } from "./edits.js";
import type { Question } from "./question.js";

const pinCookie = "propagit-pin";
const pinParameter = "propagit";

export interface Pin {
  /** Lower-case; empty lets go. */
  readonly prefix: string;
  readonly from: "header" | "query" | "cookie";
}

export function readPin(request: Question): Pin | undefined {
  const header = request.header(commitHeader);
  if (header !== undefined) return pin(header, "header");
  const parameter = readParameter(request.target);
  if (parameter !== undefined) return pin(parameter, "query");
  const cookie = readCookie(request.header("cookie"), pinCookie);
  return cookie === undefined || cookie === "" ? undefined : pin(cookie, "cookie");
}

/** As short as commits are shown and typed; git itself takes no shorter one. */
const prefixPattern = /^[0-9a-f]{4,64}$/;

/** Whether it can be the beginning of a commit at all. */
export function isPinnable({ prefix }: Pin): boolean {
  return prefixPattern.test(prefix);
}

/** The Set-Cookie value; for the session only. @param prefix of the path that it is for */
export function writePin(commit: string, prefix: string): string {
  return `${pinCookie}=${commit}; Path=${pathOf(prefix)}; HttpOnly; SameSite=Lax`;
}

/** The Set-Cookie value that takes it away. */
export function clearPin(prefix: string): string {
  return `${pinCookie}=; Path=${pathOf(prefix)}; Max-Age=0; HttpOnly; SameSite=Lax`;
}

/** What the answer says of a pin that could not be followed; what the visitor sent is shown with care. */
export function goneText(prefix: string): string {
  return `gone ${prefix.replace(/[^0-9A-Za-z._-]/g, "?").slice(0, 64)}`;
}

/** The target without our parameter. */
export function withoutPin(target: string): string {
  const at = target.indexOf("?");
  if (at < 0 || !target.includes(pinParameter, at)) return target;
  const pairs = target.slice(at + 1).split("&");
  const kept = pairs.filter(
    (pair) => pair !== pinParameter && !pair.startsWith(`${pinParameter}=`),
  );
  if (kept.length === pairs.length) return target;
  return kept.length === 0 ? target.slice(0, at) : `${target.slice(0, at + 1)}${kept.join("&")}`;
}

function readParameter(target: string): string | undefined {
  const at = target.indexOf("?");
  if (at < 0 || !target.includes(pinParameter, at)) return undefined;
  for (const pair of target.slice(at + 1).split("&")) {
    if (pair === pinParameter) return "";
    if (pair.startsWith(`${pinParameter}=`)) return pair.slice(pinParameter.length + 1);
  }
  return undefined;
}

function pin(text: string, from: Pin["from"]): Pin {
  return { prefix: text.trim().toLowerCase(), from };
}

/** A path that could break out of the cookie's attributes is not narrowed to. */
function pathOf(prefix: string): string {
  return /^\/[A-Za-z0-9\-._~/]*$/.test(prefix) ? prefix : "/";
}
