/**
 * What a deploy or stop writes when it begins and when it ends: rows and events, each time as one change.
 *
 * Decided from the rows as they are when the ledger's turn comes, so nothing is overwritten unseen.
 */
import {
  PropagitError,
  shortCommit,
  type Deployment,
  type DroneOutcome,
  type Route,
} from "@propagit/protocol";
import { rememberFailures, type DeployEnd } from "./deploy.js";
import {
  commitKey,
  type DeploymentRow,
  type Edit,
  type LedgerChange,
  type NewEvent,
  type OperationRow,
} from "./rows.js";
import { sharePercent, withoutShare } from "./shares.js";
import type { Goal, Participant } from "./verdict.js";

/** Commits that run at the same time; what a drone can be told. */
const deploymentsMax = 4_000;

/** The parts of the ledger that count. */
export interface Circumstances {
  readonly deployments: ReadonlyMap<string, DeploymentRow>;
  readonly routes: ReadonlyMap<string, Route>;
  /** Every drone that has not ended. */
  readonly drones: readonly Pick<Participant, "identity" | "drone" | "contact" | "reports">[];
  readonly now: number;
}

export interface Beginning {
  readonly row: OperationRow;
  readonly change: LedgerChange;
}

/**
 * Undefined when there is nothing to do: it runs on every drone, and visitors have a route.
 *
 * @throws NO_DRONE, OVERLOADED
 */
export function planDeploy(
  target: Deployment,
  circumstances: Circumstances,
): Beginning | undefined {
  const { deployments, routes, now } = circumstances;
  const key = commitKey(target.repo, target.commit);
  const isDesired = deployments.has(key);
  const row = planRow(target, "deploy", isDesired, circumstances);
  const concerned = row.drones.filter(({ isConcerned }) => isConcerned);
  if (concerned.length === 0) throw noDrone(row.drones.length);
  const runsEverywhere = isDesired && circumstances.drones.every(isSettled);
  if (runsEverywhere && routes.has(target.repo)) return undefined;
  if (!isDesired && deployments.size >= deploymentsMax) {
    throw new PropagitError("OVERLOADED", `${deploymentsMax} commits run already`, {
      hint: "stop one: propagit stop REPO COMMIT",
    });
  }
  const { repo, commit } = target;
  const deployment = deployments.get(key) ?? { repo, commit, since: now };
  const edits: Edit[] = [
    { table: "deployments", key, row: deployment },
    { table: "operations", key, row },
  ];
  return { row, change: { edits, events: [] } };
}

/** @throws NOT_DEPLOYED; STILL_ROUTED unless forced */
export function planStop(
  target: Deployment,
  force: boolean,
  circumstances: Circumstances,
): Beginning {
  const { deployments, routes } = circumstances;
  const key = commitKey(target.repo, target.commit);
  if (!deployments.has(key)) throw notDeployed(target);
  const route = routes.get(target.repo);
  const percent = sharePercent(route, target.commit);
  if (percent > 0 && !force) throw stillRouted(target, percent);
  const row = planRow(target, "stop", true, circumstances);
  const edits: Edit[] = [
    { table: "deployments", key, row: undefined },
    { table: "operations", key, row },
  ];
  if (route && percent > 0) {
    edits.push({ table: "routes", key: target.repo, row: withoutShare(route, target.commit) });
  }
  return { row, change: { edits, events: [] } };
}

/**
 * How an operation ends: its row goes, unless another has taken its place; the first commit of a
 * repository that is ready gets its visitors.
 */
export function planEnd(
  row: OperationRow,
  end: DeployEnd,
  {
    deployments,
    routes,
    isReplaced,
  }: Pick<Circumstances, "deployments" | "routes"> & {
    readonly isReplaced: boolean;
  },
): LedgerChange & { readonly promoted: boolean } {
  const { goal, repo, commit } = row;
  const key = commitKey(repo, commit);
  const edits: Edit[] = isReplaced ? [] : [{ table: "operations", key, row: undefined }];
  const events: NewEvent[] = [endEvent(row, end)];
  const isFirst = deployments.has(key) && !routes.has(repo);
  const promoted = goal === "deploy" && end.outcome !== "failed" && isFirst;
  if (promoted) {
    edits.push({ table: "routes", key: repo, row: { repo, shares: [{ commit, weight: 1 }] } });
    const text = `visitors of ${repo} go to ${shortCommit(commit)}, its first commit`;
    events.push({ kind: "promoted", repo, commit, text });
  }
  return { edits, events, promoted };
}

export function notDeployed({ repo, commit }: Deployment): PropagitError {
  return new PropagitError("NOT_DEPLOYED", `${repo} ${shortCommit(commit)} is not deployed`, {
    hint: `deploy it first: propagit deploy ${repo} ${shortCommit(commit)}`,
  });
}

/** Nothing is to be waited for: it runs there, or the drone is away. */
function isSettled({ contact, reports }: Circumstances["drones"][number]): boolean {
  if (contact === "away") return true;
  return contact === "connected" && reports.some(({ phase }) => phase === "ready");
}

function planRow(
  { repo, commit }: Deployment,
  goal: Goal,
  isDesired: boolean,
  { drones, now }: Circumstances,
): OperationRow {
  const participants = drones.map(({ identity, drone, contact, reports }) => ({
    identity,
    drone,
    isConcerned: contact !== "away",
    ranBefore: isDesired && reports.some(({ phase }) => phase === "ready"),
    staleFailures: [...rememberFailures(reports)],
  }));
  return { goal, repo, commit, startedAt: now, drones: participants };
}

function endEvent({ goal, repo, commit }: OperationRow, { outcome, drones }: DeployEnd): NewEvent {
  const what = `${repo} ${shortCommit(commit)}`;
  if (goal === "deploy" && outcome !== "failed") {
    const ready = count(drones, "ready") + count(drones, "unchanged");
    const text = `${what} is ready on ${countDrones(ready)}`;
    return { kind: "deployed", repo, commit, text };
  }
  if (outcome !== "failed") return { kind: "stopped", repo, commit, text: `${what} is stopped` };
  const first = drones.find((drone) => drone.outcome === "failed");
  const why = first ? `: ${first.drone}: ${(first.reason ?? "").slice(0, 1_000)}` : "";
  const where = `${count(drones, "failed")} of ${countDrones(drones.length)}${why}`;
  if (goal === "stop") {
    return { kind: "stopped", repo, commit, text: `${what} still runs on ${where}` };
  }
  return { kind: "deploy-failed", repo, commit, text: `${what} failed on ${where}` };
}

function count(drones: readonly DroneOutcome[], outcome: DroneOutcome["outcome"]): number {
  return drones.filter((drone) => drone.outcome === outcome).length;
}

function countDrones(count: number): string {
  return count === 1 ? "1 drone" : `${count} drones`;
}

function stillRouted({ repo, commit }: Deployment, percent: number): PropagitError {
  const share = Math.round(percent * 100) / 100;
  return new PropagitError(
    "STILL_ROUTED",
    `${share} % of the visitors of ${repo} go to ${shortCommit(commit)}`,
  );
}

function noDrone(away: number): PropagitError {
  const known = away === 0 ? "" : `; ${countDrones(away)} known to the hub cannot be reached`;
  return new PropagitError("NO_DRONE", `no drone is connected${known}`);
}
