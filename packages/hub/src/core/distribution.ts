/**
 * How far the bytes of one release are: out of the artifacts of its repository those that bring its commit, or
 * what that is thin against, and of who takes part in them the drones that the release is for.
 *
 *     commit <- artifact (thin against B)        B <- artifact (whole)
 *               web-1 done, web-2 taking              web-2 done            web-2: the sum of both
 *
 * What the hub packs still is told beside it, as nobody can take any of it before that is done.
 */
import { bytesOfShare, type Distribution, type SwarmView } from "@propagit/protocol";
import type { MakingArtifact } from "../artifacts.js";

export interface DistributionOf {
  /** What the drones check out. */
  readonly commit: string;
  /** In ms since 1970; who had it before that needs nothing. */
  readonly acceptedAt: number;
  readonly isFor: (drone: string) => boolean;
}

type Row = Distribution["rows"][number];
type Share = SwarmView["shares"][number];

/** A screen or two. */
const rowsMax = 50;

/** Nobody takes part, and nothing is packed. */
export function nothingTravels(now: number): Distribution {
  return { at: now, since: now, artifactBytes: 0, hubSentBytes: 0, ...sumOf([]) };
}

/** What is remembered from look to look. */
export class DistributionCount {
  readonly #of: DistributionOf;
  /** Shares that count, also once they are done. */
  readonly #counted = new Set<string>();
  /** What the hub had sent of an artifact before. */
  readonly #sentBefore = new Map<string, number>();
  #since = Number.POSITIVE_INFINITY;

  constructor(of: DistributionOf) {
    this.#of = of;
  }

  /**
   * @param views artifacts of the repository
   * @param making those that are not there yet
   * @returns undefined while nobody takes part, and nothing is packed
   */
  look(
    views: readonly SwarmView[],
    now: number,
    making: readonly MakingArtifact[] = [],
  ): Distribution | undefined {
    const commits = bringing(this.#of.commit, [...views, ...making]);
    const artifacts = views.filter(({ commit }) => commits.has(commit));
    const packing = packingOf(making.filter(({ commit }) => commits.has(commit)));
    const drones = new Map<string, Row>();
    let [hubSentBytes, artifactBytes] = [0, 0];
    for (const view of artifacts) {
      const shares = view.shares.filter((share) => this.#counts(view, share));
      for (const share of shares) add(drones, view, share);
      if (shares.length === 0) continue;
      artifactBytes = Math.max(artifactBytes, view.bytes);
      hubSentBytes += this.#sentMeanwhile(view);
    }
    if (drones.size === 0) {
      if (!packing) return undefined;
      const since = Math.min(now, packing.since);
      return { ...nothingTravels(now), since, packing: packing.told, over: false };
    }
    const since = Math.min(this.#since, now);
    const sum = sumOf([...drones.values()]);
    const travel = { at: now, since, artifactBytes, hubSentBytes, ...sum };
    return packing ? { ...travel, packing: packing.told, over: false } : travel;
  }

  #counts(view: SwarmView, { drone, since, report }: Share): boolean {
    if (!this.#of.isFor(drone)) return false;
    const key = `${view.artifact} ${drone}`;
    const isNew = report.state === "taking" || since >= this.#of.acceptedAt;
    if (!isNew && !this.#counted.has(key)) return false;
    this.#counted.add(key);
    this.#since = Math.min(this.#since, Math.max(since, this.#of.acceptedAt));
    return true;
  }

  #sentMeanwhile({ artifact, madeAt, hubSentBytes }: SwarmView): number {
    const before =
      this.#sentBefore.get(artifact) ?? (madeAt < this.#of.acceptedAt ? hubSentBytes : 0);
    this.#sentBefore.set(artifact, before);
    return Math.max(0, hubSentBytes - before);
  }
}

/** A commit, and those that the artifacts which bring it are thin against. */
function bringing(
  commit: string,
  steps: readonly { readonly commit: string; readonly base?: string | undefined }[],
): ReadonlySet<string> {
  const commits = new Set([commit]);
  // Also what is added while it goes on.
  for (const one of commits) {
    for (const { commit: brought, base } of steps) {
      if (brought === one && base !== undefined) commits.add(base);
    }
  }
  return commits;
}

/** All that is packed, as one. */
function packingOf(making: readonly MakingArtifact[]) {
  if (making.length === 0) return undefined;
  const bytes = making.reduce((sum, { packedBytes }) => sum + packedBytes, 0);
  const since = Math.min(...making.map((one) => one.since));
  if (making.some(({ estimate }) => estimate === undefined)) return { since, told: { bytes } };
  const guessed = making.reduce((sum, { estimate = 0 }) => sum + estimate, 0);
  // An estimate: more is there than there was to be, when it was too low.
  return { since, told: { bytes, bytesAll: Math.max(bytes, Math.round(guessed)) } };
}

function add(drones: Map<string, Row>, view: SwarmView, share: Share): void {
  const one = rowOf(view, share);
  const before = drones.get(share.drone);
  drones.set(share.drone, before ? joined(before, one) : one);
}

function rowOf(view: SwarmView, share: Share): Row {
  const { drone, connected, lags, report } = share;
  const state = stateOf(share);
  const isTaking = state === "taking" || state === "away";
  return {
    drone,
    state,
    bytes: bytesOfShare(view.bytes, share),
    bytesAll: view.bytes,
    bytesPerSecond: isTaking && connected ? report.receivedBytesPerSecond : 0,
    lags: isTaking && lags,
    ...(state === "failed" && report.reason !== undefined && { reason: report.reason }),
  };
}

function stateOf({ connected, report }: Share): Row["state"] {
  switch (report.state) {
    case "taking":
      return connected ? "taking" : "away";
    case "whole":
    case "used":
      return "done";
    case "gone":
      return report.pieces === report.piecesAll ? "done" : "failed";
    case "failed":
      return "failed";
    default:
      return report.state satisfies never;
  }
}

/** What it is still at counts; then what went wrong. */
const weight: Readonly<Record<Row["state"], number>> = { taking: 0, away: 1, failed: 2, done: 3 };

function joined(left: Row, right: Row): Row {
  const [state] = [left.state, right.state].toSorted((one, other) => weight[one] - weight[other]);
  const reason = left.reason ?? right.reason;
  return {
    drone: left.drone,
    state: state ?? left.state,
    bytes: left.bytes + right.bytes,
    bytesAll: left.bytesAll + right.bytesAll,
    bytesPerSecond: left.bytesPerSecond + right.bytesPerSecond,
    lags: left.lags || right.lags,
    ...(reason !== undefined && { reason }),
  };
}

type Sum = Omit<Distribution, "at" | "since" | "artifactBytes" | "hubSentBytes" | "line">;

/** Who gave up is none of the bytes that are still to come. */
function sumOf(rows: readonly Row[]): Sum {
  const going = rows.filter(({ state }) => state !== "failed");
  const sum = (of: (row: Row) => number) => going.reduce((all, row) => all + of(row), 0);
  const done = rows.filter(({ state }) => state === "done").length;
  const failed = rows.length - going.length;
  return {
    drones: rows.length,
    done,
    failed,
    lagging: rows.filter(({ lags }) => lags).length,
    bytes: sum(({ bytes }) => bytes),
    bytesAll: sum(({ bytesAll }) => bytesAll),
    bytesPerSecond: sum(({ bytesPerSecond }) => bytesPerSecond),
    over: done + failed === rows.length,
    rows: rows.toSorted(byNeed).slice(0, rowsMax),
  };
}

/** What needs a look first. */
function byNeed(left: Row, right: Row): number {
  return (
    urgency(left) - urgency(right) ||
    partOf(left) - partOf(right) ||
    byName(left.drone, right.drone)
  );
}

function urgency({ state, lags }: Row): number {
  if (state === "failed") return 0;
  if (state === "away") return 1;
  if (lags) return 2;
  return state === "taking" ? 3 : 4;
}

function partOf({ bytes, bytesAll }: Row): number {
  return bytesAll === 0 ? 1 : bytes / bytesAll;
}

function byName(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
