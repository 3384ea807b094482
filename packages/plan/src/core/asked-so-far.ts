/** What was asked of a run, out of its events: the same for whoever reads them, and after each restart. */
import type { DelegationWish } from "@propagit/protocol";
import type { RunEvent } from "../run-event.js";

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
