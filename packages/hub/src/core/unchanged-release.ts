/** A release that has everything that is asked for, and runs already: nothing is to be done then. */
import type { Specification } from "@propagit/protocol";
import { Value } from "typebox/value";
import { currentRelease } from "./deployment-edits.js";
import type { LedgerRows } from "./draft.js";
import { isComplete, isThere, type SeenDrone } from "./readiness.js";
import { placeKey, releaseKey, type ReleaseRow } from "./rows.js";
import { sharePercent } from "./shares.js";

export interface AskedRelease {
  readonly repo: string;
  readonly environment: string;
  readonly kind: ReleaseRow["kind"];
  readonly specification: Specification;
  readonly promote?: boolean;
}

export interface UnchangedSight {
  readonly rows: LedgerRows;
  /** Id of what it is to run. */
  readonly deployment: string;
  /** Every drone, as far as this deployment is concerned. */
  readonly drones: () => readonly SeenDrone[];
}

/** Undefined when anything of it is not there. */
export function unchangedRelease(
  request: AskedRelease,
  { rows, deployment, drones }: UnchangedSight,
): ReleaseRow | undefined {
  const row = rows.rows("deployments").get(deployment);
  if (!row?.started || request.kind === "scale") return undefined;
  const { repo, environment } = request;
  const release = rows.rows("releases").get(releaseKey(repo, environment, row.release));
  if (release?.state !== "ready") return undefined;
  if (!Value.Equal(row.specification, request.specification)) return undefined;
  if (!isVisited(rows, request, release)) return undefined;
  const seen = drones();
  const runs = seen.every((drone) => !isThere(drone) || isComplete(drone));
  const isSomewhere = seen.some((drone) => drone.wanted.size > 0 && isThere(drone));
  return runs && isSomewhere ? release : undefined;
}

/** Its visitors are where they should be. */
function isVisited(rows: LedgerRows, request: AskedRelease, release: ReleaseRow): boolean {
  const { repo, environment, specification, promote, kind } = request;
  const wanted = promote ?? (kind !== "deploy" || specification.promote === "always");
  const route = rows.rows("routes").get(placeKey(repo, environment));
  if (!wanted) return route !== undefined && route.shares.length > 0;
  const isCurrent = currentRelease(rows, repo, environment)?.deployment === release.deployment;
  return isCurrent && route?.shares.length === 1 && sharePercent(route, release) === 100;
}
