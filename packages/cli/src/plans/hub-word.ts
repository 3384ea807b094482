/** What the hub says of a plan that somebody looks at: whether it would begin it, and what it would do then. */
import { foreignNames, type Plan } from "@propagit/plan";
import { hubCommands } from "@propagit/hub";
import {
  toPropagitError,
  type ErrorCode,
  type PropagitError,
  type ToldOfPlan,
} from "@propagit/protocol";
import type { HubFlags } from "../hub-call.js";
import { checkOnHub } from "./hub-plans.js";
import type { Planned } from "./planned.js";

export type HubWord =
  | { readonly kind: "would"; readonly told: ToldOfPlan }
  | { readonly kind: "refused"; readonly error: PropagitError }
  /** There is no hub at hand, or it cannot be asked. */
  | { readonly kind: "unasked"; readonly why: string };

/** No hub is named, or it is not there, lets nobody in, or is an older one. */
const notAtHand: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BAD_USAGE",
  "NO_REMOTE",
  "UNREACHABLE",
  "LINK_LOST",
  "TIMED_OUT",
  "DENIED",
  "UNPROVEN",
  "BAD_VERSION",
  "BAD_FRAME",
]);

/** Of who only looks: a hub that is not there refuses nothing. */
export async function wordOfHub(made: Planned, flags: HubFlags): Promise<HubWord> {
  if (needsCode(made.plan)) {
    return {
      kind: "unasked",
      why: "where the project's own commands are is said with apply --code",
    };
  }
  try {
    return { kind: "would", told: await checkOnHub(made, flags) };
  } catch (thrown) {
    const error = toPropagitError(thrown);
    if (!notAtHand.has(error.code)) return { kind: "refused", error };
    return { kind: "unasked", why: error.message };
  }
}

function needsCode(plan: Plan): boolean {
  return plan.code === undefined && foreignNames(plan, hubCommands).length > 0;
}
