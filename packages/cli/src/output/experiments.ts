/** Experiments with what is wanted of each variant beside what proxies count. */
import {
  environmentDefault,
  shortCommit,
  type Experiment,
  type SightRow,
  type TrafficSight,
} from "@propagit/protocol";
import type { Conversation } from "@propagit/runtime";
import { environmentOf, type EnvironmentFlags } from "../targets.js";
import { fetchRoutes } from "../traffic-change.js";
import { formatPercent } from "./quantity.js";
import { formatExperiment } from "./route-view.js";
import { inEnvironment } from "./route.js";
import { formatTable } from "./table.js";

/** One variant as it is wanted and observed. */
interface VariantStatus {
  readonly name: string;
  readonly commit?: string;
  readonly wantedPercent: number;
  /** Of the requests of this experiment, in the last seconds. */
  readonly observedPercent?: number;
  /** Requests of the last minute. */
  readonly requests: number;
  readonly failedPerSecond: number;
  readonly p95Ms?: number;
}

export interface ExperimentStatus {
  readonly repo: string;
  readonly environment: string;
  readonly experiment: Experiment;
  readonly variants: readonly VariantStatus[];
  /** Proxies that count; with none, nothing is observed. */
  readonly reporting: number;
}

const sightMs = 10_000;

export async function fetchExperiments(
  hub: Conversation,
  repo: string | undefined,
  flags: EnvironmentFlags,
): Promise<readonly ExperimentStatus[]> {
  const routes = await fetchRoutes(hub, repo, flags);
  const asked = { ...(repo !== undefined && { repo }), ...environmentOf(flags), follow: false };
  let sight: TrafficSight | undefined;
  if (routes.some(({ experiments }) => experiments.length > 0)) {
    await hub.call("hub.traffic", asked, {
      limitMs: sightMs,
      onPart: (seen) => {
        sight = seen;
      },
    });
  }
  return routes.flatMap(({ repo: name, environment, experiments }) => {
    const rows = (sight?.rows ?? []).filter(
      (row) => row.repo === name && row.environment === environment,
    );
    return experiments.map((experiment) => ({
      repo: name,
      environment,
      experiment,
      variants: variantsOf(experiment, rows),
      reporting: sight?.reporting ?? 0,
    }));
  });
}

export function formatExperiments(all: readonly ExperimentStatus[]): string {
  if (all.length === 0) return "no experiment is running\n";
  return all.map(formatOne).join("\n");
}

function variantsOf(
  { name, variants }: Experiment,
  rows: readonly SightRow[],
): readonly VariantStatus[] {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  const counted = variants.map((variant) => {
    const own = rows.filter((row) => row.variant === `${name}=${variant.name}`);
    return { variant, own, requests: sum(own.flatMap(({ recent }) => recent)) };
  });
  const all = sum(counted.map(({ requests }) => requests));
  return counted.map(({ variant: { name: own, weight, commit }, own: seen, requests }) => {
    const latencies = seen.flatMap(({ p95Ms }) => p95Ms ?? []);
    return {
      name: own,
      ...(commit !== undefined && { commit }),
      wantedPercent: (100 * weight) / total,
      ...(all > 0 && { observedPercent: (100 * requests) / all }),
      requests,
      failedPerSecond: sum(seen.map(({ failedPerSecond }) => failedPerSecond)),
      // Of several commits the slowest: a percentile of percentiles is none.
      ...(latencies.length > 0 && { p95Ms: Math.max(...latencies) }),
    };
  });
}

function formatOne({
  repo,
  environment,
  experiment,
  variants,
  reporting,
}: ExperimentStatus): string {
  const place = environment === environmentDefault ? repo : `${repo}${inEnvironment(environment)}`;
  const table = formatTable(
    [
      { head: "VARIANT", cell: ({ name }) => name },
      { head: "COMMIT", cell: ({ commit }) => (commit ? shortCommit(commit) : "") },
      { head: "WANTED", cell: (row) => formatPercent(row.wantedPercent), alignRight: true },
      {
        head: "OBSERVED",
        cell: ({ observedPercent: observed }) =>
          observed === undefined ? "-" : formatPercent(observed),
        alignRight: true,
      },
      { head: "REQUESTS/MIN", cell: ({ requests }) => String(requests), alignRight: true },
      {
        head: "FAILED/S",
        cell: ({ failedPerSecond }) => failedPerSecond.toFixed(1),
        alignRight: true,
      },
      {
        head: "P95",
        cell: ({ p95Ms }) => (p95Ms === undefined ? "-" : `${Math.round(p95Ms)} ms`),
        alignRight: true,
      },
    ],
    variants,
  );
  const silence = reporting === 0 ? "no proxy has counted anything lately\n" : "";
  return `${place} ${formatExperiment(experiment)}${table}${silence}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
