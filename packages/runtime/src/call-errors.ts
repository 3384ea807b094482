/** What can go wrong with a call, as errors that its caller gets. */
import { errorCodeOf, PropagitError, type MethodName } from "@propagit/protocol";

export function givenUp(method: MethodName): PropagitError {
  return new PropagitError("TIMED_OUT", `${method} was given up`);
}

export function badFrame(message: string, hint?: string): PropagitError {
  return new PropagitError("BAD_FRAME", message, hint === undefined ? {} : { hint });
}

/** A parameter that is not known is one of a version to come; what it changes cannot be done without it. */
export function hintFor(reason: string): string | undefined {
  if (!reason.endsWith("is not known here")) return undefined;
  return "this side is older than whoever called: update the hub first, then drones, proxies and commands";
}

export function foreignError(error: {
  code: string;
  message: string;
  hint: string;
}): PropagitError {
  return new PropagitError(errorCodeOf(error), error.message, { hint: error.hint });
}
