/**
 * Revisions of the parts of the state that a plan was made from, by name, so that a plan is refused when one of
 * them has moved.
 *
 *     drones                          names, labels, who is drained: where things would go
 *     environment webapp/production   releases, settings, numbers of instances
 *     route webapp/production         where visitors go
 *     deployments webapp/production   what runs
 *     releases webapp                 what is kept of it
 *     said webapp/production          what is said by hand of its traffic
 *     rollout webapp/production       which one by steps is under way, and whether it is paused
 *     certificates                    those there are, and who is asked for which
 *     holds                           instances that are kept ended
 *     files /srv/site                 what was pushed there last, on every drone
 *
 * A revision is a hash of what was looked at, and not a counter: nothing has to be kept for it, it holds across
 * restarts of the hub, and a change that was put back is none. 53 bits are not proof against somebody who
 * searches for a collision, but whoever may start plans needs none.
 *
 * Whether a drone is connected right now is no part of it: it changes all the time, and plans wait for drones.
 */
import { canonicalJson } from "@propagit/protocol";
import type { CanaryRow } from "../canary-row.js";
import { acmeKey } from "../certificate-rows.js";
import type { LedgerRows } from "../draft.js";
import { changed } from "../draft.js";
import type { ReleaseRow } from "../rows.js";

export type Revisions = Readonly<Record<string, number>>;

/** Of a path in the name of a part; those that begin alike are one part. */
const pathChars = 250;

export const partOf = {
  drones: "drones",
  holds: "holds",
  certificates: "certificates",
  environment: (repo: string, environment: string) => `environment ${repo}/${environment}`,
  route: (repo: string, environment: string) => `route ${repo}/${environment}`,
  deployments: (repo: string, environment: string) => `deployments ${repo}/${environment}`,
  said: (repo: string, environment: string) => `said ${repo}/${environment}`,
  rollout: (repo: string, environment: string) => `rollout ${repo}/${environment}`,
  /** Absent: of all repositories. */
  releases: (repo: string | undefined) => `releases ${repo ?? "*"}`,
  /** Names of parts have a bound, and no control characters. */
  files: (path: string) => `files ${path.replaceAll(/\p{Cc}/gu, "?").slice(0, pathChars)}`,
} as const;

export function revisionsOf(rows: LedgerRows, parts: readonly string[]): Revisions {
  const found = parts.map((part) => [part, revisionOf(rows, part)] as const);
  return Object.fromEntries(found.flatMap(([part, at]) => (at === undefined ? [] : [[part, at]])));
}

/** Names of the parts that are no longer as they were. */
export function movedParts(rows: LedgerRows, revisions: Revisions): readonly string[] {
  return Object.keys(revisions).filter((part) => revisionOf(rows, part) !== revisions[part]);
}

/** Undefined: there is no such part. */
function revisionOf(rows: LedgerRows, part: string): number | undefined {
  const [kind, key = ""] = splitAt(part, " ");
  const content = contentOf(rows, kind, key);
  return content === undefined ? undefined : hash53(content);
}

function contentOf(rows: LedgerRows, kind: string, key: string): string | undefined {
  switch (kind) {
    case "drones":
      return droneLines(rows);
    case "holds": {
      const held = [...rows.rows("holds")].map(([key, { slots }]) => `${key} ${slots.join(" ")}`);
      return held.sort().join("\n");
    }
    case "environment": {
      const row = rows.rows("environments").get(key);
      // Which drone built last says nothing about what is to be done.
      return canonicalJson(row ? changed(row, { builtOn: undefined }) : null);
    }
    case "certificates": {
      const ids = [...rows.rows("certificates").keys()].sort();
      return canonicalJson([ids, rows.rows("acme").get(acmeKey) ?? null]);
    }
    case "route":
      return canonicalJson(rows.rows("routes").get(key) ?? null);
    case "said":
      return canonicalJson(rows.rows("said").get(key) ?? null);
    case "rollout":
      return rolloutWords(rows.rows("canaries").get(key));
    case "deployments": {
      const [repo, environment] = splitAt(key, "/");
      const own = [...rows.rows("deployments").values()].filter(
        (row) => row.repo === repo && row.environment === environment,
      );
      const lines = own.map(({ id, started, services }) => [id, started, ...services].join(" "));
      return lines.sort().join("\n");
    }
    case "releases":
      return releaseLines(rows, key);
    case "files":
      return filesLines(rows, `files ${key}`);
    default:
      return undefined;
  }
}

/** Text right away: of 10,000 drones that is ten times as fast as JSON of them. */
function droneLines(rows: LedgerRows): string {
  const lines = [...rows.rows("drones").values()]
    .filter(({ state }) => state !== "left")
    .map((row) => {
      const { identity, name, labels, relabelled, service = "", draining, carriesOnly } = row;
      const words = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      const anew = relabelled ? canonicalJson(relabelled) : "";
      const flags = `${draining ? "d" : ""}${carriesOnly ? "r" : ""}`;
      return [identity, name, service, flags, ...words.sort(), anew].join("\u0000");
    });
  return lines.sort().join("\n");
}

/** At which step it is, and what was counted, changes by itself. */
function rolloutWords(row: CanaryRow | undefined): string {
  if (!row || row.phase === "over") return "";
  return [row.release, row.startedAt, row.phase === "paused"].join(" ");
}

function releaseLines(rows: LedgerRows, repo: string): string {
  const of = (row: ReleaseRow) => repo === "*" || row.repo === repo;
  const lines = [...rows.rows("releases").values()]
    .filter(of)
    .map(({ repo: name, environment, number, state, presence, pinned }) =>
      [name, environment, number, state, presence, pinned].join(" "),
    );
  return lines.sort().join("\n");
}

/** @param part as `partOf` names it */
function filesLines(rows: LedgerRows, part: string): string {
  const lines = [...rows.rows("files").values()]
    .filter(({ path }) => partOf.files(path) === part)
    .map(({ identity, path, commit }) => [identity, path, commit].join(" "));
  return lines.sort().join("\n");
}

function splitAt(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** cyrb53, by bryc (public domain): two 32-bit streams, of which 53 bits are taken. */
function hash53(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high =
    Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low =
    Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0);
}
