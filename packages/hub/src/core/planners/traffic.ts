/** Plans of sending visitors somewhere. */
import { environmentDefault, shortCommit, type Route, type Share } from "@propagit/protocol";
import { placeKey, type DeploymentRow } from "../rows.js";
import { checkShares, formatShares, sharePercent } from "../shares.js";
import { partOf } from "./basis.js";
import { oneStep, shortOf, type ChangeOf, type FoundPlace, type PlannedStep } from "./one-step.js";
import type { PlannerView } from "./planner-view.js";

/** Of the name of a plan. */
const nameChars = 200;

/** @param running the deployment that would get the visitors */
export function planPromote(
  view: PlannerView,
  place: FoundPlace,
  running: Pick<DeploymentRow, "id">,
  request: ChangeOf<"promote">,
): PlannedStep {
  const { repo, environment, commit, ref } = place;
  const route = view.rows.rows("routes").get(placeKey(repo, environment));
  const share = sharePercent(route, { commit, deployment: running.id });
  const isSo = route?.shares.length === 1 && share === 100;
  return oneStep(view, {
    name: `promote ${repo} ${shortOf(place)} in ${environment}`,
    request,
    parts: [partOf.route(repo, environment), partOf.deployments(repo, environment)],
    step: { command: "promote", repo, environment, ref },
    isSo,
    skipped: isSo ? [{ what: "visitors", why: "all of them go there already" }] : [],
    warnings: isSo ? [] : sharesNow(route),
  });
}

/** Who gets a share, with the deployment that would serve it. */
export interface WantedShare {
  readonly place: FoundPlace;
  readonly running: Pick<DeploymentRow, "id">;
  readonly weight: number;
}

/** @throws BAD_WEIGHT */
export function planSplit(
  view: PlannerView,
  wanted: readonly WantedShare[],
  request: ChangeOf<"split">,
): PlannedStep {
  const shares = wanted.map(({ place, running, weight }) => {
    return { commit: place.commit, deployment: running.id, weight };
  });
  checkShares(shares);
  const { repo, environment } = wanted[0]?.place ?? request;
  const where = environment ?? environmentDefault;
  const route = view.rows.rows("routes").get(placeKey(repo, where));
  const isSo = linesOf(route?.shares ?? []) === linesOf(shares);
  const parts = wanted.map(({ place, weight }) => `${shortOf(place)} ${weight}`);
  return oneStep(view, {
    name: `split ${repo} in ${where}: ${parts.join(", ")}`.slice(0, nameChars),
    request,
    parts: [partOf.route(repo, where), partOf.deployments(repo, where)],
    step: {
      command: "split",
      repo,
      environment: where,
      shares: wanted.map(({ place, weight }) => ({ ref: place.ref, weight })),
    },
    isSo,
    skipped: isSo ? [{ what: "visitors", why: "they are divided like that already" }] : [],
    warnings: isSo ? [] : sharesNow(route),
  });
}

/** Where they go until then; nothing where nobody gets them. */
function sharesNow(route: Route | undefined): readonly string[] {
  const [only, ...others] = route?.shares ?? [];
  if (!only) return [];
  if (others.length === 0) return [`now all of them go to ${shortCommit(only.commit)}`];
  return [`now they go by weight: ${formatShares([only, ...others])}`];
}

function linesOf(shares: readonly Share[]): string {
  return shares.map((share) => [share.commit, share.deployment, share.weight].join(" ")).join();
}
