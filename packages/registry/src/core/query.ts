/** Which endpoints fit a query: all given parts must. */
import { PropagitError, quote, type Endpoint, type EndpointQuery } from "@propagit/protocol";
import { satisfies } from "semver";
import { parsePattern } from "./service.js";

export type Fits = (endpoint: Endpoint) => boolean;

/** Shortest commit prefix; git itself takes no shorter one. */
const commitCharsMin = 4;

/**
 * The query as a question to one endpoint; everything wrong about it is said here.
 *
 * Ranges follow semver: `http@^1.2` fits no pre-release, `http@>=1.2.0-0` does; plain `http` fits all.
 *
 * @throws BAD_PATTERN
 */
export function compileQuery(query: EndpointQuery): Fits {
  const { service, commit, meta = {} } = query;
  const pattern = service === undefined ? undefined : parsePattern(service);
  if (commit !== undefined) checkCommit(commit);
  const wanted = Object.entries(meta);
  return (endpoint) => {
    if (pattern && endpoint.service !== pattern.service) return false;
    if (commit !== undefined && !(endpoint.commit ?? "").startsWith(commit)) return false;
    if (!wanted.every(([key, value]) => valueOf(endpoint.meta, key) === value)) return false;
    return !pattern?.range || satisfies(endpoint.version, pattern.range);
  };
}

function checkCommit(commit: string): void {
  if (/^[0-9a-f]{4,64}$/.test(commit)) return;
  throw new PropagitError("BAD_PATTERN", `${quote(commit)} is not the beginning of a commit hash`, {
    hint: `write at least ${commitCharsMin} lower-case hex characters of it`,
  });
}

function valueOf(meta: Endpoint["meta"], key: string): string | undefined {
  return Object.hasOwn(meta, key) ? meta[key] : undefined;
}
