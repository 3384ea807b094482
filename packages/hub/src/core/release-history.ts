/**
 * What the ledger knows of releases: which one a rollback goes back to, which one a change of settings is
 * made of, and how they are shown.
 */
import {
  PropagitError,
  shortCommit,
  type ReleaseDetail,
  type ReleaseSummary,
} from "@propagit/protocol";
import { environmentOf } from "./deployment-edits.js";
import type { LedgerRows } from "./draft.js";
import { flagOf } from "./rollout-lines.js";
import { placeKey, releaseKey, type ReleaseRow, type RolloutRow } from "./rows.js";
import { compareSettings, compareVariables } from "./settings.js";

/** @throws NO_RELEASE */
export function findRelease(
  ledger: LedgerRows,
  { repo, environment, number }: Pick<ReleaseRow, "repo" | "environment" | "number">,
): ReleaseRow {
  const row = ledger.rows("releases").get(releaseKey(repo, environment, number));
  if (row) return row;
  throw new PropagitError("NO_RELEASE", `${repo} has no release ${number} in ${environment}`, {
    hint: `see them with \`propagit releases ${repo}\``,
  });
}

/** Where its services are told, as a hint. */
export function seeRelease({
  repo,
  environment,
  number,
}: Pick<ReleaseRow, "repo" | "environment" | "number">): string {
  return `see them with \`propagit release show ${repo} ${number}${flagOf(environment)}\``;
}

/** Newest first. */
export function releasesIn(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): readonly ReleaseRow[] {
  return [...ledger.rows("releases").values()]
    .filter((row) => row.repo === repo && row.environment === environment)
    .sort((left, right) => right.number - left.number);
}

export function newestRelease(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): ReleaseRow | undefined {
  return releasesIn(ledger, repo, environment)[0];
}

/**
 * The release that a rollback without a number goes back to: the one that visitors were sent to before the
 * present one, as the ledger remembers it; one that runs the very same is passed over, since going back to
 * it would change nothing.
 *
 *     live: 1 2 3       rollback makes 4 out of 2       live: 1 2 3 4
 *                       rollback makes 5 out of 3       live: 1 2 3 4 5
 *
 * So it undoes the last change, and done twice it is as before; further back only leads a number.
 *
 * @throws NO_RELEASE
 */
export function formerRelease(ledger: LedgerRows, repo: string, environment: string): ReleaseRow {
  const live = environmentOf(ledger, repo, environment).live;
  const rows = live.map((number) =>
    ledger.rows("releases").get(releaseKey(repo, environment, number)),
  );
  const current = rows.at(-1);
  const former = rows.findLast((row) => row && row.deployment !== current?.deployment);
  if (former) return former;
  const why = current
    ? `no other release of ${repo} was live in ${environment}`
    : `no release of ${repo} is live in ${environment}`;
  throw new PropagitError("NO_RELEASE", `${why}; there is nothing to go back to`, {
    hint: `see them with \`propagit releases ${repo}\``,
  });
}

/**
 * What new settings are a release of: that on its way to the visitors, so that it is not undone, otherwise
 * the current one. Undefined when nothing is deployed.
 */
export function settingsBase(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): ReleaseRow | undefined {
  const live = environmentOf(ledger, repo, environment).live.at(-1);
  const coming = rolloutsIn(ledger, repo, environment)
    .filter(({ phase }) => phase !== "undoing")
    .map((rollout) => ({ rollout, row: ledger.rows("releases").get(keyOf(rollout)) }))
    .findLast(({ rollout, row }) => {
      const promote = row?.specification.promote === "always" || live === undefined;
      return rollout.promote ?? promote;
    });
  if (coming?.row) return coming.row;
  if (live === undefined) return undefined;
  return ledger.rows("releases").get(releaseKey(repo, environment, live));
}

/** Releases on their way, oldest first. */
export function rolloutsIn(
  ledger: LedgerRows,
  repo: string,
  environment: string,
): readonly RolloutRow[] {
  return [...ledger.rows("rollouts").values()]
    .filter((row) => row.repo === repo && row.environment === environment)
    .sort((left, right) => left.number - right.number);
}

export function summaryOf(ledger: LedgerRows, row: ReleaseRow): ReleaseSummary {
  const { repo, environment, number, from, endedAt, reason } = row;
  const phase = ledger.rows("rollouts").get(releaseKey(repo, environment, number))?.phase;
  const live = ledger.rows("environments").get(placeKey(repo, environment))?.live.at(-1);
  return {
    repo,
    environment,
    number,
    commit: row.commit,
    deployment: row.deployment,
    subject: row.subject,
    kind: row.kind,
    ...(from !== undefined && { from }),
    by: row.by,
    at: row.at,
    ...(endedAt !== undefined && { tookMs: Math.max(0, endedAt - row.at) }),
    state: row.state,
    ...(phase !== undefined && { phase }),
    ...(reason !== undefined && { reason: reason.slice(0, 2_000) }),
    current: live === number,
    presence: row.presence,
    pinned: row.pinned,
  };
}

export function detailOf(ledger: LedgerRows, row: ReleaseRow): ReleaseDetail {
  const { repo, environment, number, specification } = row;
  const before = releasesIn(ledger, repo, environment).find((one) => one.number < number);
  return {
    summary: summaryOf(ledger, row),
    specification,
    config: configBetween(before, row),
    phases: row.phases.slice(0, 20),
    drones: row.drones,
  };
}

/** Settings and variables of the manifest that differ. */
export function configBetween(
  from: ReleaseRow | undefined,
  to: ReleaseRow,
): ReleaseDetail["config"] {
  const settings = compareSettings(from?.settings ?? {}, to.settings);
  const named = new Set(settings.map(({ name }) => name));
  const variables = compareVariables(from?.specification, to.specification);
  return [...settings, ...variables.filter(({ name }) => !named.has(name))].slice(0, 1_000);
}

/** `release 3 (74336bc Mend the header)` */
export function nameRelease({ number, commit, subject }: ReleaseRow): string {
  return `release ${number} (${[shortCommit(commit), subject].join(" ").trim()})`;
}

function keyOf({ repo, environment, number }: RolloutRow): string {
  return releaseKey(repo, environment, number);
}
