/** Commits, endpoints and routes for tests. */
import type { Endpoint, Route } from "@propagit/protocol";

export const commitA = "a".repeat(40);
export const commitB = "b".repeat(40);
export const commitC = "c".repeat(40);

export function endpointOf(port: number, over: Partial<Endpoint> = {}): Endpoint {
  return {
    id: `record-${port}`,
    service: "http",
    version: "0.0.0",
    commit: commitA,
    host: "127.0.0.1",
    port,
    meta: {},
    ...over,
  };
}

/** A route of `webapp`: commit, weight, commit, weight, … */
export function routeOf(...shares: readonly [commit: string, weight: number][]): Route {
  return { repo: "webapp", shares: shares.map(([commit, weight]) => ({ commit, weight })) };
}
