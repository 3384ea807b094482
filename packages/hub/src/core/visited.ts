/** Which instances are of what visitors get, and which only of releases that were live once, or never were. */
import { environmentDefault, type InstanceReport, type RolloutResult } from "@propagit/protocol";
import { currentRelease } from "./deployment-edits.js";
import type { LedgerRows } from "./draft.js";
import { placeKey } from "./rows.js";
import { leadsTo } from "./shares.js";
import { hasVisitors } from "./uses.js";

/** True for all instances of a repository that has no visitors at all. */
export function isVisited(ledger: LedgerRows, report: InstanceReport): boolean {
  const { repo, environment = environmentDefault, commit, deployment } = report;
  const route = ledger.rows("routes").get(placeKey(repo, environment));
  const current = currentRelease(ledger, repo, environment);
  if ((!route || route.shares.length === 0) && !current) return true;
  // What has no visitors of its own, like a worker, belongs to what has.
  return (
    hasVisitors(route, { commit, deployment }) ||
    (current !== undefined && leadsTo(current, { commit, deployment }))
  );
}

/** Whether visitors come to a release step by step. */
export function isStepping(
  ledger: LedgerRows,
  { repo, environment, release }: Pick<RolloutResult, "repo" | "environment" | "release">,
): boolean {
  const row = ledger.rows("canaries").get(placeKey(repo, environment));
  return row?.release === release && row.phase !== "over";
}
