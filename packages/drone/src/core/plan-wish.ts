/** What the hub wants of a part of a plan, all of it each time, against what it wanted when it was heard last. */
import type { DelegationWish } from "@propagit/protocol";
import type { RunAsk } from "@propagit/plan";

export const nothingWished: DelegationWish = { paused: false, skips: 0, retries: 0, by: "nobody" };

/** @param before what was heard last; undefined: nothing. @returns what is to be asked of it now, in order */
export function wishedOf(
  before: DelegationWish | undefined,
  wish: DelegationWish,
): readonly RunAsk[] {
  const { paused, skips, retries, stop } = before ?? nothingWished;
  const isAgain = wish.retries > retries;
  const wasStopped = isAgain ? undefined : stop;
  const asks: RunAsk[] = [];
  if (isAgain) asks.push({ kind: "retry" });
  if (wish.paused !== paused) asks.push({ kind: wish.paused ? "pause" : "resume" });
  // Several that were not heard are no more than one: what waits now waits no longer.
  if (wish.skips > skips) asks.push({ kind: "skip-wait" });
  if (wish.stop && isMore(wish.stop, wasStopped)) asks.push({ kind: "stop", ...wish.stop });
  return asks;
}

type Stop = NonNullable<DelegationWish["stop"]>;

function isMore(stop: Stop, before: Stop | undefined): boolean {
  return !before || (stop.undo && !before.undo) || (stop.now && !before.now);
}
