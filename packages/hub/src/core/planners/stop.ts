/** The plan of stopping what is deployed. */
import { isAlive } from "../readiness.js";
import type { DeploymentRow } from "../rows.js";
import { stillRouted } from "../still-routed.js";
import { partOf } from "./basis.js";
import { countOn } from "./count-on.js";
import { oneStep, shortOf, type ChangeOf, type FoundPlace, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/**
 * @param running what runs of it, or is on its way to that
 * @throws STILL_ROUTED
 */
export function planStop(
  view: PlannerView,
  place: FoundPlace,
  running: readonly DeploymentRow[],
  request: ChangeOf<"stop">,
): PlannedStep {
  const { repo, environment, ref } = place;
  const { force } = request;
  const refusal = force ? undefined : stillRouted(view.rows, place, running);
  if (refusal) throw refusal;
  const ids = new Set(running.map(({ id }) => id));
  const away = view.drones.filter(
    ({ contact, reports }) =>
      contact === "away" && reports.some(({ deployment }) => ids.has(deployment ?? "")),
  );
  const places = view.drones.flatMap(({ name, reports }) =>
    reports.filter((report) => ids.has(report.deployment ?? "") && isAlive(report)).map(() => name),
  );
  return oneStep(view, {
    name: `stop ${repo} ${shortOf(place)} in ${environment}`,
    request,
    parts: [partOf.route(repo, environment), partOf.deployments(repo, environment)],
    step: { command: "stop", repo, environment, ref, ...(force && { force }) },
    isSo: false,
    warnings: [
      ...(places.length > 0 ? [`just now these are ${countOn(places)}`] : []),
      ...away.map(({ name }) => `drone ${name} is away, and stops it when it comes back`),
    ],
  });
}
