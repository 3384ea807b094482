/**
 * The plan of a release that does not exist yet: of a commit, of an old release, of new settings or of other
 * numbers of instances. It is refused where the release itself would be.
 */
import type { PlannedChange, Specification, WavesWish } from "@propagit/protocol";
import { checkEnvironmentRoom, environmentOf } from "../deployment-edits.js";
import { isComplete, isThere, type SeenDrone } from "../readiness.js";
import { rolloutsIn } from "../release-history.js";
import { nameOfRelease } from "../rollout-edits.js";
import { refusalOf } from "../rollout-refusal.js";
import type { ReleaseRow } from "../rows.js";
import { unchangedRelease } from "../unchanged-release.js";
import { partOf, revisionsOf } from "./basis.js";
import { plannedAs, type Planned, type Skipped, type Travel } from "./planned.js";
import { placesIn, seenIn, type PlannerView, type PlannerDrone } from "./planner-view.js";
import { releaseDraft } from "./release-plan.js";
import { fits, restartsRunning, waysOf } from "./release-waves.js";
import { scaleChanges, scaleText } from "./scale-changes.js";

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
  readonly redeploy?: boolean;
  /** Of tasks in past releases, in ms, by command. */
  readonly durations?: ReadonlyMap<string, number>;
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
  const restarts = restartsRunning(view, wanted);
  const unchanged = restarts
    ? undefined
    : unchangedRelease(wanted, { rows, deployment, drones: () => seen });
  if (unchanged) {
    const what = nameOfRelease(unchanged);
    const again = request.kind === "deploy" ? "; --redeploy restarts it" : "";
    const why = `all of it runs already, and visitors are where they should be${again}`;
    const skipped = [{ what, why }];
    return plannedAs({ name: `nothing new of ${repo}`, ...head, stages: [] }, { skipped });
  }
  const refusal = refusalOf(wanted, placesIn(view));
  if (refusal) throw refusal;
  checkEnvironmentRoom(rows, repo, environment);
  const number = environmentOf(rows, repo, environment).lastRelease + 1;
  const { waves: _, ...release } = wanted;
  const ways = waysOf(view, wanted);
  const { name, ...rest } = releaseDraft({ ...release, number, ...ways });
  const travel = travelOf(view, wanted);
  const scaled = wanted.kind === "scale" ? scaleChanges(view, wanted) : [];
  const changing = new Set(scaled.flatMap(({ drones }) => drones));
  return {
    plan: { name, ...head, ...rest },
    skipped: restarts ? [] : skippedOf(seen, changing),
    ...(!ways.waves && { drones: fitting(view, specification) }),
    ...(travel && { travel }),
    durations: wanted.durations ?? new Map(),
    warnings: [...scaled.map(scaleText), ...notes, ...warningsOf(view, wanted)],
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
function skippedOf(seen: readonly SeenDrone[], changing: ReadonlySet<string>): readonly Skipped[] {
  return seen
    .filter(({ drone }) => !changing.has(drone))
    .filter((drone) => drone.wanted.size > 0 && isThere(drone) && isComplete(drone))
    .map(({ drone }) => ({ what: drone, why: "runs it already" }));
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

/** By name. */
function fitting({ drones }: PlannerView, specification: Specification): readonly string[] {
  return drones.filter((drone) => fits(drone, specification)).map(({ name }) => name);
}

function warningsOf(view: PlannerView, wanted: WantedRelease): readonly string[] {
  const { repo, environment } = wanted;
  const [first] = rolloutsIn(view.rows, repo, environment);
  const away = view.drones.filter((drone) => !isThere(drone) && fits(drone, wanted.specification));
  return [
    ...(first
      ? [`release ${first.number} of ${repo} is on its way; this one waits behind it`]
      : []),
    ...(away.length > 0 ? [awayText(away, restartsRunning(view, wanted))] : []),
  ];
}

function awayText(away: readonly PlannerDrone[], restarts: boolean): string {
  const [first] = away;
  const who = away.length === 1 ? `drone ${first?.name} is` : `${away.length} drones are`;
  if (restarts) return `${who} away, and ${away.length === 1 ? "goes" : "go"} on as before`;
  return `${who} away, and ${away.length === 1 ? "gets" : "get"} it when back`;
}
