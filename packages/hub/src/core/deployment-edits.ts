/** Rows of releases and environments as other changes find and change them. */
import { PropagitError } from "@propagit/protocol";
import { changed, type Draft, type LedgerRows } from "./draft.js";
import { placeKey, releaseKey, type EnvironmentRow, type ReleaseRow } from "./rows.js";

/** Of all repositories together; each remembers its releases. A guess. */
const environmentsMax = 10_000;

/** All releases of a deployment, oldest first. */
export function releasesOf(ledger: LedgerRows, deployment: string): readonly ReleaseRow[] {
  return [...ledger.rows("releases").values()].filter((row) => row.deployment === deployment);
}

/** The newest of them that is ready. */
export function readyRelease(ledger: LedgerRows, deployment: string): ReleaseRow | undefined {
  return releasesOf(ledger, deployment).findLast(({ state }) => state === "ready");
}

export function environmentOf(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): EnvironmentRow {
  const known = ledger.rows("environments").get(placeKey(repo, environment));
  return known ?? { repo, environment, lastRelease: 0, live: [], settings: {}, scales: {} };
}

/** Before one is made that is not there yet. @throws OVERLOADED */
export function checkEnvironmentRoom(ledger: LedgerRows, repo: string, environment: string): void {
  const rows = ledger.rows("environments");
  if (rows.has(placeKey(repo, environment)) || rows.size < environmentsMax) return;
  throw new PropagitError("OVERLOADED", `the hub has ${environmentsMax} environments already`);
}

/** The release that visitors of an environment are sent to. */
export function currentRelease(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): ReleaseRow | undefined {
  const number = environmentOf(ledger, repo, environment).live.at(-1);
  if (number === undefined) return undefined;
  return ledger.rows("releases").get(releaseKey(repo, environment, number));
}

export function changeRelease(
  draft: Draft,
  { repo, environment, number }: Pick<ReleaseRow, "repo" | "environment" | "number">,
  changes: Parameters<typeof changed<ReleaseRow>>[1],
): void {
  const key = releaseKey(repo, environment, number);
  const row = draft.rows("releases").get(key);
  if (row) draft.put("releases", key, changed(row, changes));
}
