/** Plans of rollouts by steps: of beginning one, and of changing it by hand. */
import { timeText } from "@propagit/plan";
import type { CanaryPlan } from "@propagit/protocol";
import { checkCanaryChange, noneUnderWay } from "../canary-change.js";
import { plannedCanary } from "../canary-start.js";
import { placeName } from "../place-name.js";
import { placeKey, type ReleaseRow } from "../rows.js";
import type { RoutePlace } from "../said.js";
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
    warnings: planned
      ? stepsText(planned.plan)
      : ["it is deployed first: see `propagit plan deploy --no-promote`"],
  });
}

/** Which shares, how long each is looked at, and what takes everything back. */
function stepsText(plan: CanaryPlan): readonly string[] {
  const { steps, everyMs, minRequests, errorPoints, p95Ratio } = plan;
  // The last one is all visitors, which ends it.
  const looked = steps.slice(0, -1).map((step) => `${step} %, `);
  const least = looked.length > 0 ? `; ${timeText(looked.length * everyMs)} at least` : "";
  const after = { wait: "waits for more", go: "goes on", stop: "takes everything back" };
  return [
    `steps: ${looked.join("")}100 %${least}`,
    `each is looked at for ${timeText(everyMs)}; with fewer than ${minRequests} requests it ${after[plan.inconclusive]}`,
    `goes back when it fails ${errorPoints} points of percent more often than the old one, or its 95th percentile is ${p95Ratio} times as long`,
  ];
}

/** @throws NO_ROLLOUT */
export function planRolloutChange(
  view: PlannerView,
  place: RoutePlace,
  request: ChangeOf<"rollout-change">,
): PlannedStep {
  const { repo, environment } = place;
  const { change } = request;
  const row = view.rows.rows("canaries").get(placeKey(repo, environment));
  if (!row || row.phase === "over") throw noneUnderWay(place);
  checkCanaryChange(row, { change });
  const { release } = row;
  return oneStep(view, {
    name: `${change} the rollout of release ${release} of ${placeName(place)}`,
    request,
    parts: [partOf.rollout(repo, environment)],
    step: { command: "change-rollout", repo, environment, release, change },
    isSo: false,
  });
}
