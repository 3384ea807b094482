/** Where visitors go: promote and split, written to the ledger; the route book is read from there. */
import {
  shortCommit,
  type CommitHash,
  type RepoName,
  type Route,
  type RouteBook,
} from "@propagit/protocol";
import { notDeployed } from "./core/operation-plan.js";
import { commitKey, type NewEvent } from "./core/rows.js";
import { checkShares, formatShares, isSameRoute } from "./core/shares.js";
import type { Ledger } from "./ledger.js";

export interface WantedShare {
  readonly commit: CommitHash;
  readonly weight: number;
}

/** @throws NOT_DEPLOYED, DATA_UNUSABLE */
export async function promote(ledger: Ledger, repo: RepoName, commit: CommitHash): Promise<Route> {
  return writeRoute(
    ledger,
    { repo, shares: [{ commit, weight: 1 }] },
    {
      kind: "promoted",
      repo,
      commit,
      text: `visitors of ${repo} go to ${shortCommit(commit)}`,
    },
  );
}

/** @throws BAD_WEIGHT, NOT_DEPLOYED, DATA_UNUSABLE */
export async function split(
  ledger: Ledger,
  repo: RepoName,
  wanted: readonly WantedShare[],
): Promise<Route> {
  const shares = [...checkShares(wanted)];
  const text = `visitors of ${repo} are split: ${formatShares(shares)}`;
  return writeRoute(ledger, { repo, shares }, { kind: "split", repo, text });
}

export function routeBook(ledger: Ledger): RouteBook {
  const { revision, routes, deployments } = ledger;
  return { revision, routes: [...routes], deployments: [...deployments] };
}

async function writeRoute(ledger: Ledger, route: Route, event: NewEvent): Promise<Route> {
  await ledger.change(() => {
    for (const { commit } of route.shares) {
      const isDeployed = ledger.rows("deployments").has(commitKey(route.repo, commit));
      if (!isDeployed) throw notDeployed({ repo: route.repo, commit });
    }
    if (isSameRoute(ledger.rows("routes").get(route.repo), route)) return undefined;
    return { edits: [{ table: "routes", key: route.repo, row: route }], events: [event] };
  });
  return route;
}
