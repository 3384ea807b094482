/**
 * What is written when visitors are sent somewhere, or a deployment is no longer wanted: the rows that must
 * change together.
 */
import { environmentDefault, type Route, type Share } from "@propagit/protocol";
import { dropBranchesTo } from "./branch-edits.js";
import { changeRelease, environmentOf } from "./deployment-edits.js";
import { changed, type Draft } from "./draft.js";
import { placeName } from "./place-name.js";
import { placeKey, type DeploymentRow, type SaidRow } from "./rows.js";
import { writeRoute, writeRulesOfRunning } from "./said.js";
import { leadsTo } from "./shares.js";
import { usesOf } from "./uses.js";

/** Releases remembered as having been live. */
const liveMax = 200;

/** Nothing is to run any more of these deployments; visitors are no longer sent there. */
export function undesire(draft: Draft, ids: ReadonlySet<string>, now: number): void {
  unroute(draft, ids, now);
  const ended = [...ids].flatMap((id) => draft.rows("deployments").get(id) ?? []);
  for (const id of ids) {
    draft.delete("deployments", id);
    draft.delete("placements", id);
  }
  for (const row of ended) writeRulesOfRunning(draft, row, now);
  for (const table of ["holds", "spawned"] as const) {
    for (const [key, { deployment }] of draft.rows(table)) {
      if (ids.has(deployment)) draft.delete(table, key);
    }
  }
  dropBranchesTo(draft, ids);
  for (const row of draft.rows("releases").values()) {
    if (ids.has(row.deployment) && row.presence === "running") {
      changeRelease(draft, row, { presence: "kept" });
    }
  }
}

/** Takes them out of all routes: their shares, experiments that they serve, shadows of them. */
function unroute(draft: Draft, ids: ReadonlySet<string>, now: number): void {
  endUses(draft, ids);
  const rows = draft.rows("deployments");
  for (const route of draft.rows("routes").values()) {
    const { repo, environment = environmentDefault } = route;
    let shares: readonly Share[] = route.shares;
    let isConcerned = false;
    for (const id of ids) {
      const row = rows.get(id);
      if (row?.repo !== repo || row.environment !== environment) continue;
      shares = withoutDeployment(rows, shares, row, ids);
      isConcerned ||= usesOf(route, row).length > 0;
    }
    if (isConcerned) writeRoute(draft, { repo, environment, shares: [...shares] }, now);
  }
}

/** A share that names no deployment stays while another one of its commit goes on. */
function withoutDeployment(
  rows: ReadonlyMap<string, DeploymentRow>,
  shares: readonly Share[],
  { id, repo, environment, commit }: DeploymentRow,
  ids: ReadonlySet<string>,
): readonly Share[] {
  const goesOn = [...rows.values()].some(
    (other) =>
      other.started &&
      !ids.has(other.id) &&
      other.repo === repo &&
      other.environment === environment &&
      other.commit === commit,
  );
  return goesOn
    ? shares.filter(({ deployment }) => deployment !== id)
    : shares.filter((share) => !leadsTo(share, { commit, deployment: id }));
}

/** Experiments and shadows that use these end: an experiment without one of its arms measures nothing. */
function endUses(draft: Draft, ids: ReadonlySet<string>): void {
  const isGone = ({ deployment }: { readonly deployment?: string | undefined }) =>
    deployment !== undefined && ids.has(deployment);
  for (const [key, row] of draft.rows("said")) {
    const ended = row.experiments.filter(({ variants }) => variants.some(isGone));
    const isShadowGone = row.shadow !== undefined && isGone(row.shadow.to);
    if (ended.length === 0 && !isShadowGone) continue;
    const { repo, environment } = row;
    const experiments = row.experiments.filter((one) => !ended.includes(one));
    const shadow = isShadowGone ? undefined : row.shadow;
    draft.put("said", key, changed<SaidRow>(row, { experiments, shadow }));
    for (const { name } of ended) {
      const text = `experiment ${name} of ${placeName(row)} ended: what served a variant is stopped`;
      draft.note({ kind: "experiment-stopped", repo, environment, text });
    }
    if (!isShadowGone) continue;
    const text = `requests of ${placeName(row)} are no longer copied: what got them is stopped`;
    draft.note({ kind: "shadow-stopped", repo, environment, text });
  }
}

export interface NewRoute {
  readonly repo: string;
  readonly environment: string;
  readonly shares: Route["shares"];
  /** The release that most visitors get: it is live from now on, and its manifest counts. */
  readonly live: number;
  readonly now: number;
}

/** Visitors go there from now on: the route, who is live, and when others lost theirs. */
export function sendVisitors(draft: Draft, wanted: NewRoute): void {
  const { repo, environment, shares, live, now } = wanted;
  const place = environmentOf(draft, repo, environment);
  if (place.live.at(-1) !== live) {
    const key = placeKey(repo, environment);
    draft.put("environments", key, { ...place, live: [...place.live, live].slice(-liveMax) });
  }
  writeRoute(draft, { repo, environment, shares }, now);
}
