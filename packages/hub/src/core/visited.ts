/** Which instances are of what visitors get, and which only of releases that were live once, or never were. */
import { environmentDefault, type InstanceReport } from "@propagit/protocol";
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
