/**
 * How the bytes of a release travel to its drones: one bar for all of them, who is behind by name, and, when that
 * is asked for, a line for each drone.
 *
 *     ███████████████████░░░░░░░░░░░  62 %  118 MiB/s  3.1 s left  41 of 64 drones have it
 *     behind: web-7 12 % at 40 KiB/s, web-9 3 % and away
 *
 * Before that, while the hub makes the pack:
 *
 *     ███░░░░░░░░░░░░░░░░░░░░░░░░░░░  12 %  packing 34 MiB
 */
import type { Distribution, DistributionRow } from "@propagit/protocol";
import { formatBar, wholePercent } from "./bar.js";
import { badColour, dimColour } from "./colour.js";
import { formatDuration } from "./duration.js";
import { formatBytes, formatCount } from "./quantity.js";
import { padTo, plainText, widthOf } from "./text-width.js";

export interface DistributionOptions {
  /** That a line may take. */
  readonly columns: number;
  /** Lines that it may take. */
  readonly rows: number;
  /** A line for each drone that has not all of it yet. */
  readonly isPerDrone: boolean;
}

/** While it goes on, not wider than `columns`; when it is over, a line that says what came of it. */
export function formatDistribution(
  distribution: Distribution,
  options: DistributionOptions,
): string[] {
  if (distribution.over) return [...formatEnd(distribution)];
  if (distribution.drones === 0) return formatPacking(distribution, options.columns);
  const head = formatWhole(distribution, options.columns);
  const behind = formatBehind(distribution, options.columns);
  if (!options.isPerDrone) return [head, ...behind].slice(0, options.rows);
  return [head, ...formatRows(distribution, options)].slice(0, options.rows);
}

/** What stays of it: `34 MiB reached 64 drones in 3.2 s, 680 MiB/s; the hub sent 1.1 × its size`. */
export function formatEnd(distribution: Distribution): readonly string[] {
  const { drones, done, artifactBytes, bytes, hubSentBytes, at, since } = distribution;
  if (drones === 0) return [];
  const tookMs = Math.max(1, at - since);
  const who = done < drones ? `${done} of ${drones} drones` : formatCount(drones, "drone");
  const times = (artifactBytes === 0 ? 0 : hubSentBytes / artifactBytes).toFixed(1);
  const rate = formatBytes((bytes * 1_000) / tookMs);
  const text = `${formatBytes(artifactBytes)} reached ${who} in ${formatDuration(tookMs)}, ${rate}/s; the hub sent ${times} × its size`;
  const gaveUp = distribution.rows.filter(({ state }) => state === "failed");
  return [
    dimColour(text),
    ...gaveUp.map(({ drone, reason }) => `${drone} goes on with git${because(reason)}`),
  ];
}

const barColumnsMin = 10;
const barColumnsMax = 40;
const gap = "  ";

/** The bar takes what the words leave; words go, the least needed first, before it is too short. */
function formatWhole(distribution: Distribution, columns: number): string {
  const { bytes, bytesAll, bytesPerSecond, drones, done } = distribution;
  const percent = `${String(wholePercent(bytes, bytesAll)).padStart(3)} %`;
  const rate = `${formatBytes(bytesPerSecond)}/s`;
  const left = leftText(distribution);
  const many = `${done} of ${formatCount(drones, "drone")} have it`;
  const few = `${done}/${drones}`;
  const choices = [
    [percent, rate, left, many],
    [percent, rate, left, few],
    [percent, rate, few],
    [percent, few],
    [percent],
  ].map((words) => words.filter((word) => word !== "").join(gap));
  const room = (words: string) => columns - widthOf(words) - gap.length;
  const words = choices.find((each) => room(each) >= barColumnsMin) ?? percent;
  const width = Math.min(barColumnsMax, room(words));
  return width < 1 ? words : `${formatBar(bytes, bytesAll, width)}${gap}${words}`;
}

/** What it is being made of; a bar when it is known how far that is. */
function formatPacking({ packing }: Distribution, columns: number): string[] {
  if (!packing) return [];
  const { bytes, bytesAll } = packing;
  if (bytesAll === undefined) return [`packing, ${formatBytes(bytes)} so far`];
  const what = `packing ${formatBytes(bytesAll)}`;
  const words = `${String(wholePercent(bytes, bytesAll)).padStart(3)} %${gap}${what}`;
  const width = Math.min(barColumnsMax, columns - widthOf(words) - gap.length);
  if (width < 1) return [what];
  return [`${formatBar(bytes, bytesAll, width)}${gap}${words}`];
}

const longestLeftMs = 24 * 3_600_000;

/** When nothing comes between. */
function leftText({ bytes, bytesAll, bytesPerSecond }: Distribution): string {
  if (bytesPerSecond === 0) return "";
  const leftMs = (Math.max(0, bytesAll - bytes) / bytesPerSecond) * 1_000;
  return leftMs > longestLeftMs ? "" : `${formatDuration(leftMs)} left`;
}

/** As many names as fit, and how many there are beside them. */
function formatBehind({ rows, lagging, failed }: Distribution, columns: number): string[] {
  const named = rows.filter(({ lags, state }) => lags || state === "away" || state === "failed");
  if (named.length === 0) return [];
  const all = Math.max(named.length, lagging + failed);
  let line = `behind: ${describeRow(named[0] as DistributionRow)}`;
  let count = 1;
  for (const row of named.slice(1)) {
    const longer = `${line}, ${describeRow(row)}`;
    const rest = all - count - 1;
    if (widthOf(longer) + (rest > 0 ? moreText(rest).length : 0) > columns) break;
    line = longer;
    count += 1;
  }
  return [badColour(all > count ? line + moreText(all - count) : line)];
}

const moreText = (count: number) => ` and ${count} more`;

function describeRow(row: DistributionRow): string {
  const percent = `${wholePercent(row.bytes, row.bytesAll)} %`;
  switch (row.state) {
    case "failed":
      return `${row.drone} goes on with git`;
    case "away":
      return `${row.drone} ${percent} and away`;
    case "done":
    case "taking":
      return `${row.drone} ${percent} at ${formatBytes(row.bytesPerSecond)}/s`;
    default:
      return row.state satisfies never;
  }
}

const rowBarColumns = 16;

/** Those that are not done; of more than there is room for the first ones, which need a look most. */
function formatRows(
  { rows, drones, done }: Distribution,
  { columns, rows: linesMax }: DistributionOptions,
): string[] {
  const going = rows.filter(({ state }) => state !== "done");
  const room = linesMax - 1;
  const isFolded = drones - done > Math.min(room, going.length);
  const shown = isFolded ? going.slice(0, Math.max(0, room - 1)) : going.toSorted(byName);
  const nameWidth = Math.max(0, ...shown.map(({ drone }) => widthOf(drone)));
  const barColumns = Math.min(rowBarColumns, Math.max(0, columns - nameWidth - 29));
  const lines = shown.map((row) => formatRow(row, nameWidth, barColumns));
  const more = drones - done - shown.length;
  return isFolded ? [...lines, dimColour(`and ${formatCount(more, "more drone")}`)] : lines;
}

function formatRow(row: DistributionRow, nameWidth: number, barColumns: number): string {
  const name = padTo(row.drone, nameWidth);
  if (row.state === "failed") {
    return `${name}${gap}${badColour(`goes on with git${because(row.reason)}`)}`;
  }
  const percent = `${String(wholePercent(row.bytes, row.bytesAll)).padStart(3)} %`;
  const rate = `${formatBytes(row.bytesPerSecond)}/s`.padStart(10);
  const bar = barColumns < 4 ? "" : `${formatBar(row.bytes, row.bytesAll, barColumns)}${gap}`;
  const how = row.state === "away" ? "away" : row.lags ? "behind" : "";
  const note = how === "" ? "" : `${gap}${badColour(how)}`;
  return `${name}${gap}${bar}${percent}${gap}${rate}${note}`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${plainText(reason)}`;
}

function byName(left: DistributionRow, right: DistributionRow): number {
  return left.drone.localeCompare(right.drone, "en", { numeric: true });
}
