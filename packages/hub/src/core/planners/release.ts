/**
 * The plan of a release that does not exist yet: of a commit, of an old release, of new settings or of other
 * numbers of instances. It is refused where the release itself would be.
 */
import type { PlannedChange, Specification, WavesWish } from "@propagit/protocol";
import { matchesSelector } from "@propagit/protocol";
import { checkEnvironmentRoom, environmentOf } from "../deployment-edits.js";
import { isComplete, isThere, type SeenDrone } from "../readiness.js";
import { rolloutsIn } from "../release-history.js";
import { nameOfRelease } from "../rollout-edits.js";
import { refusalOf } from "../rollout-refusal.js";
import type { ReleaseRow } from "../rows.js";
import { unchangedRelease } from "../unchanged-release.js";
import { partOf, revisionsOf } from "./basis.js";
import { pastDurations } from "./past-releases.js";
import { plannedAs, type Planned, type Skipped, type Travel } from "./planned.js";
import { placesIn, seenIn, type PlannerDrone, type PlannerView } from "./planner-view.js";
import { releaseDraft } from "./release-plan.js";
import { releaseWaves } from "./release-waves.js";

/** A release that is wanted, with all that was found out about it beforehand. */
export interface WantedRelease {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  readonly kind: ReleaseRow["kind"];
  readonly from?: number;
  /** What was built of it, while that is there. */
  readonly artifact?: string;
  /** With the numbers of instances that hold. */
  readonly specification: Specification;
  /** Id of what is to run. */
  readonly deployment: string;
  readonly promote?: boolean;
  readonly waves?: WavesWish;
  /** Of the commit's files. */
  readonly bytes?: number;
  /** What whoever asks is told beside it. */
  readonly notes?: readonly string[];
}

/** @throws NO_DRONE, NO_SERVICE, NO_PLACE, OVERLOADED; BAD_PLAN when its waves are not possible */
export function planRelease(
  view: PlannerView,
  wanted: WantedRelease,
  request: PlannedChange,
): Planned {
  const { rows } = view;
  const { repo, environment, deployment, specification, notes = [] } = wanted;
  const head = { request, basis: basisOf(view, wanted) };
  const seen = seenIn(view, deployment);
  const unchanged = unchangedRelease(wanted, { rows, deployment, drones: () => seen });
  if (unchanged) {
    const what = nameOfRelease(unchanged);
    const skipped = [
      { what, why: "all of it runs already, and visitors are where they should be" },
    ];
    return plannedAs({ name: `nothing new of ${repo}`, ...head, stages: [] }, { skipped });
  }
  const refusal = refusalOf(wanted, placesIn(view));
  if (refusal) throw refusal;
  checkEnvironmentRoom(rows, repo, environment);
  const number = environmentOf(rows, repo, environment).lastRelease + 1;
  const waves = releaseWaves(view.drones, specification, wanted.waves ?? { by: { kind: "once" } });
  const { waves: _, ...release } = wanted;
  const { name, ...rest } = releaseDraft({
    ...release,
    number,
    ...(waves.length > 0 && { waves }),
  });
  const travel = travelOf(view, wanted);
  return {
    plan: { name, ...head, ...rest },
    skipped: skippedOf(seen),
    ...(travel && { travel }),
    durations: pastDurations(rows, repo, environment),
    warnings: [...notes, ...warningsOf(view, wanted)],
  };
}

/** All that the plan follows from. */
function basisOf({ rows, now }: PlannerView, { repo, environment }: WantedRelease) {
  const parts = [
    partOf.drones,
    partOf.environment(repo, environment),
    partOf.route(repo, environment),
    partOf.deployments(repo, environment),
  ];
  return { revisions: revisionsOf(rows, parts), at: now };
}

/** They go on as they are, whatever is asked of the others. */
function skippedOf(seen: readonly SeenDrone[]): readonly Skipped[] {
  return seen
    .filter((drone) => drone.wanted.size > 0 && isThere(drone) && isComplete(drone))
    .map(({ drone }) => ({ what: drone, why: "it runs it already" }));
}

/** Files of the commit for drones that fit and run nothing of it; less where they have a commit like it. */
function travelOf(
  { drones }: PlannerView,
  { bytes, commit, specification }: WantedRelease,
): Travel | undefined {
  if (bytes === undefined) return undefined;
  const lacking = drones.filter(
    (drone) =>
      fits(drone, specification) && !drone.reports.some((report) => report.commit === commit),
  );
  return lacking.length === 0 ? undefined : { bytes, drones: lacking.length };
}

function fits(
  { draining, ownCommand, labels }: PlannerDrone,
  { services }: Specification,
): boolean {
  return !draining && (ownCommand || services.some(({ on }) => matchesSelector(on, labels)));
}

function warningsOf(view: PlannerView, wanted: WantedRelease): readonly string[] {
  const { repo, environment } = wanted;
  const [first] = rolloutsIn(view.rows, repo, environment);
  const away = view.drones.filter((drone) => !isThere(drone) && fits(drone, wanted.specification));
  return [
    ...(first
      ? [`release ${first.number} of ${repo} is on its way; this one waits behind it`]
      : []),
    ...(away.length > 0 ? [awayText(away)] : []),
  ];
}

function awayText(away: readonly PlannerDrone[]): string {
  const [first] = away;
  const who = away.length === 1 ? `drone ${first?.name} is` : `${away.length} drones are`;
  return `${who} away, and ${away.length === 1 ? "gets" : "get"} it when back`;
}
