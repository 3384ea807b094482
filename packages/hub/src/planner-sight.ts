/** What planners see of the cluster right now. */
import type { Assignments } from "./assignments.js";
import { assignedDrone } from "./assignments.js";
import type { PlannerDrone, PlannerView } from "./core/planners/planner-view.js";
import { byName } from "./fleet-view.js";
import type { Fleet } from "./fleet.js";
import type { Ledger } from "./ledger.js";

export interface PlannerSightParts {
  readonly ledger: Pick<Ledger, "rows">;
  readonly fleet: Pick<Fleet, "members">;
  readonly assignments: Pick<Assignments, "counts">;
}

export function plannerView(
  { ledger, fleet, assignments }: PlannerSightParts,
  now: number,
): PlannerView {
  let drones: readonly PlannerDrone[] | undefined;
  return {
    now,
    rows: { rows: (table) => ledger.rows(table) },
    // Most changes are about none of them, and there may be 10,000.
    get drones() {
      return (drones ??= plannerDrones(fleet));
    },
    get counts() {
      return assignments.counts;
    },
  };
}

/** Those that did not end, in the order of names. */
function plannerDrones({ members }: Pick<Fleet, "members">): readonly PlannerDrone[] {
  return byName(members)
    .filter(({ contact }) => contact !== "left")
    .map((member) => ({ ...assignedDrone(member), reports: [...member.instances.values()] }));
}
