/**
 * What retention changes in the ledger: which releases leave, deployment by deployment, and what is no longer
 * needed when they are gone.
 */
import {
  environmentDefault,
  type CommitHash,
  type RepoName,
  type Result,
  type Retention,
} from "@propagit/protocol";
import { changeRelease, currentRelease, environmentOf } from "./deployment-edits.js";
import { Draft, type LedgerRows } from "./draft.js";
import { newestRelease, releasesIn, rolloutsIn } from "./release-history.js";
import { undesire } from "./route-edits.js";
import { planRetention, type Retained, type RetentionPlan } from "./retention.js";
import {
  placeKey,
  releaseKey,
  type EnvironmentRow,
  type LedgerChange,
  type ReleaseRow,
} from "./rows.js";
import { describeUse, usesOf } from "./uses.js";

export interface RetentionCircumstances {
  /** Undefined: all. */
  readonly repo: RepoName | undefined;
  readonly now: number;
  readonly isDiskFull: boolean;
}

/** An environment with what retention would do there. */
export interface PlannedPlace {
  readonly repo: string;
  readonly environment: string;
  /** Releases remembered. */
  readonly count: number;
  readonly plan: RetentionPlan;
}

export interface Removed {
  readonly repo: RepoName;
  readonly commit: CommitHash;
}

/** Deployments that go in one transaction, which is bounded; the others follow. */
const deploymentsPerChange = 20;
/** Releases remembered in one environment; older ones are forgotten when nothing is left of them. */
const rowsMax = 1_000;
/** All environments, with what would happen there now. */
export function planPlaces(
  rows: LedgerRows,
  circumstances: RetentionCircumstances,
): readonly PlannedPlace[] {
  const { repo } = circumstances;
  const releases = releasesByPlace(rows);
  return [...rows.rows("environments").values()]
    .filter((row) => repo === undefined || row.repo === repo)
    .map((row) => {
      const own = releases.get(placeKey(row.repo, row.environment)) ?? [];
      const plan = planPlace(rows, row, own, circumstances);
      return { repo: row.repo, environment: row.environment, count: own.length, plan };
    });
}

/** As much of it as fits into one transaction; no edits when all is done. */
export function planLeaving(
  rows: LedgerRows,
  circumstances: RetentionCircumstances,
): { readonly change: LedgerChange; readonly removed: readonly Removed[] } {
  const draft = new Draft(rows);
  const removed: Removed[] = [];
  let left = deploymentsPerChange;
  for (const place of planPlaces(rows, circumstances)) {
    const leaving = place.plan.releases.filter(({ action }) => action !== "stay");
    for (const { deployment, releases } of byDeployment(rows, place, leaving).slice(0, left)) {
      left--;
      removed.push(...carryOut(draft, deployment, releases, circumstances.now));
    }
    if (place.count > rowsMax) removed.push(...forgetOldest(draft, place));
  }
  return { change: draft.change, removed };
}

function planPlace(
  rows: LedgerRows,
  { repo, environment, live }: EnvironmentRow,
  releases: readonly ReleaseRow[],
  { now, isDiskFull }: RetentionCircumstances,
): RetentionPlan {
  const route = rows.rows("routes").get(placeKey(repo, environment));
  const routed = new Map<number, string>();
  for (const row of releases) {
    const [use] = usesOf(route, row);
    if (use) routed.set(row.number, describeUse(use));
  }
  const onTheWay = rolloutsIn(rows, repo, environment).map(({ number }) => number);
  const keep = keepOf(rows, repo, environment);
  return planRetention(
    { releases, live, routed, onTheWay: new Set(onTheWay), keep, isDiskFull },
    now,
  );
}

/** In one pass, since all environments are looked at each time. */
function releasesByPlace(rows: LedgerRows): ReadonlyMap<string, readonly ReleaseRow[]> {
  const places = new Map<string, ReleaseRow[]>();
  for (const row of rows.rows("releases").values()) {
    const key = placeKey(row.repo, row.environment);
    const known = places.get(key);
    if (known) known.push(row);
    else places.set(key, [row]);
  }
  return places;
}

/** As the release that is live says; before there is one, the newest. */
export function keepOf(rows: LedgerRows, repo: string, environment: string): Retention | undefined {
  const row = currentRelease(rows, repo, environment) ?? newestRelease(rows, repo, environment);
  return row?.specification.keep;
}

/** Releases of one deployment that stop, or are removed, together. */
interface Leaving {
  readonly deployment: string;
  readonly releases: readonly { readonly row: ReleaseRow; readonly verdict: Retained }[];
}

function byDeployment(
  rows: LedgerRows,
  { repo, environment }: PlannedPlace,
  leaving: readonly Retained[],
): readonly Leaving[] {
  const groups = new Map<string, { row: ReleaseRow; verdict: Retained }[]>();
  for (const verdict of leaving) {
    const row = rows.rows("releases").get(releaseKey(repo, environment, verdict.number));
    if (row) groups.set(row.deployment, [...(groups.get(row.deployment) ?? []), { row, verdict }]);
  }
  return [...groups].map(([deployment, releases]) => ({ deployment, releases }));
}

/** @returns what is removed with it */
function carryOut(
  draft: Draft,
  deployment: string,
  releases: Leaving["releases"],
  now: number,
): readonly Removed[] {
  undesire(draft, new Set([deployment]), now);
  const removed: Removed[] = [];
  for (const { row, verdict } of releases) {
    const { repo, environment, number, commit } = row;
    const isRemoved = verdict.action === "remove";
    if (isRemoved) {
      changeRelease(draft, row, { presence: "removed" });
      removed.push({ repo: repo as RepoName, commit: commit as CommitHash });
    }
    const what = `release ${number} of ${repo}`;
    const where = environment === environmentDefault ? "" : ` in ${environment}`;
    const text = `${what}${where} was ${isRemoved ? "removed" : "stopped"}: ${verdict.why}`;
    draft.note({ kind: "reaped", repo, environment, release: number, commit, text });
  }
  return removed;
}

/**
 * Rows of long ago; what is live, pinned or still runs stays.
 *
 * @returns what is removed with them
 */
function forgetOldest(draft: Draft, { repo, environment }: PlannedPlace): readonly Removed[] {
  const live = new Set(environmentOf(draft, repo, environment).live.slice(-2));
  const old = releasesIn(draft, repo, environment).slice(rowsMax);
  const isOver = (row: ReleaseRow) => row.state !== "deploying" && row.presence !== "running";
  const gone = old.filter((row) => isOver(row) && !row.pinned && !live.has(row.number));
  // So many at a time as fit into the transaction beside the others.
  const now = gone.slice(0, deploymentsPerChange);
  for (const { number } of now) draft.delete("releases", releaseKey(repo, environment, number));
  return now.map(({ commit }) => ({ repo: repo as RepoName, commit: commit as CommitHash }));
}

/** Whether any release that is not removed has this commit, or this artifact, or is making one. */
export function isNeeded(
  rows: LedgerRows,
  repo: string,
  commit: string,
  artifact?: string,
): boolean {
  return [...rows.rows("releases").values()].some((row) => {
    if (row.repo !== repo || row.presence === "removed") return false;
    if (artifact === undefined) return row.commit === commit;
    return row.artifact === artifact || (row.state === "deploying" && row.commit === commit);
  });
}

/** As `hub.reap` tells it. */
export function tellPlace(
  rows: LedgerRows,
  { repo, environment, plan }: PlannedPlace,
): Result<"hub.reap">["releases"] {
  return plan.releases.map(({ number, action, why }) => ({
    repo,
    environment,
    number,
    commit: rows.rows("releases").get(releaseKey(repo, environment, number))?.commit ?? "",
    action,
    why,
  }));
}
