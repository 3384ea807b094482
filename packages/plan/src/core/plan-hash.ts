/** What a plan is, as one text: the same plan gives the same text, whoever wrote it in which order. */
import { canonicalJson } from "@propagit/protocol";
import type { Plan } from "../plan.js";

/**
 * All that will be done, and what it was made from. Not when: made anew a minute later from a state that has
 * not moved, it is the same plan. Nor of which wish: the stages say what comes of it.
 */
export function hashedText(plan: Plan): string {
  const { basis, request: _, ...content } = plan;
  const files = basis?.files;
  return canonicalJson({
    ...content,
    ...(basis && { basis: basis.revisions }),
    ...(files && { files }),
  });
}
