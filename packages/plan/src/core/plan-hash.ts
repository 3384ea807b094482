/** What a plan is, as one text: the same plan gives the same text, whoever wrote it in which order. */
import type { Plan } from "../plan.js";

/**
 * All that will be done, and what it was made from. Not when: made anew a minute later from a state that has
 * not moved, it is the same plan.
 */
export function hashedText({ basis, ...plan }: Plan): string {
  return canonicalJson({ ...plan, ...(basis && { basis: basis.revisions }) });
}

/** JSON with the names of each object in order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    const entries = Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1));
    return Object.fromEntries(entries);
  });
}
