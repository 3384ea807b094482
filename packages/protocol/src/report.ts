/**
 * What proxies count, and how they tell the hub:
 *
 *     proxy, life 1:  {requests 3} {requests 7} {requests 9}         cumulative, so a lost one does no harm
 *     proxy, life 2:                                  {requests 2}   begins at 0; life 1 stays counted
 *
 * Only rows that changed are told again, and all of them once after a hub was lost.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { histogramSchema } from "./histogram.js";
import { commit, count, exact, list, name, text } from "./shape.js";
import { deploymentId } from "./traffic.js";

/** Rows of one proxy; of more, those with nothing in flight that were counted longest ago are forgotten. */
export const countRowsMax = 1_000;
/** Rows of one telling; each has about 1 KB, far below a frame's limit. */
export const countsPerReportMax = 200;

/** Visitors of a share who are counted apart, to compare a commit of equal share with them. */
export const controlVariant = "control";
/** Visitors who asked for this commit: by a pin, or by a host name of the commit or of a branch. */
export const directVariant = "direct";

/** What one proxy counted, since its life began, of requests that went to one place. */
export const trafficCountSchema = exact({
  repo: name,
  environment: name,
  commit,
  deployment: Type.Optional(deploymentId),
  /**
   * `EXPERIMENT=VARIANT`, `control` or `direct`; absent: sent there by the shares. A request is in exactly
   * one row without `=`, and in one more for each experiment that it is in.
   */
  variant: Type.Optional(text(130)),
  /** Those that are over, each counted once where its last attempt went. */
  requests: count,
  /** As visitors got them: 1xx (upgrades), 2xx, 3xx, 4xx, 5xx. Without a head of an answer: in none. */
  statuses: Type.Array(count, { minItems: 5, maxItems: 5 }),
  /** No endpoint took it. */
  refused: count,
  /** The endpoint broke off, before or within its answer. */
  cut: count,
  /** The endpoint was too slow: to be connected to, to answer, or within its answer. */
  late: count,
  /** Answered with 5xx by whomever, refused, cut or late: a request is counted here once or not at all. */
  failed: count,
  /** The visitor went away first; not failed. */
  left: count,
  /** Attempts that were made again elsewhere. */
  retries: count,
  inFlight: count,
  /** From the end of a request's head to the head of its answer, of those that an endpoint answered. */
  latency: histogramSchema,
});
export type TrafficCount = Static<typeof trafficCountSchema>;

export const trafficReportSchema = exact({
  /** Which proxy; the same over its restarts. */
  proxy: Type.String({ minLength: 1, maxLength: 100 }),
  /** Which life of it. */
  life: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  counts: list(trafficCountSchema, countsPerReportMax),
});
export type TrafficReport = Static<typeof trafficReportSchema>;

/** Of proxies, to the hub. */
export const reportTellings = { "hub.report": trafficReportSchema } as const;

/** What a row is about; rows of several proxies with the same key are added. */
export function keyOfCount({
  repo,
  environment,
  commit,
  deployment = "",
  variant = "",
}: Pick<TrafficCount, "repo" | "environment" | "commit" | "deployment" | "variant">): string {
  return `${repo}/${environment}/${commit}/${deployment}/${variant}`;
}
