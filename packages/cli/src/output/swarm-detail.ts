/**
 * What `propagit swarm` shows of one artifact: how far all are, what crosses into each zone, every drone, who
 * gives to whom, and who is not believed any more.
 */
import { bytesOfShare, shortCommit, totalsOf, type SwarmView } from "@propagit/protocol";
import { formatBar, wholePercent } from "./bar.js";
import { badColour, dimColour, headColour } from "./colour.js";
import { formatAge } from "./duration.js";
import { formatBytes, formatCount, formatNames } from "./quantity.js";
import {
  artifactChars,
  haveIt,
  rateText,
  repoText,
  timesOf,
  timesText,
  type SwarmOptions,
} from "./swarm.js";
import { flowsOf, rateOf, zonesOf, type Flow, type ZoneSight } from "./swarm-flows.js";
import { formatTable, type Column } from "./table.js";
import { plainText } from "./text-width.js";

export interface SwarmDetailOptions extends SwarmOptions {
  /** Of the tables of drones and of lines, each; of more those that matter most. */
  readonly rowsMax: number;
}

type Share = SwarmView["shares"][number];

export function formatSwarmDetail(view: SwarmView, options: SwarmDetailOptions): string {
  const flows = flowsOf(view);
  const parts = [
    formatHead(view, options),
    formatZones(view, zonesOf(view, flows), options.columns),
    formatDrones(view, options),
    formatFlows(flows, options),
    formatBanned(view),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

const barColumns = 30;

function formatHead(view: SwarmView, { now, columns }: SwarmDetailOptions): string {
  const { commit, base, artifact, bytes, pieceBytes, madeAt, hubSentBytes } = view;
  const totals = totalsOf(view);
  const against = base === undefined ? "" : `, thin against ${shortCommit(base)}`;
  const pieces = formatCount(Math.ceil(bytes / Math.max(1, pieceBytes)), "piece");
  const sent =
    hubSentBytes === 0
      ? "the hub sent nothing of it since it started"
      : `the hub sent ${formatBytes(hubSentBytes)}: ${timesText(view)} its size`;
  const rate = rateText(totals.bytesPerSecond);
  const words = [
    `${wholePercent(totals.bytes, totals.bytesAll)} %`,
    ...(rate === "" ? [] : [rate]),
    `${haveIt(totals)} have it`,
  ].join("  ");
  const bar = formatBar(
    totals.bytes,
    totals.bytesAll,
    Math.min(barColumns, Math.max(4, columns - words.length - 2)),
  );
  const lines = [
    headColour(
      `${repoText(view)} ${shortCommit(commit)}${against}, artifact ${artifact.slice(0, artifactChars)}`,
    ),
    `${formatBytes(bytes)} in ${pieces} of ${formatBytes(pieceBytes)}, made ${formatAge(now - madeAt)} ago; ${sent}`,
    `${bar}  ${words}`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function formatZones(view: SwarmView, zones: readonly ZoneSight[], columns: number): string {
  if (zones.length === 0) return "";
  const table: readonly Column<ZoneSight>[] = [
    { head: "ZONE", cell: ({ zone }) => zone ?? "(none)" },
    { head: "HAVE IT", cell: ({ done, drones }) => `${done}/${drones}`, alignRight: true },
    {
      head: "RATE",
      cell: ({ bytesPerSecond }) => rateText(bytesPerSecond),
      alignRight: true,
      leaveOut: 2,
    },
    {
      head: "CAME IN",
      cell: ({ enteredBytes }) =>
        `${formatBytes(enteredBytes)}, ${timesOf(enteredBytes, view.bytes)}`,
      alignRight: true,
    },
    { head: "RELAYS", cell: ({ relays }) => formatNames(relays, 3), cut: "late", leaveOut: 1 },
  ];
  return formatTable(table, zones, columns);
}

function formatDrones(view: SwarmView, { columns, rowsMax }: SwarmDetailOptions): string {
  const { shares } = view;
  const isFolded = shares.length > rowsMax;
  const shown = isFolded
    ? shares.toSorted((left, right) => byNeed(view, left, right)).slice(0, rowsMax)
    : shares.toSorted(byDrone);
  const table = formatTable(droneColumns(view), shown, columns);
  return isFolded ? table + more(shares.length - shown.length, "drone") : table;
}

function droneColumns(view: SwarmView): readonly Column<Share>[] {
  const has = (share: Share) => `${wholePercent(bytesOfShare(view.bytes, share), view.bytes)} %`;
  return [
    { head: "DRONE", cell: ({ drone }) => drone, cut: "late" },
    { head: "ZONE", cell: ({ zone = "" }) => zone, leaveOut: 2 },
    { head: "STATE", cell: stateText },
    { head: "HAS", cell: has, alignRight: true },
    { head: "RATE", cell: (share) => rateText(rateOf(share)), alignRight: true, leaveOut: 1 },
    {
      head: "GOT",
      cell: ({ report }) => formatBytes(report.receivedBytes),
      alignRight: true,
      leaveOut: 3,
    },
    {
      head: "GAVE",
      cell: ({ report }) => formatBytes(report.sentBytes),
      alignRight: true,
      leaveOut: 4,
    },
    { head: "MOST FROM", cell: mostFrom, cut: "early", leaveOut: 5 },
    { head: "", cell: noteOf, cut: "early", colour: (_, padded) => badColour(padded) },
  ];
}

function stateText({ role, report: { state } }: Share): string {
  const words = {
    taking: "taking",
    whole: "has all",
    used: "done",
    failed: "failed",
    gone: "gone",
  } as const;
  return role === "relay" ? `relay, ${words[state]}` : words[state];
}

function mostFrom({ report: { lines = [] } }: Share): string {
  return lines
    .filter(({ receivedBytes }) => receivedBytes > 0)
    .toSorted((left, right) => right.receivedBytes - left.receivedBytes)
    .slice(0, 2)
    .map(({ peer, receivedBytes }) => `${peer} ${formatBytes(receivedBytes)}`)
    .join(", ");
}

function noteOf({ connected, lags, report }: Share): string {
  const { wastedBytes, lacksPeers, reason } = report;
  return [
    ...(connected ? [] : ["away"]),
    ...(lags ? ["behind"] : []),
    ...(lacksPeers && report.state === "taking" ? ["lacks peers"] : []),
    ...(wastedBytes > 0 ? [`${formatBytes(wastedBytes)} wasted`] : []),
    ...(reason === undefined ? [] : [plainText(reason)]),
  ].join(", ");
}

function formatFlows(flows: readonly Flow[], { columns, rowsMax }: SwarmDetailOptions): string {
  if (flows.length === 0) return "";
  const shown = flows.slice(0, rowsMax);
  const table: readonly Column<Flow>[] = [
    { head: "FROM", cell: ({ from }) => from, cut: "late" },
    { head: "TO", cell: ({ to }) => to, cut: "late" },
    { head: "BYTES", cell: ({ bytes }) => formatBytes(bytes), alignRight: true },
  ];
  const text = formatTable(table, shown, columns);
  return flows.length > shown.length ? text + more(flows.length - shown.length, "line") : text;
}

function more(count: number, noun: string): string {
  return `${dimColour(`and ${formatCount(count, `more ${noun}`)}; --all shows all`)}\n`;
}

/** Peers that may be named; who sends bad pieces is a rare thing. */
const bannedMax = 20;

function formatBanned({ shares }: SwarmView): string {
  const bans = new Map<string, { readonly by: string[]; readonly reason: string }>();
  for (const { drone, report } of shares) {
    for (const { peer, reason } of report.banned ?? []) {
      const ban = bans.get(peer) ?? { by: [], reason };
      ban.by.push(drone);
      bans.set(peer, ban);
    }
  }
  const lines = [...bans].slice(0, bannedMax).map(([peer, { by, reason }]) => {
    return badColour(`${peer} is banned by ${formatNames(by, 3)}: ${plainText(reason)}`);
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** What needs a look first: failed, away, behind, then the least complete. */
function byNeed(view: SwarmView, left: Share, right: Share): number {
  const bytes = (share: Share) => bytesOfShare(view.bytes, share);
  return urgency(left) - urgency(right) || bytes(left) - bytes(right) || byDrone(left, right);
}

function urgency({ connected, lags, report: { state } }: Share): number {
  if (state === "failed") return 0;
  if (state === "taking") return connected ? (lags ? 2 : 3) : 1;
  return state === "gone" ? 5 : 4;
}

/** Made once: to make it for each of thousands of names takes seconds. */
const names = new Intl.Collator("en", { numeric: true });

function byDrone(left: Share, right: Share): number {
  return names.compare(left.drone, right.drone);
}
