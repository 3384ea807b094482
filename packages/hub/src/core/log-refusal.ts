/** Why nobody can have said what output is asked for, as far as releases and instances are known. */
import { PropagitError, quote, type LogQuery } from "@propagit/protocol";
import { placeName } from "./place-name.js";
import type { ReleaseRow } from "./rows.js";

/** The part of a query that names a release, and those that it names. */
export type LoggedRelease = Pick<LogQuery, "repo" | "environment" | "release">;

/** Releases that a query may be about, in whichever environments it does not say. */
export function loggedReleases(
  { repo, environment, release }: LoggedRelease,
  releases: Iterable<ReleaseRow>,
): readonly ReleaseRow[] {
  return [...releases].filter(
    (row) =>
      (repo === undefined || row.repo === repo) &&
      (environment === undefined || row.environment === environment) &&
      (release === undefined || row.number === release),
  );
}

/** Undefined when there may be some. */
export function refusalOfLogs(
  query: LoggedRelease & Pick<LogQuery, "services">,
  releases: readonly ReleaseRow[],
  /** Of instances, and those that drones have beside what repositories say. */
  others: Iterable<string>,
): PropagitError | undefined {
  const { repo, release, services = [] } = query;
  if (release !== undefined && releases.length === 0) {
    const hint = `see them with \`propagit releases${repo === undefined ? "" : ` ${repo}`}\``;
    return new PropagitError("NO_RELEASE", `there is no release ${release}${ofPlace(query)}`, {
      hint,
    });
  }
  const own = releases.flatMap(({ specification }) => specification.services);
  const known = new Set([...own.map(({ name }) => name), ...others]);
  const unknown = services.find((service) => !known.has(service));
  if (unknown === undefined) return undefined;
  const there = known.size === 0 ? "" : `; there are ${[...known].sort().slice(0, 10).join(", ")}`;
  const what = `there is no service ${quote(unknown)}${ofPlace(query)}${there}`;
  const which = repo === undefined ? "" : ` ${repo}`;
  return new PropagitError("NO_SERVICE", what, { hint: `see them with \`propagit ps${which}\`` });
}

function ofPlace({ repo, environment = "production" }: LoggedRelease): string {
  return repo === undefined ? "" : ` of ${placeName({ repo, environment })}`;
}
