/** The plan of changing labels of a drone: what would be placed anew by them. */
import { describeLabels, rowCalled, relabelled } from "../drone-labels.js";
import { labelsOf } from "../membership.js";
import { partOf } from "./basis.js";
import { movesTold } from "./moves.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** @throws NO_DRONE, BAD_NAME */
export function planLabel(view: PlannerView, request: ChangeOf<"label">): PlannedStep {
  const { drone: name, set, unset } = request;
  const row = rowCalled(view.rows, name);
  const after = relabelled(row, { set, unset });
  const isSo = after === undefined;
  const moves = after ? movesTold(view, row.identity, { labels: labelsOf(after) }) : [];
  const still = "nothing that runs moves; what is placed from now on goes by them";
  return oneStep(view, {
    name: `label ${name}`,
    request,
    parts: [partOf.drones],
    step: { command: "label-drone", name, set: { ...set }, unset: [...unset] },
    isSo,
    skipped: isSo ? [{ what: name, why: "it has these labels already" }] : [],
    warnings: isSo
      ? []
      : [
          `its labels would be ${describeLabels(labelsOf(after))}`,
          ...(moves.length > 0 ? moves : [still]),
        ],
  });
}
