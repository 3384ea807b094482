/** Whether a rollout by steps may begin, and how it goes. */
import {
  canaryPlanDefault,
  PropagitError,
  whyNoPlan,
  type CanaryPlan,
  type CanaryWish,
} from "@propagit/protocol";
import { differencesOf } from "./canary-plan-text.js";
import type { CanaryRow } from "./canary-row.js";
import { nameOfCanary } from "./canary.js";
import type { LedgerRows } from "./draft.js";
import { placeName } from "./place-name.js";
import { flagOf } from "./rollout-lines.js";
import { placeKey, type ReleaseRow } from "./rows.js";
import { leadsTo } from "./shares.js";

export interface PlannedCanary {
  readonly plan: CanaryPlan;
  /** It is under way just so. */
  readonly isGoing: boolean;
}

/**
 * @throws BAD_USAGE; NO_ROLLOUT when it has all visitors already; ROLLOUT_RUNNING when it is under way in another
 *   manner
 */
export function plannedCanary(
  rows: LedgerRows,
  release: ReleaseRow,
  said: CanaryWish,
): PlannedCanary {
  const plan = wholePlan(said, release);
  refuseVisited(rows, release);
  const former = rows.rows("canaries").get(placeKey(release.repo, release.environment));
  const isGoing = former?.release === release.number && former.phase !== "over";
  if (isGoing) refuseOther(former, said);
  return { plan, isGoing };
}

function refuseVisited(rows: LedgerRows, release: ReleaseRow): void {
  const { repo, environment } = release;
  const shares = rows.rows("routes").get(placeKey(repo, environment))?.shares ?? [];
  if (shares.length === 0 || shares.some((share) => !leadsTo(share, release))) return;
  const what = nameOfCanary({ ...release, release: release.number });
  throw new PropagitError(
    "NO_ROLLOUT",
    `${what} has all visitors of ${placeName(release)} already`,
  );
}

/** What is said, else what its manifest says, else what is usual. */
function wholePlan(said: CanaryWish, { specification }: ReleaseRow): CanaryPlan {
  const plan = { ...canaryPlanDefault, ...specification.rollout, ...said };
  const why = whyNoPlan(plan);
  if (why === undefined) return plan;
  throw new PropagitError("BAD_USAGE", why, { hint: "write it like --steps 5%,25%,50%,100%" });
}

/** @throws ROLLOUT_RUNNING when what is said is not how it is under way; what is not said fits */
function refuseOther(former: CanaryRow, said: CanaryWish): void {
  const other = differencesOf(former.plan, said);
  if (other.length === 0) return;
  const flag = flagOf(former.environment);
  throw new PropagitError(
    "ROLLOUT_RUNNING",
    `the rollout of ${nameOfCanary(former)} in ${placeName(former)} is under way with ${other.join(", ")}`,
    {
      hint: `leave these flags out to look on, or first: propagit rollout abort ${former.repo}${flag}`,
    },
  );
}
