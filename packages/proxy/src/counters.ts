/**
 * Counts what became of requests, per commit and variant; in memory only.
 *
 *     begin -> in flight -> end: one row has it, and one more for each experiment that it was in
 *
 * The rows of one thread are counted in `Counters`, those of several put together by `MergedCounters`.
 * Whoever reports takes what changed since he last took it.
 */
import {
  countRowsMax,
  keyOfCount,
  LatencyHistogram,
  type EncodedHistogram,
  type TrafficCount,
} from "@propagit/protocol";

/** What a row is about. */
export type CountedAs = Pick<
  TrafficCount,
  "repo" | "environment" | "commit" | "deployment" | "variant"
>;

export interface CommitStats {
  readonly commit: string;
  /** Requests that are over, since this proxy started. */
  readonly requests: number;
  /** Those that were answered with 500 or more, broke off, or took too long. */
  readonly errors: number;
  readonly inFlight: number;
}

/** Why no endpoint answered as it should. */
export type GatewayFailure = "refused" | "cut" | "late";

/** How a request ended. */
export interface Outcome {
  /** As the visitor got it; 0 when he got none. */
  readonly status: number;
  readonly hasLeft: boolean;
  readonly failure: GatewayFailure | undefined;
  /** To the head of the endpoint's answer; undefined when none came. */
  readonly headMs: number | undefined;
  readonly retries: number;
}

/** Where counts come from. */
export interface CountSource {
  /** Rows that changed since this was last called. */
  takeChanged(): TrafficCount[];
  all(): TrafficCount[];
}

const serverError = 500;

export class CountRow {
  readonly of: CountedAs;
  readonly #statuses: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  readonly #failures = { refused: 0, cut: 0, late: 0 };
  readonly #latency = new LatencyHistogram();
  #requests = 0;
  #failed = 0;
  #left = 0;
  #retries = 0;
  inFlight = 0;
  /** Since the row was last taken. */
  hasChanged = true;
  /** Another one has taken its place: what is counted here is lost. */
  isForgotten = false;

  constructor(of: CountedAs) {
    this.of = of;
  }

  begin(): void {
    this.inFlight += 1;
    this.hasChanged = true;
  }

  /** An attempt that is not the last one. */
  moveOn(): void {
    this.inFlight -= 1;
    this.hasChanged = true;
  }

  end({ status, hasLeft, failure, headMs, retries }: Outcome): void {
    this.inFlight -= 1;
    this.#requests += 1;
    this.#retries += retries;
    this.hasChanged = true;
    const index = Math.floor(status / 100) - 1;
    const before = this.#statuses[index];
    if (before !== undefined) this.#statuses[index] = before + 1;
    if (headMs !== undefined) this.#latency.add(headMs);
    if (failure !== undefined) this.#failures[failure] += 1;
    if (hasLeft) this.#left += 1;
    else if (failure !== undefined || status >= serverError) this.#failed += 1;
  }

  encode(): TrafficCount {
    return {
      ...this.of,
      requests: this.#requests,
      statuses: [...this.#statuses],
      ...this.#failures,
      failed: this.#failed,
      left: this.#left,
      retries: this.#retries,
      inFlight: this.inFlight,
      latency: this.#latency.encode(),
    };
  }
}

export class Counters implements CountSource {
  /** By key, the oldest first. */
  readonly #rows = new Map<string, CountRow>();

  /** The row for something; to be kept by whoever counts much for it, and asked for again after a change. */
  rowOf(of: CountedAs): CountRow {
    const key = keyOfCount(of);
    const known = this.#rows.get(key);
    if (known) return known;
    if (this.#rows.size >= countRowsMax) this.#forgetOne();
    const row = new CountRow(of);
    this.#rows.set(key, row);
    return row;
  }

  takeChanged(): TrafficCount[] {
    const changed: TrafficCount[] = [];
    for (const row of this.#rows.values()) {
      if (!row.hasChanged) continue;
      row.hasChanged = false;
      changed.push(row.encode());
    }
    return changed;
  }

  all(): TrafficCount[] {
    return Array.from(this.#rows.values(), (row) => row.encode());
  }

  #forgetOne(): void {
    for (const [key, row] of this.#rows) {
      if (row.inFlight > 0) continue;
      row.isForgotten = true;
      this.#rows.delete(key);
      return;
    }
  }
}

/** Counts of several threads as those of one. A thread that has ended stays counted. */
export class MergedCounters implements CountSource {
  /** By key, then by source, what it said last. */
  readonly #rows = new Map<string, Map<string, TrafficCount>>();
  readonly #changed = new Set<string>();

  put(source: string, counts: readonly TrafficCount[]): void {
    for (const count of counts) {
      const key = keyOfCount(count);
      const sources = this.#rows.get(key) ?? this.#make(key);
      sources.set(source, count);
      this.#changed.add(key);
    }
  }

  /** The thread has ended: nothing of it is in flight any more. */
  end(source: string): void {
    for (const [key, sources] of this.#rows) {
      const last = sources.get(source);
      if (!last) continue;
      sources.delete(source);
      const kept = sources.get(endedSource);
      const ended = { ...last, inFlight: 0 };
      sources.set(endedSource, kept ? sumOf([kept, ended]) : ended);
      this.#changed.add(key);
    }
  }

  takeChanged(): TrafficCount[] {
    const changed = [...this.#changed].flatMap((key) => this.#sumAt(key));
    this.#changed.clear();
    return changed;
  }

  all(): TrafficCount[] {
    return [...this.#rows.keys()].flatMap((key) => this.#sumAt(key));
  }

  #sumAt(key: string): TrafficCount[] {
    const sources = this.#rows.get(key);
    return sources ? [sumOf([...sources.values()])] : [];
  }

  #make(key: string): Map<string, TrafficCount> {
    if (this.#rows.size >= countRowsMax) this.#forgetOne();
    const sources = new Map<string, TrafficCount>();
    this.#rows.set(key, sources);
    return sources;
  }

  #forgetOne(): void {
    for (const [key, sources] of this.#rows) {
      if ([...sources.values()].some(({ inFlight }) => inFlight > 0)) continue;
      this.#rows.delete(key);
      this.#changed.delete(key);
      return;
    }
  }
}

/** All threads that have ended, together. */
const endedSource = "ended";

function sumOf(counts: readonly TrafficCount[]): TrafficCount {
  const [first, ...others] = counts;
  if (!first) throw new RangeError("nothing to add");
  return others.reduce(add, first);
}

function add(left: TrafficCount, right: TrafficCount): TrafficCount {
  return {
    ...left,
    requests: left.requests + right.requests,
    statuses: left.statuses.map((count, index) => count + (right.statuses[index] ?? 0)),
    refused: left.refused + right.refused,
    cut: left.cut + right.cut,
    late: left.late + right.late,
    failed: left.failed + right.failed,
    left: left.left + right.left,
    retries: left.retries + right.retries,
    inFlight: left.inFlight + right.inFlight,
    latency: addLatencies(left.latency, right.latency),
  };
}

function addLatencies(left: EncodedHistogram, right: EncodedHistogram): EncodedHistogram {
  const sum = LatencyHistogram.decode(left);
  sum.addEncoded(right);
  return sum.encode();
}

/** Per commit, whichever route and deployment; requests in experiments count once. */
export function commitStatsOf(counts: readonly TrafficCount[]): readonly CommitStats[] {
  const commits = new Map<string, CommitStats>();
  for (const { commit, variant, requests, failed, inFlight } of counts) {
    if (variant?.includes("=")) continue;
    const known = commits.get(commit) ?? { commit, requests: 0, errors: 0, inFlight: 0 };
    commits.set(commit, {
      commit,
      requests: known.requests + requests,
      errors: known.errors + failed,
      inFlight: known.inFlight + inFlight,
    });
  }
  return [...commits.values()];
}
