/** Instances that did not come about, by drone and reason: `web-1: exit code 1`. */
import type { FailedInstance } from "@propagit/protocol";
import { formatNames } from "./quantity.js";
import { plainText } from "./text-width.js";

/** As many as fit in a sentence. */
const namedMax = 5;

export function formatFailed(failed: readonly Omit<FailedInstance, "process">[]): string {
  const reasons = failed.map(({ drone, reason }) => `${drone}: ${plainText(reason)}`);
  return formatNames(reasons, namedMax);
}
