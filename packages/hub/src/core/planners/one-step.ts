/**
 * Plans of changes that are one step: where visitors go, what is stopped, which old releases go, which drone is
 * drained. Each is refused where the change itself would be, and empty where all of it is so already.
 */
import { PropagitError, quote, type PlannedChange, type RepoName } from "@propagit/protocol";
import type { TaskDraft } from "@propagit/plan";
import { isAlive } from "../readiness.js";
import { planPlaces, tellPlace } from "../retention-change.js";
import { placeKey, type DeploymentRow } from "../rows.js";
import { sharePercent } from "../shares.js";
import { stillRouted } from "../still-routed.js";
import { partOf, revisionsOf } from "./basis.js";
import { plannedAs, type Planned, type Skipped } from "./planned.js";
import type { PlannerView } from "./planner-view.js";

/** Something that is deployed, as it was found. */
export interface FoundPlace {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  /** Set when a release was named. */
  readonly deployment: string | undefined;
  /** As the plan says it: a whole commit, or the number of a release. */
  readonly ref: string;
}

type ChangeOf<K extends PlannedChange["kind"]> = Extract<PlannedChange, { kind: K }>;

/** @param running the deployment that would get the visitors */
export function planPromote(
  view: PlannerView,
  place: FoundPlace,
  running: Pick<DeploymentRow, "id">,
  request: ChangeOf<"promote">,
): Planned {
  const { repo, environment, commit, ref } = place;
  const route = view.rows.rows("routes").get(placeKey(repo, environment));
  const share = sharePercent(route, { commit, deployment: running.id });
  const isSo = route?.shares.length === 1 && share === 100;
  return oneStep(view, {
    name: `promote ${repo} ${shortOf(place)} in ${environment}`,
    request,
    parts: [partOf.route(repo, environment), partOf.deployments(repo, environment)],
    task: { command: "promote", repo, environment, ref },
    skipped: isSo ? [{ what: "visitors", why: "all of them go there already" }] : [],
  });
}

/**
 * @param running what runs of it, or is on its way to that
 * @throws STILL_ROUTED
 */
export function planStop(
  view: PlannerView,
  place: FoundPlace,
  running: readonly DeploymentRow[],
  request: ChangeOf<"stop">,
): Planned {
  const { repo, environment, ref } = place;
  const { force } = request;
  const refusal = force ? undefined : stillRouted(view.rows, place, running);
  if (refusal) throw refusal;
  const ids = new Set(running.map(({ id }) => id));
  const away = view.drones.filter(
    ({ contact, reports }) =>
      contact === "away" && reports.some(({ deployment }) => ids.has(deployment ?? "")),
  );
  return oneStep(view, {
    name: `stop ${repo} ${shortOf(place)} in ${environment}`,
    request,
    parts: [partOf.route(repo, environment), partOf.deployments(repo, environment)],
    task: { command: "stop", repo, environment, ref, ...(force && { force }) },
    skipped: [],
    warnings: away.map(({ name }) => `drone ${name} is away, and stops it when it comes back`),
  });
}

/** @param isDiskFull of any drone, so that releases go early */
export function planReap(
  view: PlannerView,
  isDiskFull: boolean,
  request: ChangeOf<"reap">,
): Planned {
  const { repo } = request;
  const circumstances = { repo: repo as RepoName | undefined, now: view.now, isDiskFull };
  const told = planPlaces(view.rows, circumstances).flatMap((place) => tellPlace(view.rows, place));
  const staying = told.filter(({ action }) => action === "stay");
  const leaving = told.filter(({ action }) => action !== "stay");
  const nameOf = (one: (typeof told)[number]) => `release ${one.number} of ${one.repo}`;
  return oneStep(view, {
    name: `reap ${repo ?? "all repositories"}`,
    request,
    parts: [partOf.releases(repo)],
    task:
      leaving.length === 0 ? undefined : { command: "reap", ...(repo !== undefined && { repo }) },
    skipped: staying.map((one) => ({ what: nameOf(one), why: one.why })),
    warnings: leaving.map(
      (one) => `${nameOf(one)} would ${one.action === "stop" ? "stop" : "go"}: ${one.why}`,
    ),
  });
}

/** @throws NO_DRONE */
export function planDrain(
  view: PlannerView,
  request: ChangeOf<"drain"> | ChangeOf<"undrain">,
): Planned {
  const { kind, drone: name } = request;
  const drone = view.drones.find((each) => each.name === name);
  if (!drone) {
    throw new PropagitError("NO_DRONE", `no drone is called ${quote(name)}`, {
      hint: "see them with `propagit drones`",
    });
  }
  const isSo =
    (view.rows.rows("drones").get(drone.identity)?.draining ?? false) === (kind === "drain");
  const alive = drone.reports.filter(isAlive).length;
  const why = kind === "drain" ? "it is drained already" : "it takes instances already";
  return oneStep(view, {
    name: `${kind} ${name}`,
    request,
    parts: [partOf.drones],
    task: { command: `${kind}-drone`, name },
    skipped: isSo ? [{ what: name, why }] : [],
    warnings:
      kind === "drain" && alive > 0
        ? [`it runs ${alive} ${alive === 1 ? "instance" : "instances"}`]
        : [],
  });
}

interface OneStep {
  readonly name: string;
  readonly request: PlannedChange;
  /** What the plan follows from. */
  readonly parts: readonly string[];
  /** Absent: nothing is to be done. */
  readonly task: TaskDraft | undefined;
  /** Of what is so already; then nothing is to be done, unless others are left. */
  readonly skipped: readonly Skipped[];
  readonly warnings?: readonly string[];
}

function oneStep(
  { rows, now }: PlannerView,
  { name, request, parts, task, skipped, warnings = [] }: OneStep,
): Planned {
  const isDone = !task || (skipped.length > 0 && task.command !== "reap");
  const stages = isDone ? [] : [{ name: task.command, tasks: [task] }];
  const basis = { revisions: revisionsOf(rows, parts), at: now };
  return plannedAs({ name, basis, request, stages }, { skipped, warnings });
}

function shortOf({ ref }: FoundPlace): string {
  return /^\d{1,8}$/.test(ref) ? `release ${ref}` : ref.slice(0, 7);
}
