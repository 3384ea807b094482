/**
 * What a log says of the bytes of a release: little, and less the longer it takes.
 *
 *     packing 34 MiB: 12 % in 2 s
 *     34 MiB for each of 64 drones: 42 % in 3 s, 118 MiB/s, 5 s left, 12 have it
 *     34 MiB for each of 64 drones: 88 % in 6 s, …; behind: web-7 (12 %)
 *     64 drones have it: 34 MiB each in 7.1 s, 306 MiB/s; the hub sent 1.1 × its size
 */
import { formatBytes, type Distribution } from "@propagit/protocol";

/** Until the first line, and between two of them: each time half as long again. */
const lineMsFirst = 2_000;
const lineMsMax = 30_000;
const growth = 1.5;
/** Names in a line. */
const namesMax = 5;

export class DistributionLines {
  readonly #packing = new Pace();
  readonly #travel = new Pace();
  #isOver = false;

  /** Undefined while none is due. Who was said to be done may be joined by others: then it goes on. */
  next(distribution: Distribution): string | undefined {
    const tookMs = distribution.at - distribution.since;
    if (distribution.drones === 0) {
      const { packing } = distribution;
      return packing && this.#packing.isDue(tookMs) ? packingLine(packing, tookMs) : undefined;
    }
    if (distribution.over) {
      if (this.#isOver) return undefined;
      this.#isOver = true;
      return endLine(distribution);
    }
    this.#isOver = false;
    return this.#travel.isDue(tookMs) ? progressLine(distribution) : undefined;
  }
}

class Pace {
  #dueMs = lineMsFirst;
  #pauseMs = lineMsFirst;

  isDue(tookMs: number): boolean {
    if (tookMs < this.#dueMs) return false;
    this.#pauseMs = Math.min(lineMsMax, this.#pauseMs * growth);
    this.#dueMs = tookMs + this.#pauseMs;
    return true;
  }
}

function packingLine(
  { bytes, bytesAll }: NonNullable<Distribution["packing"]>,
  tookMs: number,
): string {
  const far =
    bytesAll === undefined
      ? `: ${formatBytes(bytes)}`
      : ` ${formatBytes(bytesAll)}: ${percent(bytes, bytesAll)}`;
  return `packing${far} in ${seconds(tookMs)}`;
}

function progressLine(distribution: Distribution): string {
  const { drones, done, artifactBytes, bytes, bytesAll, bytesPerSecond, at, since } = distribution;
  const leftMs = leftMsOf(distribution);
  const left = leftMs === undefined ? "" : `, ${seconds(leftMs)} left`;
  const behind = distribution.rows.filter(({ lags, state }) => lags || state === "away");
  const named = behind.slice(0, namesMax);
  const names = named.map((row) => `${row.drone} (${percent(row.bytes, row.bytesAll)})`);
  const more = distribution.lagging - named.filter(({ lags }) => lags).length;
  const others = more > 0 ? ` and ${more} more` : "";
  const late = names.length > 0 ? `; behind: ${names.join(", ")}${others}` : "";
  return `${formatBytes(artifactBytes)} ${forDrones(drones)}: ${percent(bytes, bytesAll)} in ${seconds(at - since)}, ${formatBytes(bytesPerSecond)}/s${left}, ${done} ${done === 1 ? "has" : "have"} it${late}`;
}

function endLine(distribution: Distribution): string {
  const { done, failed, artifactBytes, bytesAll, hubSentBytes, at, since } = distribution;
  const tookMs = Math.max(1, at - since);
  const rate = `${formatBytes((bytesAll * 1_000) / tookMs)}/s`;
  const each = done === 1 ? "" : " each";
  const times = (artifactBytes === 0 ? 0 : hubSentBytes / artifactBytes).toFixed(1);
  const gaveUp = distribution.rows.filter(({ state }) => state === "failed");
  const [first] = gaveUp;
  const why = first?.reason === undefined ? "" : ` (${first.drone}: ${first.reason.slice(0, 200)})`;
  const others =
    failed === 0 ? "" : `; ${drones(failed)} ${failed === 1 ? "goes" : "go"} on with git${why}`;
  return `${drones(done)} ${done === 1 ? "has" : "have"} it: ${formatBytes(artifactBytes)}${each} in ${seconds(tookMs)}, ${rate}; the hub sent ${times} × its size${others}`;
}

/** Until the last one has it, when nothing comes between; undefined when nobody can say. */
function leftMsOf({
  bytes,
  bytesAll,
  bytesPerSecond,
}: Pick<Distribution, "bytes" | "bytesAll" | "bytesPerSecond">): number | undefined {
  if (bytesPerSecond === 0) return undefined;
  return (Math.max(0, bytesAll - bytes) / bytesPerSecond) * 1_000;
}

function drones(count: number): string {
  return `${count} drone${count === 1 ? "" : "s"}`;
}

function forDrones(count: number): string {
  return count === 1 ? "for 1 drone" : `for each of ${count} drones`;
}

/** 100 only when nothing is missing. */
function percent(bytes: number, bytesAll: number): string {
  return `${bytesAll === 0 ? 100 : Math.floor((bytes * 100) / bytesAll)} %`;
}

function seconds(ms: number): string {
  const tenths = Math.round(ms / 100);
  return tenths < 100 ? `${(tenths / 10).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}
