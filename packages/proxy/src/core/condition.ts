/** Whether a request is one of those that a rule or an audience means. */
import type { Condition } from "@propagit/protocol";
import { readCookie } from "./cookie.js";
import { mixText, uniformAfter, type Seed } from "./hash.js";
import type { Question } from "./question.js";

/** A condition with its names as they are looked up. */
export interface ReadyCondition {
  readonly header?: Wanted;
  readonly cookie?: Wanted;
  /** Of 1. */
  readonly part?: number;
}

interface Wanted {
  readonly name: string;
  readonly values?: ReadonlySet<string>;
}

export function readyCondition({ header, cookie, percent }: Condition): ReadyCondition {
  return {
    ...(header && { header: wanted(header.name.toLowerCase(), header.values) }),
    ...(cookie && { cookie: wanted(cookie.name, cookie.values) }),
    ...(percent !== undefined && { part: percent / 100 }),
  };
}

/**
 * @param seed of the visitor and whatever makes this draw independent of others
 * @param what names the condition: raising its percentage then adds visitors and takes none away
 */
export function holds(
  condition: ReadyCondition,
  request: Question,
  seed: Seed,
  what: string,
): boolean {
  const { header, cookie, part } = condition;
  if (header && !fits(header, request.header(header.name))) return false;
  if (cookie && !fits(cookie, readCookie(request.header("cookie"), cookie.name))) return false;
  return part === undefined || uniformAfter(mixText(seed, "percent"), what) < part;
}

function wanted(name: string, values: readonly string[] | undefined): Wanted {
  return { name, ...(values && { values: new Set(values) }) };
}

function fits({ values }: Wanted, value: string | undefined): boolean {
  return value !== undefined && (values === undefined || values.has(value));
}
