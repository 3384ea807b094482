/**
 * What all proxies count, added up: rows of every proxy's reports, over its lives.
 *
 *     report of a life      3     7     9         (cumulative)
 *     added                 -    +4    +2         what a life says first may be of any time: it is the beginning
 *
 * Rates and judgements are made of what was added; a report that is lost or told twice does them no harm. Everything
 * is bounded: rows and proxies that said nothing for the longest time are forgotten first.
 */
import {
  keyOfCount,
  LatencyHistogram,
  type TrafficCount,
  type TrafficReport,
} from "@propagit/protocol";

/** Of all repositories, each with 60 slots of 1 KB when it is busy. A guess. */
const rowsMax = 2_000;
/** A guess. */
const proxiesMax = 1_000;
/** Within this after a life was first heard of, it may still be telling what was before; a guess. */
const firstTellingMs = 2_000;
const slotMs = 1_000;
const slotsMax = 60;

/** What was added since this hub began. */
export interface Flow {
  readonly requests: number;
  readonly failed: number;
  readonly latency: LatencyHistogram;
}

/** What was added in the last time. */
export interface WindowCounts extends Flow {
  /** Requests of each second, the last one last. */
  readonly recent: readonly number[];
}

/** Some rows over all proxies. */
export interface CountedGroup {
  readonly inFlight: number;
  readonly window: WindowCounts;
}

/** Which rows; absent: any. */
export interface RowFilter {
  readonly repo?: string;
  readonly environment?: string;
}

interface Slot {
  readonly second: number;
  requests: number;
  failed: number;
  readonly latency: LatencyHistogram;
}

interface Counted {
  readonly about: TrafficCount;
  readonly flow: Sums;
  slots: Slot[];
  at: number;
}

interface Life {
  readonly life: string;
  readonly since: number;
  readonly rows: Map<string, TrafficCount>;
  isAway: boolean;
  at: number;
}

export class TrafficCounts {
  readonly #rows = new Map<string, Counted>();
  readonly #lives = new Map<string, Life>();

  take({ proxy, life, counts }: TrafficReport, now: number): void {
    const known = this.#lives.get(proxy);
    const living = known?.life === life ? known : this.#begin(proxy, life, now);
    living.isAway = false;
    living.at = now;
    for (const count of counts) this.#count(living, count, now);
  }

  /** It cannot be reached: nobody knows what it has in flight; what it counted stays. */
  away(proxy: string): void {
    const living = this.#lives.get(proxy);
    if (living) living.isAway = true;
  }

  /** Proxies that told something, and when they did so last. */
  get proxies(): readonly {
    readonly proxy: string;
    readonly isAway: boolean;
    readonly at: number;
  }[] {
    return [...this.#lives].map(([proxy, { isAway, at }]) => ({ proxy, isAway, at }));
  }

  /** All that was added of the rows that fit. */
  flowOf(fits: (row: TrafficCount) => boolean): Flow {
    const sum = new Sums();
    for (const { about, flow } of this.#rows.values()) {
      if (fits(about)) sum.addSums(flow);
    }
    return sum;
  }

  /** What was added within the last seconds to rows that fit. */
  windowOf(fits: (row: TrafficCount) => boolean, seconds: number, now: number): WindowCounts {
    const window = new WindowSums(seconds, now);
    for (const { about, slots } of this.#rows.values()) {
      if (fits(about)) window.add(slots);
    }
    return window;
  }

  /** The same for groups of rows, by what `groupOf` calls them; rows that it does not name are in none. */
  groups(
    groupOf: (row: TrafficCount) => string | undefined,
    seconds: number,
    now: number,
  ): ReadonlyMap<string, CountedGroup> {
    const groups = new Map<string, { inFlight: number; readonly window: WindowSums }>();
    for (const [key, { about, slots }] of this.#rows) {
      const name = groupOf(about);
      if (name === undefined) continue;
      const group = groups.get(name) ?? { inFlight: 0, window: new WindowSums(seconds, now) };
      groups.set(name, group);
      group.inFlight += this.#inFlight(key);
      group.window.add(slots);
    }
    return groups;
  }

  #begin(proxy: string, life: string, now: number): Life {
    const living: Life = { life, since: now, rows: new Map(), isAway: false, at: now };
    this.#lives.delete(proxy);
    if (this.#lives.size >= proxiesMax) forgetOldest(this.#lives);
    this.#lives.set(proxy, living);
    return living;
  }

  #count(living: Life, count: TrafficCount, now: number): void {
    const key = keyOfCount(count);
    const known = living.rows.get(key);
    // A row that its proxy forgot begins anew; reports come in their order, so it is no former one.
    const before = known && known.requests <= count.requests ? known : undefined;
    living.rows.set(key, count);
    const row = this.#rowOf(key, count, now);
    row.at = now;
    if (known === undefined && now - living.since < firstTellingMs) return;
    row.flow.addDifference(count, before);
    const slot = slotAt(row, now);
    slot.requests += grown(count.requests, before?.requests);
    slot.failed += grown(count.failed, before?.failed);
    slot.latency.addAll(grownLatency(count, before));
  }

  #rowOf(key: string, about: TrafficCount, now: number): Counted {
    const known = this.#rows.get(key);
    if (known) return known;
    if (this.#rows.size >= rowsMax) {
      const oldest = forgetOldest(this.#rows);
      for (const { rows } of this.#lives.values()) rows.delete(oldest);
    }
    const row: Counted = { about, flow: new Sums(), slots: [], at: now };
    this.#rows.set(key, row);
    return row;
  }

  #inFlight(key: string): number {
    let inFlight = 0;
    for (const { rows, isAway } of this.#lives.values()) {
      if (!isAway) inFlight += rows.get(key)?.inFlight ?? 0;
    }
    return inFlight;
  }
}

/** Sums over reports. */
class Sums implements Flow {
  requests = 0;
  failed = 0;
  readonly latency = new LatencyHistogram();

  addSums({ requests, failed, latency }: Sums): void {
    this.requests += requests;
    this.failed += failed;
    this.latency.addAll(latency);
  }

  /** Never less than nothing. */
  addDifference(count: TrafficCount, before: TrafficCount | undefined): void {
    this.requests += grown(count.requests, before?.requests);
    this.failed += grown(count.failed, before?.failed);
    this.latency.addAll(grownLatency(count, before));
  }
}

/** Sums over slots. */
class WindowSums implements WindowCounts {
  requests = 0;
  failed = 0;
  readonly latency = new LatencyHistogram();
  readonly recent = Array.from({ length: slotsMax }, () => 0);
  readonly #second: number;
  readonly #from: number;

  constructor(seconds: number, now: number) {
    this.#second = secondOf(now);
    this.#from = this.#second - seconds;
  }

  add(slots: readonly Slot[]): void {
    for (const slot of slots) {
      const index = slotsMax - 1 - (this.#second - slot.second);
      if (index >= 0) this.recent[index] = (this.recent[index] ?? 0) + slot.requests;
      if (slot.second <= this.#from) continue;
      this.requests += slot.requests;
      this.failed += slot.failed;
      this.latency.addAll(slot.latency);
    }
  }
}

/** Of a group that has no rows. */
export function countedNothing(): CountedGroup {
  return { inFlight: 0, window: new WindowSums(0, 0) };
}

export function isOf(row: TrafficCount, { repo, environment }: RowFilter): boolean {
  return (
    (repo === undefined || row.repo === repo) &&
    (environment === undefined || row.environment === environment)
  );
}

function grown(now: number, before = 0): number {
  return Math.max(0, now - before);
}

function grownLatency(
  { latency }: TrafficCount,
  before: TrafficCount | undefined,
): LatencyHistogram {
  const now = LatencyHistogram.decode(latency);
  return before ? now.since(LatencyHistogram.decode(before.latency)) : now;
}

function secondOf(now: number): number {
  return Math.floor(now / slotMs);
}

/** The slot of this second; those that are too old go. */
function slotAt(row: Counted, now: number): Slot {
  const second = secondOf(now);
  const last = row.slots.at(-1);
  if (last?.second === second) return last;
  const slot: Slot = { second, requests: 0, failed: 0, latency: new LatencyHistogram() };
  row.slots = [...row.slots.filter((one) => one.second > second - slotsMax), slot];
  return slot;
}

/** The one that was heard of longest ago. */
function forgetOldest(entries: Map<string, { readonly at: number }>): string {
  let oldest = "";
  let oldestAt = Infinity;
  for (const [key, { at }] of entries) {
    if (at < oldestAt) [oldest, oldestAt] = [key, at];
  }
  entries.delete(oldest);
  return oldest;
}
