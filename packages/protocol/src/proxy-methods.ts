/**
 * Between hub and proxies: who they are, the book they go by, and the acknowledgements of a switch.
 *
 *     proxy                                hub
 *       | -- hub.meet, hub.routes ---------> |
 *       | <-- snapshot, change, change … --- |
 *       | -- hub.proxy { revision } -------> |   after each change that it goes by
 *       | <-- proxy.sees ------------------- |   before visitors are sent somewhere
 *       | <-- proxy.drained ---------------- |   before an instance ends on purpose
 */
import * as Type from "typebox";
import type { TSchema } from "typebox";
import { nothing } from "./hub-params.js";
import { commit, count, exact, forLargeValues, list, name, oneOf, port, text } from "./shape.js";
import { bookUpdateSchema, deploymentId, routeBookSchema, type BookUpdate } from "./traffic.js";
import { registryPlaceSchema } from "./vocabulary.js";

const hex32 = Type.String({ pattern: "^[0-9a-f]{32}$" });
const milliseconds = Type.Integer({ minimum: 0, maximum: 86_400_000 });
/** `host:port` of endpoints. */
const addresses = list(text(300), 1_000);
/** What a proxy goes by although it has no word from there any more. */
const stale = list(oneOf("hub", "registry"), 2);

/** Where a proxy takes visitors. */
const visitorsAtSchema = exact({
  /** Absent: all addresses of its machine. */
  host: Type.Optional(text(255)),
  port,
});

/** A proxy as the hub knows it. */
export const proxySummarySchema = exact({
  name,
  /** As the hub sees it: the host of its connection, the port that it says. */
  address: text(300),
  zone: Type.Optional(name),
  version: text(64),
  /** A switch waits for those that are connected, or were until just now (`lost`); for others nobody waits. */
  state: oneOf("connected", "lost", "away", "left"),
  /** When that state began, in ms since 1970. */
  since: count,
  /** Of the book that it goes by; absent until it has said so. */
  revision: Type.Optional(count),
  /** Changes of the book that it does not go by yet. */
  behind: count,
  stale,
  /** Of the last seconds; absent while it has told nothing. */
  requestsPerSecond: Type.Optional(Type.Number({ minimum: 0 })),
});
export type ProxySummary = Type.Static<typeof proxySummarySchema>;

/** Something that visitors are about to be sent to. */
export const seenDeploymentSchema = exact({
  id: deploymentId,
  repo: name,
  environment: name,
  commit,
  /** Names in the registry under which it must be known. */
  services: list(name, 100),
});
export type SeenDeployment = Type.Static<typeof seenDeploymentSchema>;

/**
 * Hubs of a former version sent whole books, which stay words of this protocol; a proxy of today never gets one,
 * as such a hub refuses how it introduces itself.
 */
const routesPart = forLargeValues(
  Type.Unsafe<BookUpdate>(Type.Union([bookUpdateSchema, routeBookSchema])),
);

export const proxyMethodsOfHub = {
  /** A proxy introduces itself, after every connect, and learns where the registry is. */
  "hub.meet": {
    params: exact({
      /** Kept in its data folder. Without one it is a proxy of a former version, which is refused. */
      identity: Type.Optional(hex32),
      name: Type.Optional(name),
      version: Type.Optional(text(64)),
      address: Type.Optional(visitorsAtSchema),
      zone: Type.Optional(name),
    }),
    result: exact({
      registry: registryPlaceSchema,
      /** How long it may be gone before a switch goes on without it. */
      timeoutMs: Type.Optional(count),
    }),
    needs: "cluster",
  },
  /** The book of routes and running commits, then what changes of it, as parts. */
  "hub.routes": {
    params: exact({
      /** What the caller has: when the hub still knows what changed since, only that is sent. */
      since: Type.Optional(exact({ book: text(64), revision: count })),
    }),
    part: routesPart,
    result: nothing,
    needs: "cluster",
  },
  /** All proxies that the hub knows. */
  "hub.proxies": {
    params: nothing,
    result: exact({ revision: count, proxies: list(proxySummarySchema, 1_000) }),
    needs: "cluster",
  },
  /**
   * A drone ends what listens there: resolves when no live proxy has anything under way to it, at the latest
   * after `waitMs`. From the call on, proxies send nothing new there.
   */
  "hub.drained": {
    params: exact({ addresses, waitMs: milliseconds }),
    result: exact({
      /** Those that were asked. */
      proxies: count,
      /** Requests and upgraded connections that are still under way, of all proxies that answered. */
      inFlight: count,
      /** Proxies that did not answer. */
      silent: list(name, 1_000),
    }),
    needs: "cluster",
  },
} as const satisfies Methods;

export const proxyMethods = {
  /** Resolves when the proxy goes by that revision and knows endpoints of these; at the latest after `waitMs`. */
  "proxy.sees": {
    params: exact({
      revision: count,
      deployments: list(seenDeploymentSchema, 100),
      waitMs: milliseconds,
    }),
    result: exact({
      /** That the proxy goes by: lower than the one asked for when the time was over. */
      revision: count,
      missing: list(exact({ deployment: deploymentId, service: name }), 10_000),
    }),
    needs: "cluster",
  },
  /**
   * These endpoints go away: nothing new is sent there from now on, upgraded connections get a close frame
   * after `graceMs`. Resolves when nothing is under way to them, at the latest after `waitMs`.
   */
  "proxy.drained": {
    params: exact({ addresses, graceMs: milliseconds, waitMs: milliseconds }),
    result: exact({ inFlight: count }),
    needs: "cluster",
  },
} as const satisfies Methods;

export const proxyTellings = {
  /** Proxy to hub: what it goes by, after each change of that. */
  "hub.proxy": exact({ revision: count, stale }),
} as const satisfies Record<string, TSchema>;

type Methods = Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }
>;
