/**
 * What is wanted of the parts of a plan that were handed on, out of what was asked of the plan:
 *
 *     asked pause … skip-wait … [task 1.2.2 hands a part on] … skip-wait … stop
 *                                        counted from here ->  skips: 1, stop
 */
import type { DelegationWish } from "@propagit/protocol";
import type { AskedSoFar } from "@propagit/plan";

export { askedAfter, nothingAsked, type AskedSoFar } from "@propagit/plan";

/** Of a part that was handed on when `base` had been asked. */
export function wishSince(base: AskedSoFar, asked: AskedSoFar): DelegationWish {
  return {
    ...asked,
    skips: asked.skips - base.skips,
    retries: asked.retries - base.retries,
  };
}
