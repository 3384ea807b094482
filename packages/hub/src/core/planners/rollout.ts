/** The plan of beginning a rollout by steps. */
import { plannedCanary } from "../canary-start.js";
import type { ReleaseRow } from "../rows.js";
import { partOf } from "./basis.js";
import { oneStep, shortOf, type ChangeOf, type FoundPlace, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/**
 * @param release that is ready; absent: it is deployed first
 * @throws BAD_USAGE, NO_ROLLOUT, ROLLOUT_RUNNING
 */
export function planRollout(
  view: PlannerView,
  place: FoundPlace,
  release: ReleaseRow | undefined,
  request: ChangeOf<"rollout">,
): PlannedStep {
  const { repo, environment, ref } = place;
  const planned = release && plannedCanary(view.rows, release, request.plan);
  const isSo = planned?.isGoing ?? false;
  return oneStep(view, {
    name: `rollout ${repo} ${shortOf(place)} in ${environment}`,
    request,
    parts: [partOf.route(repo, environment), partOf.deployments(repo, environment)],
    step: { command: "start-rollout", repo, environment, ref, plan: request.plan },
    isSo,
    skipped: isSo ? [{ what: "visitors", why: "they are sent there step by step already" }] : [],
    warnings: planned ? [] : ["it is deployed first: see `propagit plan deploy --no-promote`"],
  });
}
