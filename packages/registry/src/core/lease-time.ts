/** How long leases last. */
import { PropagitError } from "@propagit/protocol";

/** How long a lease lasts after its last renewal when nobody says otherwise; renewed three times in it. */
export const leaseMsDefault = 15_000;

/** A second, so that renewals are no load; an hour, so that what is dead does not stay for days. */
const leaseMsLimits = { min: 1_000, max: 3_600_000 } as const;

/** @throws BAD_RECORD */
export function checkTtl(ttlMs: number): number {
  const { min, max } = leaseMsLimits;
  if (Number.isInteger(ttlMs) && ttlMs >= min && ttlMs <= max) return ttlMs;
  throw new PropagitError("BAD_RECORD", `a lease cannot last ${ttlMs} ms`, {
    hint: `ttlMs is a whole number from ${min} to ${max}`,
  });
}
