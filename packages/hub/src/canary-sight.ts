/** What a rollout by steps looks at: its release, the route, its instances, and what proxies counted. */
import {
  controlVariant,
  environmentDefault,
  type ClusterEvent,
  type Share,
  type TrafficCount,
} from "@propagit/protocol";
import type { CanaryView } from "./core/canary.js";
import type { CanaryRow } from "./core/canary-row.js";
import { releasesOf } from "./core/deployment-edits.js";
import type { LedgerRows } from "./core/draft.js";
import { placeKey, releaseKey } from "./core/rows.js";
import { leadsTo } from "./core/shares.js";
import type { Flow, TrafficCounts } from "./core/traffic-counts.js";
import type { Fleet } from "./fleet.js";
import type { Proxies } from "./proxies.js";
import type { HubWorld } from "./world.js";

/** A proxy that told nothing for so long is not waited for; a guess. */
const goneMs = 2 * 60_000;
/** Of the old one's latency, before a step is timed. */
const recentSeconds = 60;

export interface CanarySightParts {
  readonly world: Pick<HubWorld, "clock">;
  readonly fleet: Pick<Fleet, "members">;
  readonly proxies: Pick<Proxies, "live" | "contactOf" | "nameOf">;
  readonly counts: TrafficCounts;
}

/** What had been counted of both sides. */
export interface Position {
  readonly fresh: Flow;
  readonly old: Flow;
  readonly allOld: Flow;
}

export class CanarySight {
  readonly #parts: CanarySightParts;
  /** Who sent visitors somewhere last, by environment of a repository. */
  readonly #sentBy = new Map<string, string>();

  constructor(parts: CanarySightParts) {
    this.#parts = parts;
  }

  happened({ kind, repo, environment = environmentDefault, by, text }: ClusterEvent): void {
    if (repo === undefined) return;
    const isSending = kind === "promoted" || kind === "split" || kind === "stopped";
    if (!isSending) return;
    this.#sentBy.set(placeKey(repo, environment), by === undefined ? text : `${text}, by ${by}`);
  }

  positionOf(row: CanaryRow): Position {
    const { counts } = this.#parts;
    return {
      fresh: counts.flowOf(isFresh(row)),
      old: counts.flowOf(isOld(row, row.plan.compare)),
      allOld: counts.flowOf(isOld(row, "all")),
    };
  }

  viewOf(
    rows: LedgerRows,
    row: CanaryRow,
    before: Position,
  ): { readonly view: CanaryView; readonly position: Position } {
    const { repo, environment, release } = row;
    const key = placeKey(repo, environment);
    const now = this.#parts.world.clock.now();
    const position = this.positionOf(row);
    const shares = rows.rows("routes").get(key)?.shares ?? [];
    const view: CanaryView = {
      now,
      release: rows.rows("releases").get(releaseKey(repo, environment, release)),
      shares,
      old: oldOf(rows, row, shares),
      sentBy: this.#sentBy.get(key) ?? "by hand, or as something was stopped",
      isAlive: this.#isAlive(row),
      added: {
        fresh: difference(position.fresh, before.fresh),
        old: difference(position.old, before.old),
        allOld: difference(position.allOld, before.allOld),
      },
      recentOld: this.#parts.counts.windowOf(isOld(row, "all"), recentSeconds, now),
      uncounted: this.#uncounted(now),
    };
    return { view, position };
  }

  #isAlive({ deployment }: CanaryRow): boolean {
    return this.#parts.fleet.members.some(
      ({ contact, instances }) =>
        contact !== "left" &&
        [...instances.values()].some(
          (report) =>
            report.deployment === deployment &&
            report.phase === "ready" &&
            report.port !== undefined &&
            report.health !== "failing",
        ),
    );
  }

  #uncounted(now: number): string | undefined {
    const { proxies, counts } = this.#parts;
    if (proxies.live.length === 0) return "no proxy is connected that could tell how it goes";
    const away = counts.proxies.find(
      ({ proxy, at }) =>
        ["lost", "away"].includes(proxies.contactOf(proxy) ?? "") && now - at < goneMs,
    );
    return away && `proxy ${proxies.nameOf(away.proxy)} is away, and what it counts is not known`;
  }
}

/** Of visitors who were sent there by their share: not of those who asked for it. */
function isFresh(row: CanaryRow): (count: TrafficCount) => boolean {
  return (count) => isOfPlace(count, row) && count.variant === undefined && leadsTo(row, count);
}

function isOld(
  row: CanaryRow,
  compare: CanaryRow["plan"]["compare"],
): (count: TrafficCount) => boolean {
  const takesAll = compare === "all";
  return (count) => {
    const isControl = count.variant === controlVariant;
    const isMeant = isControl || (takesAll && count.variant === undefined);
    return isMeant && isOfPlace(count, row) && !leadsTo(row, count);
  };
}

function isOfPlace(count: TrafficCount, { repo, environment }: CanaryRow): boolean {
  return count.repo === repo && count.environment === environment;
}

function difference(now: Flow, before: Flow): Flow {
  return {
    requests: Math.max(0, now.requests - before.requests),
    failed: Math.max(0, now.failed - before.failed),
    latency: now.latency.since(before.latency),
  };
}

/** Who has most of those who do not have the new one. */
function oldOf(
  rows: LedgerRows,
  row: CanaryRow,
  shares: readonly Share[],
): CanaryRow["old"] | undefined {
  const others = shares.filter((share) => !leadsTo(share, row));
  const [heaviest] = others.toSorted((left, right) => right.weight - left.weight);
  if (!heaviest) return undefined;
  const { commit, deployment } = heaviest;
  const release = deployment === undefined ? undefined : releasesOf(rows, deployment).at(-1);
  return {
    commit,
    ...(deployment !== undefined && { deployment }),
    ...(release && { release: release.number }),
  };
}
