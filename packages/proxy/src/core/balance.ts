/**
 * Which endpoint of a pool gets a request:
 *
 *     sticky instance?  the one in his cookie, as long as it is fine; else by rendezvous (only the visitors
 *                       of an instance that goes are moved)
 *     near and far      our own zone, until it is out, or twice as busy as the others
 *     otherwise         of two drawn ones the less busy (M. Mitzenmacher, 2001): as good as looking at all,
 *                       and many proxies do not run to the same one
 *
 * A new endpoint takes part in the draw with a chance that rises from a tenth to one (slow start). Those that
 * are out are passed over, unless all are.
 */
import { awaitsCopy, isOut, probeIfHalfOpen } from "./breaker.js";
import type { Target } from "./endpoint-state.js";
import { uniformAfter, type Seed } from "./hash.js";
import { scoreOf } from "./split.js";
import type { Pool } from "./variant.js";

/** One look at endpoints, for one request. */
export interface Look {
  /** Monotonic, in ms. */
  readonly now: number;
  /** Addresses that this request was tried at already. */
  readonly tried: readonly string[];
  /** Noted on the way: one that was passed over, and that a copy of a request is to try. */
  awaiting?: Target | undefined;
}

export interface Draw extends Look {
  readonly slowStartMs: number;
  /** For a visitor who stays with one instance. */
  readonly sticky?: { readonly visitor: Seed; readonly token: string | undefined };
  readonly chance: { fraction(): number };
}

/** Requests one endpoint gets at the same time; a guess, far above what one Node process serves well. */
export const loadMax = 4_000;

/** Whether somebody of a pool can be sent a request with good hope. */
export function hasFine(pool: Pool, look: Look): boolean {
  for (const target of pool.targets) if (isFine(target, look)) return true;
  return false;
}

/** Whether there is anybody that was not tried, however it does. */
export function hasUntried(pool: Pool, tried: readonly string[]): boolean {
  return tried.length === 0 || pool.targets.some(({ address }) => !tried.includes(address));
}

export function pickTarget(pool: Pool, draw: Draw): Target | "busy" | undefined {
  const picked = pickFine(pool, draw) ?? pickAny(pool, draw);
  if (!picked) return undefined;
  const free = picked.state.inFlight < loadMax ? picked : leastBusy(pool, draw);
  if (!free || free.state.inFlight >= loadMax) return "busy";
  probeIfHalfOpen(free.state.breaker, draw.now);
  return free;
}

function pickFine(pool: Pool, draw: Draw): Target | undefined {
  const { targets, near, far } = pool;
  const [only] = targets;
  if (only && targets.length === 1) {
    return isFine(only, draw) ? only : undefined;
  }
  if (draw.sticky) return pickSticky(targets, draw, draw.sticky);
  if (near.length === 0) return pickOfTwo(targets, draw);
  const close = pickOfTwo(near, draw);
  if (close && close.state.inFlight < nearLoadFree) return close;
  const distant = pickOfTwo(far, draw);
  if (!close || !distant) return close ?? distant;
  return close.state.inFlight > distant.state.inFlight * nearLoadRatio ? distant : close;
}

/** Requests that an endpoint nearby may have before those far away are looked at; guesses, both. */
const nearLoadFree = 8;
const nearLoadRatio = 2;

function pickOfTwo(targets: readonly Target[], draw: Draw): Target | undefined {
  const count = targets.length;
  const first = Math.floor(draw.chance.fraction() * count);
  const one = targets[first];
  if (!one || count === 1) return one && isFine(one, draw) ? one : undefined;
  const other = targets[(first + 1 + Math.floor(draw.chance.fraction() * (count - 1))) % count];
  if (!other || !isFine(one, draw) || !isFine(other, draw)) {
    return pickOfFine(targets, draw);
  }
  return better(one, other, draw);
}

/** The longer way, for when some are out. */
function pickOfFine(targets: readonly Target[], draw: Draw): Target | undefined {
  const fine = targets.filter((target) => isFine(target, draw));
  const first = Math.floor(draw.chance.fraction() * fine.length);
  const one = fine[first];
  const other =
    fine[(first + 1 + Math.floor(draw.chance.fraction() * (fine.length - 1))) % fine.length];
  return one && other && one !== other ? better(one, other, draw) : one;
}

/** Of equally busy ones the first drawn, so that a quiet service does not wear out its first endpoint. */
function better(one: Target, other: Target, draw: Draw): Target {
  if (draw.slowStartMs > 0) {
    if (isPassedOver(one, draw)) return other;
    if (isPassedOver(other, draw)) return one;
  }
  return other.state.inFlight < one.state.inFlight ? other : one;
}

/** The first requests of a new endpoint are not put off for ever. */
const slowStartLeast = 0.1;

function isPassedOver({ state }: Target, draw: Draw): boolean {
  const part = (draw.now - state.sinceMs) / draw.slowStartMs;
  return part < 1 && draw.chance.fraction() >= Math.max(slowStartLeast, part);
}

function pickSticky(
  targets: readonly Target[],
  draw: Draw,
  { visitor, token }: NonNullable<Draw["sticky"]>,
): Target | undefined {
  let best: Target | undefined;
  let bestScore = -1;
  for (const target of targets) {
    if (!isFine(target, draw)) continue;
    if (target.state.token === token) return target;
    const score = scoreOf(uniformAfter(visitor, target.address), 1);
    if (score > bestScore) [best, bestScore] = [target, score];
  }
  return best;
}

/** Nobody is fine: anybody is better than no answer. */
function pickAny({ targets }: Pool, draw: Draw): Target | undefined {
  const untried = targets.filter(({ address }) => !draw.tried.includes(address));
  return untried[Math.floor(draw.chance.fraction() * untried.length)];
}

function leastBusy({ targets }: Pool, draw: Draw): Target | undefined {
  let least: Target | undefined;
  for (const target of targets) {
    if (!isFine(target, draw)) continue;
    if (!least || target.state.inFlight < least.state.inFlight) least = target;
  }
  return least;
}

function isFine(target: Target, look: Look): boolean {
  const { breaker } = target.state;
  if (isOut(breaker, look.now)) return false;
  if (awaitsCopy(breaker, look.now)) {
    look.awaiting = target;
    return false;
  }
  return look.tried.length === 0 || !look.tried.includes(target.address);
}
