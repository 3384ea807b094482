/**
 * The host names that every repository has:
 *
 *     webapp.DOMAIN            production
 *     staging--webapp.DOMAIN   an environment; that comes first
 *     fix-cart--webapp.DOMAIN  what runs of a branch; then that
 *     40548da--webapp.DOMAIN   what runs of a commit
 */
import { environmentDefault, type ErrorCode } from "@propagit/protocol";
import type { Folded } from "./folded.js";
import type { HostPlace } from "./host-index.js";
import { isCommitPrefix, type HostName } from "./host-name.js";
import { nameOfPlace, type Place } from "./place.js";
import type { RepoEntry, Running } from "./repo-index.js";

export type OwnName =
  | { readonly kind: "place"; readonly way: HostPlace }
  /** The first of them that can serve. */
  | { readonly kind: "runs"; readonly repo: RepoEntry; readonly running: readonly Running[] }
  | { readonly kind: "nobody"; readonly code: ErrorCode; readonly message: string };

export function readOwnName(
  repos: Folded<RepoEntry>,
  { candidates, prefix }: HostName & { kind: "name" },
): OwnName {
  const repo = candidates.map((one) => repos.find(one)).find(Boolean);
  if (!repo) return nobody("NO_ROUTE", `no repository for host name ${candidates[0] ?? ""}`);
  const entry = repo.environments.find(prefix ?? environmentDefault);
  if (entry) return { kind: "place", way: wayTo(entry.place) };
  if (prefix === undefined) return nobody("NO_ROUTE", nothingPromoted(repo));
  const branch = repo.running.filter(({ deployment }) => deployment.branches?.includes(prefix));
  if (branch.length > 0) return { kind: "runs", repo, running: branch };
  if (isCommitPrefix(prefix)) return readCommit(repo, prefix);
  const names = [...repo.environments.values()].map(({ environment }) => environment);
  const what = `${repo.repo} has no environment ${prefix}, no branch of that name runs, and it is no commit`;
  return nobody("NO_ROUTE", `${what}; it has ${names.sort().join(", ") || "none"}`);
}

/** All of a place, as if a manifest named it. */
export function wayTo(place: Place): HostPlace {
  return { host: "", prefix: "", place, policy: place.policy };
}

export function nothingPromoted(of: {
  readonly repo: string;
  readonly environment?: string;
}): string {
  const { repo, environment = environmentDefault } = of;
  return `no commit of ${nameOfPlace({ repo, environment })} is promoted`;
}

function readCommit(repo: RepoEntry, prefix: string): OwnName {
  const running = repo.running.filter(({ deployment }) => deployment.commit.startsWith(prefix));
  const commits = new Set(running.map(({ deployment }) => deployment.commit)).size;
  if (commits === 0) return nobody("NOT_DEPLOYED", `${repo.repo} runs no commit ${prefix}`);
  if (commits > 1) return nobody("AMBIGUOUS", `${prefix} fits ${commits} commits of ${repo.repo}`);
  return { kind: "runs", repo, running };
}

function nobody(code: ErrorCode, message: string): OwnName {
  return { kind: "nobody", code, message };
}
