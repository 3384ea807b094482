/** What people and proxies call on the hub about traffic: who gets visitors, the book of it, events. */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { experimentStart, experimentStop, shadowWish } from "./experiment-wish.js";
import { by, environment, reference, wantedShares } from "./hub-params.js";
import { hostChange, ruleChange, ruleName } from "./rule-change.js";
import { rulesSchema } from "./rules.js";
import { count, exact, list, name, oneOf, text } from "./shape.js";
import { hostRouteSchema } from "./specification.js";
import { experimentSchema, routeSchema, shadowSchema, shareSchema } from "./traffic.js";
import { eventSchema } from "./vocabulary.js";

/** Whose word a part of a route is. */
export const originSchema = exact({
  from: oneOf("manifest", "hand"),
  /** The release whose manifest says it. */
  release: Type.Optional(count),
  by: Type.Optional(text(200)),
  since: Type.Optional(count),
});
export type Origin = Static<typeof originSchema>;

/** A route as proxies get it, and where each part of it comes from. */
export const routeViewSchema = exact({
  repo: name,
  environment: name,
  /** Empty while no visitors are sent anywhere: then what is said by hand waits for the first release. */
  shares: list(shareSchema, 20),
  hosts: list(exact({ route: hostRouteSchema, origin: originSchema }), 200),
  /** Hashes of `users` are left out. */
  rules: rulesSchema,
  /** Of each rule; those that are not in `rules` are taken from the manifest's by hand. */
  origins: list(exact({ rule: ruleName, origin: originSchema }), 100),
  experiments: list(experimentSchema, 20),
  shadow: Type.Optional(exact({ shadow: shadowSchema, origin: originSchema })),
});
export type RouteView = Static<typeof routeViewSchema>;

const place = { repo: text(60), environment } as const;

/** What is said by hand about traffic: it stays over releases, and wins over the manifest. */
const ruleMethods = {
  /** Routes as they are, with the origin of each part. */
  "hub.route": {
    params: exact({ repo: Type.Optional(text(60)), environment }),
    part: list(routeViewSchema, 10_000),
    result: exact({ routes: list(routeViewSchema, 10_000) }),
    needs: "cluster",
  },
  /** Changes rules, key by key; `users` are changed by `hub.access`. */
  "hub.rules": {
    params: exact({ ...place, ...ruleChange, by }),
    result: routeViewSchema,
    needs: "cluster",
  },
  /** Adds a host name and path, or takes one away that was added by hand. */
  "hub.host": {
    params: exact({ ...place, ...hostChange, by }),
    result: routeViewSchema,
    needs: "cluster",
  },
  /** Who may come with a password. The hash is made by whoever knows the password. */
  "hub.access": {
    params: exact({
      ...place,
      add: Type.Optional(exact({ name: text(200), hash: text(500) })),
      remove: Type.Optional(text(200)),
      by,
    }),
    result: routeViewSchema,
    needs: "cluster",
  },
  "hub.experiment-start": {
    params: exact({ ...place, ...experimentStart, by }),
    result: routeViewSchema,
    needs: "cluster",
  },
  /** With `promote`, all visitors are sent to what served that variant, in the same transaction. */
  "hub.experiment-stop": {
    params: exact({ ...place, ...experimentStop, by }),
    result: routeViewSchema,
    needs: "cluster",
  },
  /** Copies a part of the requests to a commit; without `to` no longer. */
  "hub.shadow": {
    params: exact({ ...place, ...shadowWish, by }),
    result: routeViewSchema,
    needs: "cluster",
  },
} as const;

export const trafficMethods = {
  ...ruleMethods,
  /** Sends all visitors of a repository's environment to one commit or release. */
  "hub.promote": {
    params: exact({ repo: text(60), ref: reference, environment, by }),
    result: routeSchema,
    needs: "cluster",
  },
  /** Divides the visitors of a repository's environment between commits. */
  "hub.split": {
    params: exact({
      repo: text(60),
      shares: wantedShares,
      environment,
      by,
    }),
    result: routeSchema,
    needs: "cluster",
  },
  /**
   * The last events, those that do not fit into the frame of the result as parts before it; with `follow`
   * all come as parts, then new ones until the caller cancels.
   */
  "hub.events": {
    params: exact({ last: Type.Integer({ minimum: 0, maximum: 10_000 }), follow: Type.Boolean() }),
    part: eventSchema,
    result: exact({ events: list(eventSchema, 10_000) }),
    needs: "cluster",
  },
} as const satisfies Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }
>;
