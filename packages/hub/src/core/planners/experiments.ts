/** Plans of beginning and ending experiments and shadows. */
import { shortCommit, type ExperimentVariant } from "@propagit/protocol";
import {
  changeShadow,
  newExperiment,
  startExperiment,
  stopExperiment,
  winnerOf,
} from "../experiment-edits.js";
import { placeName } from "../place-name.js";
import { saidOf, type RoutePlace } from "../said.js";
import type { DeploymentRow } from "../rows.js";
import { partOf } from "./basis.js";
import { oneStep, shortOf, type ChangeOf, type FoundPlace, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** What is to get requests, with the deployment that would serve them. */
export interface Served {
  readonly place: FoundPlace;
  readonly running: Pick<DeploymentRow, "commit" | "id">;
}

/**
 * @param served what serves each variant, in their order; undefined: whatever the shares say
 * @throws EXISTS, BAD_RULE
 */
export function planExperimentStart(
  view: PlannerView,
  place: RoutePlace,
  {
    request,
    served,
  }: {
    readonly request: ChangeOf<"experiment-start">;
    readonly served: readonly (Served | undefined)[];
  },
): PlannedStep {
  const { name, variants, rules, audience } = request;
  const row = saidOf(view.rows, place);
  const found = variants.map(({ name: variant, weight }, index): ExperimentVariant => {
    return { name: variant, weight, ...idsOf(served[index]) };
  });
  const wanted = newExperiment({ name, rules, audience }, found);
  const isSo = startExperiment(row, wanted, unsigned(view)) === row;
  const said = variants.map((variant, index) => {
    const to = served[index];
    return { ...variant, ...(to && { ref: to.place.ref }) };
  });
  return oneStep(view, {
    name: `experiment ${name} of ${placeName(place)}`,
    request,
    parts: [
      partOf.said(place.repo, place.environment),
      partOf.deployments(place.repo, place.environment),
    ],
    step: {
      command: "start-experiment",
      ...place,
      name,
      variants: said,
      rules,
      ...(audience && { audience }),
    },
    isSo,
    skipped: isSo ? [{ what: `experiment ${name}`, why: "it is running just so already" }] : [],
  });
}

/** @throws NO_RULE, BAD_RULE */
export function planExperimentStop(
  view: PlannerView,
  place: RoutePlace,
  request: ChangeOf<"experiment-stop">,
): PlannedStep {
  const { repo, environment } = place;
  const { name, promote } = request;
  const row = saidOf(view.rows, place);
  const winner = promote === undefined ? undefined : winnerOf(view.rows, row, name, promote);
  stopExperiment(row, name);
  const visited = [partOf.route(repo, environment), partOf.deployments(repo, environment)];
  return oneStep(view, {
    name: `end of experiment ${name} of ${placeName(place)}`,
    request,
    parts: [partOf.said(repo, environment), ...(winner ? visited : [])],
    step: {
      command: "stop-experiment",
      ...place,
      name,
      ...(promote !== undefined && { promote }),
    },
    isSo: false,
    warnings: winner
      ? [`variant ${promote} is release ${winner.release} (${shortCommit(winner.commit)})`]
      : [],
  });
}

/** @param served absent: requests are no longer copied */
export function planShadow(
  view: PlannerView,
  place: RoutePlace,
  {
    request,
    served,
  }: { readonly request: ChangeOf<"shadow">; readonly served: Served | undefined },
): PlannedStep {
  const { repo, environment } = place;
  const row = saidOf(view.rows, place);
  const to = served && request.to && { ref: served.place.ref, percent: request.to.percent };
  const shadow = served && to && { ...idsOf(served), percent: to.percent };
  const isSo = changeShadow(row, shadow, unsigned(view)).shadow === row.shadow;
  const what = served ? `shadow ${repo} ${shortOf(served.place)}` : `end of the shadow of ${repo}`;
  return oneStep(view, {
    name: `${what} in ${environment}`,
    request,
    parts: [partOf.said(repo, environment), partOf.deployments(repo, environment)],
    step: { command: "shadow", ...place, ...(to && { to }) },
    isSo,
    skipped: isSo ? [{ what: "requests", why: whySo(served) }] : [],
  });
}

function whySo(served: Served | undefined): string {
  return served ? "they are copied there just so already" : "they are not copied anywhere";
}

function idsOf(served: Served): { readonly commit: string; readonly deployment: string };
function idsOf(served: Served | undefined): Pick<ExperimentVariant, "commit" | "deployment">;
function idsOf(served: Served | undefined): Pick<ExperimentVariant, "commit" | "deployment"> {
  return served ? { commit: served.running.commit, deployment: served.running.id } : {};
}

/** Whoever asks signs it; what is so already stays as it is signed. */
function unsigned({ now }: PlannerView) {
  return { by: "", since: now };
}
