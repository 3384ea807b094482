/** The part of the error catalogue that is about plans: what they say, and where their runs stand. */
import { exitCodes, kind, type ErrorKind } from "./error-kinds.js";

const { usage } = exitCodes;

export const planErrors = {
  BAD_PLAN: kind(
    usage,
    400,
    "a plan says something that cannot be",
    "docs/plans.md says what can be written; look at it without carrying it out: propagit plan FILE",
  ),
} as const satisfies Record<string, ErrorKind>;
