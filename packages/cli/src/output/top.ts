/**
 * What `top` shows: a line for each commit that has or should have visitors, in its environment, drawn anew
 * each second.
 *
 *     webapp                          RELEASE  WANTED  GETS    REQ/S  ERRORS  P50    P95    P99
 *       74336bc  ▂▃▅▆▇█▇▆             14       90 %    89.7 %  431    0.1 %   3 ms   12 ms  40 ms
 *       40548da     ▁▁▂▁              13       10 %    10.3 %  49     0 %     3 ms   11 ms  37 ms
 *       colour=red  …                                  50.1 %  240    …
 */
import {
  environmentDefault,
  shortCommit,
  type SightRow,
  type TrafficSight,
} from "@propagit/protocol";
import { badColour, dimColour, headColour } from "./colour.js";
import { formatCount, formatNumber } from "./quantity.js";
import { sparkline } from "./sparkline.js";
import { formatTable, type Column } from "./table.js";

const sparkColumns = 20;
/** Requests that fail, in percent, from which the number is red. */
const badPercent = 1;

export function formatTop(sight: TrafficSight, columns: number): string {
  const places = [...new Set(sight.rows.map(placeOf))].toSorted();
  const tables = places.map((place) => {
    const rows = sight.rows.filter((row) => placeOf(row) === place).toSorted(byShare);
    return `${headColour(place)}\n${formatTable(tableColumns, rows, columns)}`;
  });
  const body = tables.length > 0 ? tables.join("\n") : `${nothingYet(sight)}\n`;
  return `${dimColour(headline(sight))}\n\n${body}`;
}

function headline({ rows, proxies, reporting, windowMs }: TrafficSight): string {
  // Rows of experiments count requests that are in another row as well.
  const own = rows.filter(({ variant }) => !variant?.includes("="));
  const perSecond = own.reduce((sum, row) => sum + row.perSecond, 0);
  const silent = reporting < proxies ? `, ${proxies - reporting} of them silent` : "";
  return `${rateText(perSecond)} requests/s over ${formatCount(proxies, "proxy").replace("proxys", "proxies")}${silent}, of the last ${Math.round(windowMs / 1_000)} s`;
}

function nothingYet({ proxies }: TrafficSight): string {
  return proxies === 0
    ? "no proxy is there: start one with `propagit proxy --hub=HOST:PORT --port=8000`"
    : "no visitors, and nobody is to get any: send some with `propagit promote REPO COMMIT`";
}

const percent = (value: number | undefined) => (value === undefined ? "" : `${oneDigit(value)} %`);
const ms = (value: number | undefined) => (value === undefined ? "" : msText(value));

const tableColumns: readonly Column<SightRow>[] = [
  { head: "", cell: nameOf, cut: "late" },
  { head: "", cell: ({ recent }) => sparkline(recent, sparkColumns), leaveOut: 5 },
  { head: "RELEASE", cell: ({ release }) => String(release ?? ""), alignRight: true, leaveOut: 4 },
  { head: "WANTED", cell: (row) => percent(row.wantedPercent), alignRight: true },
  { head: "GETS", cell: (row) => percent(row.observedPercent), alignRight: true },
  { head: "REQ/S", cell: (row) => rateText(row.perSecond), alignRight: true },
  {
    head: "ERRORS",
    cell: (row) => percent(errorPercent(row)),
    alignRight: true,
    colour: (row, padded) => ((errorPercent(row) ?? 0) >= badPercent ? badColour(padded) : padded),
  },
  { head: "P50", cell: (row) => ms(row.p50Ms), alignRight: true, leaveOut: 2 },
  { head: "P95", cell: (row) => ms(row.p95Ms), alignRight: true, leaveOut: 1 },
  { head: "P99", cell: (row) => ms(row.p99Ms), alignRight: true, leaveOut: 3 },
  { head: "NOW", cell: ({ inFlight }) => String(inFlight), alignRight: true, leaveOut: 6 },
];

/** Undefined without any request. */
function errorPercent({ perSecond, failedPerSecond }: SightRow): number | undefined {
  return perSecond > 0 ? (failedPerSecond / perSecond) * 100 : undefined;
}

function nameOf({ commit, variant }: SightRow): string {
  return variant === undefined ? `  ${shortCommit(commit)}` : `  ${shortCommit(commit)} ${variant}`;
}

function placeOf({ repo, environment }: SightRow): string {
  return environment === environmentDefault ? repo : `${repo} in ${environment}`;
}

/** What visitors are meant to get first, the largest share on top; then those who asked for a commit. */
function byShare(left: SightRow, right: SightRow): number {
  const rank = ({ variant }: SightRow) => Number(variant !== undefined);
  const share = ({ wantedPercent = 0, observedPercent = 0 }: SightRow) =>
    wantedPercent * 1_000 + observedPercent;
  return (
    rank(left) - rank(right) || share(right) - share(left) || (keyOf(left) < keyOf(right) ? -1 : 1)
  );
}

function keyOf({ repo, environment, commit, deployment = "", variant = "" }: SightRow): string {
  return `${repo}/${environment}/${commit}/${deployment}/${variant}`;
}

/** `0.3`, `12`, `4,310`. */
function rateText(perSecond: number): string {
  if (perSecond > 0 && perSecond < 9.95) return oneDigit(perSecond);
  return formatNumber(Math.round(perSecond));
}

function msText(ms: number): string {
  if (ms >= 9_950) return `${Math.round(ms / 1_000)} s`;
  if (ms >= 995) return `${oneDigit(ms / 1_000)} s`;
  return ms >= 9.95 ? `${Math.round(ms)} ms` : `${oneDigit(ms)} ms`;
}

function oneDigit(value: number): string {
  return String(Math.round(value * 10) / 10);
}
