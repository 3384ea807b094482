/** Plans of taking work away from a drone, and of giving it work again. */
import { droneCalled } from "../drone-called.js";
import { isAlive } from "../readiness.js";
import { partOf } from "./basis.js";
import { movesTold } from "./moves.js";
import { oneStep, type ChangeOf, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** @throws NO_DRONE */
export function planDrain(
  view: PlannerView,
  request: ChangeOf<"drain"> | ChangeOf<"undrain">,
): PlannedStep {
  const { kind, drone: name } = request;
  const drone = droneCalled(view.drones, name);
  const isSo =
    (view.rows.rows("drones").get(drone.identity)?.draining ?? false) === (kind === "drain");
  const alive = drone.reports.filter(isAlive).length;
  const runsNow =
    kind === "drain" && alive > 0
      ? [`it runs ${alive} ${alive === 1 ? "instance" : "instances"}`]
      : [];
  const why = kind === "drain" ? "it is drained already" : "it takes instances already";
  return oneStep(view, {
    name: `${kind} ${name}`,
    request,
    parts: [partOf.drones],
    step: { command: `${kind}-drone`, name },
    isSo,
    skipped: isSo ? [{ what: name, why }] : [],
    warnings: isSo
      ? []
      : [...runsNow, ...movesTold(view, drone.identity, { draining: kind === "drain" })],
  });
}
