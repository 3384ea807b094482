/**
 * What is wanted of the parts of a plan that were handed on, out of what was asked of the plan:
 *
 *     asked pause … skip-wait … [task 1.2.2 hands a part on] … skip-wait … stop
 *                                        counted from here ->  skips: 1, stop
 */
import type { DelegationWish } from "@propagit/protocol";
import type { RunEvent } from "@propagit/plan";

/** What was asked of a plan so far. */
export type AskedSoFar = DelegationWish;

export const nothingAsked: AskedSoFar = { paused: false, skips: 0, retries: 0, by: "nobody" };

export function askedAfter(before: AskedSoFar, event: RunEvent): AskedSoFar {
  if (event.kind !== "asked") return before;
  const { ask, by } = event;
  switch (ask.kind) {
    case "pause":
    case "resume":
      return { ...before, paused: ask.kind === "pause", by };
    case "skip-wait":
      return { ...before, skips: before.skips + 1, by };
    case "retry": {
      const { stop: _, ...rest } = before;
      return { ...rest, retries: before.retries + 1, paused: false, by };
    }
    case "stop": {
      const { undo = false, now = false } = before.stop ?? {};
      const stop = { undo: undo || ask.undo, now: now || (ask.now ?? false) };
      return { ...before, stop, by };
    }
    case "approve":
      return before;
    default:
      return ask satisfies never;
  }
}

/** Of a part that was handed on when `base` had been asked. */
export function wishSince(base: AskedSoFar, asked: AskedSoFar): DelegationWish {
  return {
    ...asked,
    skips: asked.skips - base.skips,
    retries: asked.retries - base.retries,
  };
}
