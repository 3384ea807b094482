/** What people and proxies call on the hub about traffic: who gets visitors, the book of it, events. */
import * as Type from "typebox";
import type { TSchema } from "typebox";
import { by, environment, nothing, reference } from "./hub-params.js";
import { exact, list, text } from "./shape.js";
import { routeBookSchema, routeSchema } from "./traffic.js";
import { eventSchema, registryPlaceSchema } from "./vocabulary.js";

export const trafficMethods = {
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
      shares: list(exact({ ref: reference, weight: Type.Number() }), 20),
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
  /** Routes and running commits: the whole book at once and again after each change, as parts. */
  "hub.routes": { params: nothing, part: routeBookSchema, result: nothing, needs: "cluster" },
  /** For a proxy: says hello, learns where the registry is. */
  "hub.meet": {
    params: nothing,
    result: exact({ registry: registryPlaceSchema }),
    needs: "cluster",
  },
} as const satisfies Record<string, { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }>;

