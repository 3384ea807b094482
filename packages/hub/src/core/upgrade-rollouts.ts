/**
 * Releases on their way in a ledger of format 2, from before they were carried out by plans: what was still to be
 * run becomes what is done of the plan that the hub is going to make for them.
 *
 *     phase      queued  building      testing  releasing  starting, promoting  undoing
 *     is done    -       open-release  build    test       start                open-release, and it failed
 */
import { rolloutPhaseSchema, type RolloutPhase } from "@propagit/protocol";
import { Type } from "typebox";
import type { RolloutRow } from "./rows.js";

/** What of such a row says how far it is; the rest is as it was. */
export const formerRollout = Type.Object({
  phase: rolloutPhaseSchema,
  tasks: Type.Array(Type.Enum(["build", "test", "release"])),
});

/** @param phase the one that the row says */
export function upgradeRollout(row: object, phase: RolloutPhase): object {
  const { tasks: _, ...rest } = row as { readonly tasks: unknown };
  const done = doneIn(phase);
  return { ...rest, ...(done && { done }) };
}

function doneIn(phase: RolloutPhase): RolloutRow["done"] {
  switch (phase) {
    case "queued":
      return undefined;
    case "building":
    case "undoing":
      return "open-release";
    case "testing":
      return "build";
    case "releasing":
      return "test";
    case "starting":
    case "promoting":
      return "start";
    default:
      return phase satisfies never;
  }
}
