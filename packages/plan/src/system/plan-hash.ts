/** A short name that only one plan has. */
import { createHash } from "node:crypto";
import { hashedText } from "../core/plan-hash.js";
import type { Plan } from "../plan.js";

/** SHA-256, as 64 hex characters; see `hashedText` for what it covers. */
export function planHash(plan: Plan): string {
  return createHash("sha256").update(hashedText(plan)).digest("hex");
}
