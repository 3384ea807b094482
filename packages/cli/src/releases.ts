/** Releases as the hub knows them. */
import { PropagitError, quote, type Params, type ReleaseSummary } from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { collect } from "./hub-call.js";
import type { RepoRelease } from "./targets.js";

/** Newest first, whole. */
export function fetchReleases(
  hub: Conversation,
  params: Params<"hub.releases">,
): Promise<readonly ReleaseSummary[]> {
  return collect(async (onPart) => (await hub.call("hub.releases", params, { onPart })).releases);
}

/** As many as the hub tells at once. */
const searchedMax = 10_000;

/**
 * The number behind `REPO@RELEASE`: as it is, or of the newest release of a commit.
 *
 * @throws NO_RELEASE, AMBIGUOUS
 */
export async function resolveRelease(
  hub: Conversation,
  { repo, release }: RepoRelease,
  environment: { environment?: string },
): Promise<number | undefined> {
  if (release === undefined) return undefined;
  // Seven digits are a commit sooner than the number of a release.
  if (/^[1-9]\d{0,5}$/.test(release)) return Number(release);
  const all = await fetchReleases(hub, { repo, last: searchedMax, ...environment });
  const fitting = all.filter(({ commit }) => commit.startsWith(release.toLowerCase()));
  const commits = new Set(fitting.map(({ commit }) => commit));
  const [newest] = fitting;
  if (newest && commits.size === 1) return newest.number;
  if (newest) {
    throw new PropagitError("AMBIGUOUS", `${quote(release)} fits ${commits.size} released commits`);
  }
  throw new PropagitError("NO_RELEASE", `${repo} has no release of commit ${quote(release)}`, {
    hint: `see them with: propagit releases ${repo}`,
  });
}
