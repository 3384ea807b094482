/**
 * Routes of a command line, for a proxy with a registry and no hub: `HOST[/PATH]=SERVICE[@RANGE]`.
 *
 *     beep.example=http@1.x          beep.example/api=api          *=http: any other host name
 */
import { PropagitError, quote, type Endpoint } from "@propagit/protocol";
import { compileQuery, type Fits } from "@propagit/registry";
import type { ServicesOfCommit } from "./commit-endpoints.js";
import type { Target } from "./endpoint-state.js";
import { prefixOf } from "./path.js";
import type { EndpointSource } from "./variant.js";

export interface StandaloneRoute {
  /** Lower-case; exact, `*.below.it`, or `*`. */
  readonly host: string;
  /** As it is compared; empty for everything. */
  readonly prefix: string;
  /** `http@1.x`, as messages show it. */
  readonly query: string;
  readonly fits: Fits;
}

const hostPattern = /^(?:\*|(?:\*\.)?[a-z0-9_][a-z0-9_.-]{0,252})$/;

/**
 * `beep.example/api=http@1.x`.
 *
 * @throws BAD_USAGE, BAD_PATTERN when the query cannot be read
 */
export function parseStandaloneRoute(text: string): StandaloneRoute {
  const at = text.indexOf("=");
  const place = at < 0 ? "" : text.slice(0, at).trim();
  const query = text.slice(at + 1).trim();
  const slash = place.indexOf("/");
  const host = (slash < 0 ? place : place.slice(0, slash)).toLowerCase();
  if (!hostPattern.test(host) || query === "") {
    throw new PropagitError("BAD_USAGE", `${quote(text)} is not a route`, {
      hint: "write it like --route 'beep.example=http@1.x', with a path if you like: beep.example/api=api",
    });
  }
  const prefix = slash < 0 ? "" : prefixOf(place.slice(slash));
  return { host, prefix, query, fits: compileQuery({ service: query }) };
}

/** Those of all endpoints that fit a query, kept up to date. */
export class QueryEndpoints implements EndpointSource {
  version = 0;
  readonly #fits: Fits;
  readonly #targets = new Set<Target>();

  constructor(fits: Fits) {
    this.#fits = fits;
  }

  offer(endpoint: Endpoint, target: Target): void {
    if (!this.#fits(endpoint)) return;
    this.#targets.add(target);
    this.version += 1;
  }

  withdraw(target: Target): void {
    if (this.#targets.delete(target)) this.version += 1;
  }

  services(): ServicesOfCommit | undefined {
    const targets = [...this.#targets];
    const [first] = targets;
    return first ? new Map([[first.service, targets]]) : undefined;
  }

  knownNames(): readonly string[] {
    return [];
  }
}
