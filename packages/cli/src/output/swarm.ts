/**
 * What `propagit swarm` shows of all artifacts: a line for each.
 *
 *     ARTIFACT      REPO    COMMIT   AGAINST  SIZE    AGE  HAVE IT  RATE       HUB SENT  BEHIND  FAILED  BANNED
 *     3f2a9c1e0b12  webapp  74336bc  40548da  34 MiB  3m   41/64    118 MiB/s  1.1 ×     2
 */
import {
  filesRepo,
  shortCommit,
  totalsOf,
  type SwarmTotals,
  type SwarmView,
} from "@propagit/protocol";
import { badColour, dimColour } from "./colour.js";
import { formatAge } from "./duration.js";
import { formatBytes, formatCount } from "./quantity.js";
import { formatTable, type Column } from "./table.js";

export interface SwarmOptions {
  /** In ms since 1970. */
  readonly now: number;
  readonly columns: number;
}

export function formatSwarm(views: readonly SwarmView[], { now, columns }: SwarmOptions): string {
  if (views.length === 0) return `${nothingYet}\n`;
  const rows = views.map((view) => ({ view, totals: totalsOf(view) }));
  const rate = rows.reduce((sum, { totals }) => sum + totals.bytesPerSecond, 0);
  const headline = `${formatCount(views.length, "artifact")}, ${formatBytes(rate)}/s`;
  return `${dimColour(headline)}\n\n${formatTable(tableColumns(now), rows, columns)}`;
}

/** Enough to name one. */
export const artifactChars = 12;

export const nothingYet =
  "no artifact is on its way, nor was one within the last hour: what is small, or wanted by one drone only, comes straight from the hub";

interface Row {
  readonly view: SwarmView;
  readonly totals: SwarmTotals;
}

function tableColumns(now: number): readonly Column<Row>[] {
  return [
    { head: "ARTIFACT", cell: ({ view }) => view.artifact.slice(0, artifactChars) },
    { head: "REPO", cell: ({ view }) => repoText(view), cut: "late" },
    { head: "COMMIT", cell: ({ view }) => shortCommit(view.commit) },
    {
      head: "AGAINST",
      cell: ({ view: { base } }) => (base === undefined ? "" : shortCommit(base)),
      leaveOut: 6,
    },
    { head: "SIZE", cell: ({ view }) => formatBytes(view.bytes), alignRight: true, leaveOut: 4 },
    {
      head: "AGE",
      cell: ({ view }) => formatAge(now - view.madeAt),
      alignRight: true,
      leaveOut: 7,
    },
    { head: "HAVE IT", cell: ({ totals }) => haveIt(totals), alignRight: true },
    {
      head: "RATE",
      cell: ({ totals }) => rateText(totals.bytesPerSecond),
      alignRight: true,
      leaveOut: 1,
    },
    { head: "HUB SENT", cell: sentText, alignRight: true, leaveOut: 1 },
    badColumn("BEHIND", ({ lagging }) => lagging, 2),
    badColumn("FAILED", ({ failed }) => failed, 3),
    badColumn("BANNED", ({ banned }) => banned, 5),
  ];
}

function badColumn(
  head: string,
  of: (totals: SwarmTotals) => number,
  leaveOut: number,
): Column<Row> {
  return {
    head,
    cell: ({ totals }) => (of(totals) === 0 ? "" : String(of(totals))),
    alignRight: true,
    leaveOut,
    colour: (_, padded) => badColour(padded),
  };
}

/** Files that were pushed to machines are of a repository that nobody sees. */
export function repoText({ repo }: Pick<SwarmView, "repo">): string {
  return repo === filesRepo ? "(files)" : repo;
}

/** Of those who take part still, relays too. */
export function haveIt({ done, taking }: SwarmTotals): string {
  return `${done}/${done + taking}`;
}

export function rateText(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? "" : `${formatBytes(bytesPerSecond)}/s`;
}

/** `1.1 ×`: how often the hub itself sent it. */
export function timesText({
  bytes,
  hubSentBytes,
}: Pick<SwarmView, "bytes" | "hubSentBytes">): string {
  return timesOf(hubSentBytes, bytes);
}

/** Nothing of one that was sent before the hub's present life: it does not know of that any more. */
function sentText({ view, totals }: Row): string {
  return view.hubSentBytes === 0 && totals.done > 0 ? "" : timesText(view);
}

export function timesOf(part: number, whole: number): string {
  return whole === 0 ? "" : `${(Math.round((part * 10) / whole) / 10).toFixed(1)} ×`;
}
