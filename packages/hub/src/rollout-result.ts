/** Results of releases, out of their rows. */
import type { DroneOutcome, HostRoute, RolloutResult } from "@propagit/protocol";
import { environmentOf } from "./core/deployment-edits.js";
import type { LedgerRows } from "./core/draft.js";
import type { ReleaseRow } from "./core/rows.js";

/** Of a release; `accepted` until it is over. */
export function resultOfRelease(ledger: LedgerRows, release: ReleaseRow): RolloutResult {
  const { repo, environment, number, commit, state, reason, lastLines, drones } = release;
  const outcome = state === "deploying" ? "accepted" : state;
  const isLive = environmentOf(ledger, repo, environment).live.includes(number);
  const promoted = state === "ready" && isLive;
  return {
    repo,
    environment,
    release: number,
    commit,
    outcome,
    promoted,
    ...(reason !== undefined && { reason: reason.slice(0, 2_000) }),
    ...(lastLines && { lastLines: [...lastLines] }),
    drones: [...drones],
    hosts: promoted ? hostsOf(release.specification.routes) : [],
  };
}

/** It runs already, everywhere: nothing was done. */
export function unchangedResult(
  { repo, environment, number, commit, specification }: ReleaseRow,
  drones: readonly DroneOutcome[],
): RolloutResult {
  return {
    repo,
    environment,
    release: number,
    commit,
    outcome: "unchanged",
    promoted: false,
    drones: [...drones],
    hosts: hostsOf(specification.routes),
  };
}

/** Those that somebody could open: no patterns, and nothing that sends elsewhere at once. */
function hostsOf(routes: readonly HostRoute[]): string[] {
  const own = routes.filter(({ host, redirect }) => !host.startsWith("*.") && !redirect);
  return [...new Set(own.map(({ host, path = "" }) => `${host}${path === "/" ? "" : path}`))];
}
