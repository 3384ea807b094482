/**
 * What a proxy counted, as Prometheus reads it (text format 0.0.4): one family after the other, each sample
 * with the place that visitors were sent to.
 */
import { bucketsMax, LatencyHistogram, upperEdgeMs, type TrafficCount } from "@propagit/protocol";
import {
  familyText,
  type MetricFamily,
  type MetricLabels as Labels,
  type MetricSample as Sample,
} from "@propagit/runtime";
import type { Tallied, Tally } from "./tallies.js";

export interface MetricsSnapshot {
  readonly version: string;
  /** When this life of the proxy began, in ms since 1970. */
  readonly startedAt: number;
  readonly counts: readonly TrafficCount[];
  readonly tallies: readonly Tally[];
  /** What the rule book wants, in percent of its environment's visitors. */
  readonly shares: readonly ShareSample[];
  readonly connections: ConnectionSample;
  /** Of the rule book that is in force. */
  readonly revision: number;
  readonly stale: readonly ("hub" | "registry")[];
}

export interface ShareSample {
  readonly repo: string;
  readonly environment: string;
  readonly commit: string;
  readonly deployment?: string;
  readonly percent: number;
}

export interface ConnectionSample {
  /** Of visitors. */
  readonly open: number;
  /** Since the proxy started. */
  readonly accepted: number;
  /** Closed at once, since their address had too many; since the proxy started. */
  readonly refused: number;
  /** Upgraded ones, of those that are open. */
  readonly tunnels: number;
}

/** Every eighth edge: 16 bounds from 0.1 ms to 10 min, each 2.7 times the one before. */
const edges = Array.from({ length: Math.floor((bucketsMax - 2) / 8) + 1 }, (_, index) => index * 8);

export function metricsText(snapshot: MetricsSnapshot): string {
  return [
    ...ownFamilies(snapshot),
    ...requestFamilies(snapshot.counts),
    ...tallyFamilies(snapshot.tallies),
    family(
      "share_percent",
      "gauge",
      "What the rule book gives to a commit, of its environment's visitors.",
      snapshot.shares.map(({ percent, ...place }) => [{ ...place }, percent]),
    ),
  ].join("");
}

/** Of the proxy itself. */
function ownFamilies(snapshot: MetricsSnapshot): string[] {
  const { version, startedAt, connections, revision, stale } = snapshot;
  const staleness = (["hub", "registry"] as const).map((of): Sample => [
    { of },
    Number(stale.includes(of)),
  ]);
  return [
    family("info", "gauge", "Always 1; says which version runs.", [[{ version }, 1]]),
    single("start_time_seconds", "gauge", "When it started, since 1970.", startedAt / 1_000),
    single("connections", "gauge", "Open connections of visitors.", connections.open),
    single(
      "connections_accepted_total",
      "counter",
      "Connections that visitors opened.",
      connections.accepted,
    ),
    single(
      "connections_refused_total",
      "counter",
      "Connections that were closed at once: their address had as many as it may.",
      connections.refused,
    ),
    single("tunnels", "gauge", "Open upgraded connections, as websockets.", connections.tunnels),
    single("book_revision", "gauge", "Revision of the rule book in force.", revision),
    family("stale", "gauge", "1 while what is known may be old: its source is away.", staleness),
  ];
}

/** Of what visitors asked for and was sent on, by where. */
function requestFamilies(counts: readonly TrafficCount[]): string[] {
  const of = (pick: (count: TrafficCount) => number): Sample[] =>
    counts.map((count) => [placeOf(count), pick(count)]);
  return [
    family(
      "requests_total",
      "counter",
      "Requests that were sent on and are over, by class of the status that the visitor got.",
      counts.flatMap(statusSamples),
    ),
    family(
      "request_failures_total",
      "counter",
      "Requests that no endpoint took (refused), that one broke off (cut) or was too slow for (late).",
      counts.flatMap(failureSamples),
    ),
    family(
      "requests_failed_total",
      "counter",
      "Requests that went wrong, whoever is to blame.",
      of(({ failed }) => failed),
    ),
    family(
      "requests_left_total",
      "counter",
      "Requests whose visitor went away first.",
      of(({ left }) => left),
    ),
    family(
      "request_retries_total",
      "counter",
      "Attempts that were made again at another endpoint.",
      of(({ retries }) => retries),
    ),
    family(
      "requests_in_flight",
      "gauge",
      "Requests under way.",
      of(({ inFlight }) => inFlight),
    ),
    family(
      "request_head_seconds",
      "histogram",
      "From the end of a request's head to the head of its answer.",
      counts.flatMap(latencySamples),
    ),
  ];
}

/** Of what no commit's visitors are. */
function tallyFamilies(tallies: readonly Tally[]): string[] {
  const of = (wanted: Tallied["kind"]): Sample[] =>
    tallies.flatMap(({ of: { kind, ...labels }, count }): Sample[] =>
      kind === wanted ? [[labels, count]] : [],
    );
  return [
    family(
      "own_answers_total",
      "counter",
      "Requests that were not sent on: the proxy answered by itself, with this code.",
      of("own-answer"),
    ),
    family(
      "copies_drawn_total",
      "counter",
      "Requests that were drawn for a copy, sent or not: what is too long is not, nor too many at once.",
      of("copy-drawn"),
    ),
    family(
      "copies_total",
      "counter",
      "Copies that are over, by class of the answer that was thrown away; failed: there was none.",
      of("copy-over"),
    ),
  ];
}

type Type = MetricFamily["type"];

function single(name: string, type: Type, help: string, value: number): string {
  return family(name, type, help, [[{}, value]]);
}

function family(name: string, type: Type, help: string, samples: readonly Sample[]): string {
  return familyText({ name: `propagit_proxy_${name}`, type, help, samples });
}

function placeOf({ repo, environment, commit, deployment, variant }: TrafficCount): Labels {
  return { repo, environment, commit, deployment, variant };
}

function statusSamples(count: TrafficCount): Sample[] {
  const place = placeOf(count);
  const answered = count.statuses.map((value, index): Sample => [
    { ...place, status: `${index + 1}xx` },
    value,
  ]);
  const known = count.statuses.reduce((sum, value) => sum + value, 0);
  return [...answered, [{ ...place, status: "none" }, Math.max(0, count.requests - known)]];
}

function failureSamples(count: TrafficCount): Sample[] {
  const place = placeOf(count);
  return (["refused", "cut", "late"] as const).map((reason) => [
    { ...place, reason },
    count[reason],
  ]);
}

function latencySamples(count: TrafficCount): Sample[] {
  const place = placeOf(count);
  const histogram = LatencyHistogram.decode(count.latency);
  const upTo = edges.map((bucket): Sample => {
    const le = String(Math.round(upperEdgeMs(bucket) * 1_000) / 1_000_000);
    return [{ ...place, le }, histogram.count - histogram.countAbove(bucket), "_bucket"];
  });
  return [
    ...upTo,
    [{ ...place, le: "+Inf" }, histogram.count, "_bucket"],
    [place, sumSeconds(count), "_sum"],
    [place, histogram.count, "_count"],
  ];
}

/** Each value as the middle of its bucket: at most 6.4 % off, and never falling. */
function sumSeconds({ latency: { first, counts } }: TrafficCount): number {
  const ms = counts.reduce((sum, value, index) => sum + value * middleMs(first + index), 0);
  return ms / 1_000;
}

function middleMs(bucket: number): number {
  if (bucket === 0) return upperEdgeMs(0);
  const below = upperEdgeMs(bucket - 1);
  const above = upperEdgeMs(bucket);
  return Number.isFinite(above) ? Math.sqrt(below * above) : below;
}
