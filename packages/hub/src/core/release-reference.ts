/**
 * Which release of an environment a user means, for commands that run something of it:
 *
 *     nothing > the one that visitors are sent to, else the newest that is ready
 *     12      > the release of that number
 *     74336bc, main, v1.2 > the newest release of that commit
 */
import { PropagitError, quote, shortCommit } from "@propagit/protocol";
import type { ReleaseRow } from "./rows.js";

export interface ReleaseQuestion {
  readonly repo: string;
  readonly environment: string;
  /** Of that repository and environment. */
  readonly releases: readonly ReleaseRow[];
  /** Number of the one that visitors are sent to. */
  readonly current: number | undefined;
}

/** @throws NOT_DEPLOYED */
export function usualRelease({ releases, current, ...place }: ReleaseQuestion): ReleaseRow {
  const live = releases.find(({ number }) => number === current);
  const release = live ?? newest(releases.filter(({ state }) => state === "ready"));
  if (release) return release;
  throw new PropagitError("NOT_DEPLOYED", `${describe(place)} has no release that is ready`);
}

/** Undefined when it is no number of a release. @throws NO_RELEASE when it can be nothing else */
export function numberedRelease(question: ReleaseQuestion, wanted: string): ReleaseRow | undefined {
  if (!/^\d{1,9}$/.test(wanted)) return undefined;
  const release = question.releases.find(({ number }) => number === Number(wanted));
  // With four digits and more it may be the beginning of a commit.
  if (release || wanted.length >= 4) return release;
  throw new PropagitError(
    "NO_RELEASE",
    `there is no release ${quote(wanted)} of ${describe(question)}`,
    { hint: `see them with \`propagit releases ${question.repo}\`` },
  );
}

/** The commits of its releases that begin so. */
export function deployedCommits({ releases }: ReleaseQuestion, prefix: string): readonly string[] {
  const fitting = releases.filter(({ commit }) => commit.startsWith(prefix.toLowerCase()));
  return [...new Set(fitting.map(({ commit }) => commit))];
}

/** @throws NOT_DEPLOYED */
export function releaseOfCommit(question: ReleaseQuestion, commit: string): ReleaseRow {
  const release = newest(question.releases.filter((one) => one.commit === commit));
  if (release) return release;
  const what = `${shortCommit(commit)} is not deployed`;
  throw new PropagitError("NOT_DEPLOYED", `${what}: ${describe(question)} has no release of it`);
}

function newest(releases: readonly ReleaseRow[]): ReleaseRow | undefined {
  return releases.toSorted((left, right) => right.number - left.number)[0];
}

function describe({ repo, environment }: Pick<ReleaseQuestion, "repo" | "environment">): string {
  return `${repo} in ${environment}`;
}
