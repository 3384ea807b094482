/** Which answers of a hub end a drone that it never took in. */
import type { ErrorCode } from "@propagit/protocol";

/**
 * How long a new drone believes that the "other" drone of its identity is its own last life, whose
 * connection the hub has not missed yet: three heartbeats of 5 s, and a margin.
 */
const formerLifeMs = 20_000;

/**
 * Whether another try changes nothing.
 *
 * @param sinceStartMs how long the drone has been trying
 */
export function isLasting(code: ErrorCode, sinceStartMs: number): boolean {
  if (code === "DRONE_TAKEN") return sinceStartMs >= formerLifeMs;
  return code === "DENIED" || code === "UNPROVEN" || code === "BAD_VERSION";
}

/** Whether the hub spoke at all, so that it is known to be there. */
export function isRefusal(code: ErrorCode): boolean {
  return isLasting(code, formerLifeMs);
}
