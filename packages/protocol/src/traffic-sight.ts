/** Traffic as it is now, over all proxies: what `top` shows. */
import * as Type from "typebox";
import type { Static, TSchema } from "typebox";
import { environment, nothing } from "./hub-params.js";
import { commit, count, exact, list, name, text } from "./shape.js";
import { deploymentId } from "./traffic.js";

const rate = Type.Number({ minimum: 0 });
const percent = Type.Number({ minimum: 0, maximum: 100 });

/** Of the last seconds, of requests that went to one place. */
export const sightRowSchema = exact({
  repo: name,
  environment: name,
  commit,
  deployment: Type.Optional(deploymentId),
  /** As in reports: `EXPERIMENT=VARIANT`, `control` or `direct`. */
  variant: Type.Optional(text(130)),
  /** Number of the newest release that runs it. */
  release: Type.Optional(count),
  /** What its route gives it; absent for an experiment's variants and for those who asked for the commit. */
  wantedPercent: Type.Optional(percent),
  /** Of its environment's requests, without those who asked for a commit; of an experiment's in its rows. */
  observedPercent: Type.Optional(percent),
  perSecond: rate,
  failedPerSecond: rate,
  p50Ms: Type.Optional(rate),
  p95Ms: Type.Optional(rate),
  p99Ms: Type.Optional(rate),
  inFlight: count,
  /** Requests of each of the last seconds, the newest last. */
  recent: list(count, 60),
});
export type SightRow = Static<typeof sightRowSchema>;

export const trafficSightSchema = exact({
  /** In ms since 1970. */
  at: count,
  /** Over which it was counted, in ms. */
  windowMs: count,
  /** Proxies that are there, and how many of them are heard. */
  proxies: count,
  reporting: count,
  rows: list(sightRowSchema, 2_000),
});
export type TrafficSight = Static<typeof trafficSightSchema>;

export const sightMethods = {
  /** What visitors get now: once, or with `follow` each second until the caller cancels. */
  "hub.traffic": {
    params: exact({ repo: Type.Optional(text(60)), environment, follow: Type.Boolean() }),
    part: trafficSightSchema,
    result: nothing,
    needs: "cluster",
  },
} as const satisfies Record<
  string,
  { params: TSchema; result: TSchema; part?: TSchema; needs: "cluster" }
>;
