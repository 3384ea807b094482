/**
 * Instances as a tree, from repository down to process, with what is known of each in columns:
 *
 *     INSTANCE                          STATE  ADDRESS          VISITORS  RESTARTS  SINCE
 *     webapp
 *     └─ production, release 14 (74336bc)                           90 %
 *        └─ web
 *           ├─ web-1                    ready  10.0.0.1:15194                    0     2h
 *           └─ web-2                    ready  10.0.0.2:15194                    1     3m
 */
import {
  environmentDefault,
  formatAddress,
  shortCommit,
  type InstanceSummary,
} from "@propagit/protocol";
import { badColour, goodColour } from "./colour.js";
import { formatAge } from "./duration.js";
import { formatBytes, formatPercent } from "./quantity.js";
import { branches } from "./rollout-tree.js";
import { formatTable, type Column } from "./table.js";
import { plainText } from "./text-width.js";

export function formatInstanceTree(instances: readonly InstanceSummary[], now: number): string {
  const rows = treeRows(instances.toSorted(byPlace));
  const label: Column<TreeRow> = { head: "INSTANCE", cut: "late", cell: ({ label }) => label };
  const others = instanceColumns(now, instances).map(ofTreeRow);
  return formatTable([label, ...others], rows) + formatNotes(instances);
}

/** One line for each, with all that the tree says by its shape. */
export function formatInstanceList(instances: readonly InstanceSummary[], now: number): string {
  const columns: readonly Column<InstanceSummary>[] = [
    { head: "REPO", cell: ({ report }) => report.repo },
    { head: "ENVIRONMENT", cell: ({ report }) => report.environment ?? "-", leaveOut: 4 },
    { head: "RELEASE", alignRight: true, cell: ({ report }) => String(report.release ?? "-") },
    { head: "COMMIT", cell: ({ report }) => shortCommit(report.commit) },
    { head: "SERVICE", cell: serviceOf },
    { head: "DRONE", cell: ({ drone }) => drone },
    ...instanceColumns(now, instances),
    { head: "PROCESS", cell: ({ report }) => report.process, leaveOut: 1 },
  ];
  return formatTable(columns, instances.toSorted(byPlace)) + formatNotes(instances);
}

/** A line of the tree: of an instance, or of what instances have in common. */
interface TreeRow {
  readonly label: string;
  readonly instance?: InstanceSummary;
  /** Of a release: the share of its visitors, and what else it serves. */
  readonly visitors?: string;
}

/** What is told of an instance, beside its place. */
function instanceColumns(
  now: number,
  instances: readonly InstanceSummary[],
): readonly Column<InstanceSummary>[] {
  const hasUsage = instances.some(({ usage }) => usage);
  const hasHealth = instances.some(({ report }) => report.health);
  const usage: readonly Column<InstanceSummary>[] = [
    {
      head: "CPU",
      alignRight: true,
      leaveOut: 6,
      cell: ({ usage }) => (usage ? formatPercent(usage.cpuPercent) : "-"),
    },
    {
      head: "MEMORY",
      alignRight: true,
      leaveOut: 5,
      cell: ({ usage }) => (usage ? formatBytes(usage.memoryBytes) : "-"),
    },
  ];
  const health: Column<InstanceSummary> = {
    head: "HEALTH",
    leaveOut: 7,
    cell: ({ report }) => report.health ?? "-",
    colour: ({ report }, text) => (report.health === "failing" ? badColour(text) : text),
  };
  return [
    { head: "STATE", cell: stateOf, colour: colourState },
    { head: "ADDRESS", leaveOut: 1, cell: addressOf },
    ...(hasHealth ? [health] : []),
    {
      head: "VISITORS",
      alignRight: true,
      leaveOut: 2,
      cell: visitorsOf,
    },
    {
      head: "RESTARTS",
      alignRight: true,
      leaveOut: 4,
      cell: ({ report }) => String(report.restarts),
    },
    { head: "SINCE", alignRight: true, cell: ({ report }) => formatAge(now - report.since) },
    ...(hasUsage ? usage : []),
  ];
}

/** In the tree the visitors are told once for a release; its other lines have nothing to tell. */
function ofTreeRow({ cell, colour, ...column }: Column<InstanceSummary>): Column<TreeRow> {
  const isVisitors = column.head === "VISITORS";
  return {
    ...column,
    cell: ({ instance, visitors = "" }) => {
      if (isVisitors) return visitors;
      return instance ? cell(instance) : "";
    },
    ...(colour && {
      colour: ({ instance }: TreeRow, text: string) => (instance ? colour(instance, text) : text),
    }),
  };
}

/** Instances must be sorted by their place. */
function treeRows(instances: readonly InstanceSummary[]): TreeRow[] {
  return groups(instances, ({ report }) => report.repo).flatMap(([repo, ofRepo]) =>
    node({ label: repo }, groups(ofRepo, deploymentOf).map(releaseRows)),
  );
}

function releaseRows([, instances]: Group): TreeRow[] {
  const label = nameOfRelease(instances);
  const [first] = instances;
  const visitors = first ? visitorsOf(first) : "";
  const services = groups(instances.toSorted(byService), serviceOf).map(([service, ofService]) => {
    const isAlone = isOnePerDrone(ofService);
    const leaves = ofService.map((instance) => [{ label: nameOf(instance, isAlone), instance }]);
    return node({ label: service }, leaves);
  });
  return node({ label, visitors }, services);
}

/** `90 %`, `checkout=new`, `90 %, copy of 5 %`: a share of nothing is told only when there is nothing else. */
function visitorsOf({ sharePercent, serves = [] }: InstanceSummary): string {
  const share = sharePercent > 0 || serves.length === 0 ? [formatPercent(sharePercent)] : [];
  return [...share, ...serves].join(", ");
}

type Group = readonly [label: string, instances: readonly InstanceSummary[]];

function groups(
  instances: readonly InstanceSummary[],
  labelOf: (instance: InstanceSummary) => string,
): Group[] {
  const byLabel = new Map<string, InstanceSummary[]>();
  for (const instance of instances) {
    const label = labelOf(instance);
    const group = byLabel.get(label);
    if (group) group.push(instance);
    else byLabel.set(label, [instance]);
  }
  return [...byLabel];
}

/** A row with the rows of its children below it, their labels drawn as branches. */
function node(row: TreeRow, children: readonly (readonly TreeRow[])[]): TreeRow[] {
  const labels = branches(children.map((rows) => rows.map(({ label }) => label)));
  const below = children.flat().map((child, index) => ({ ...child, label: labels[index] ?? "" }));
  return [row, ...below];
}

/** Releases that share what runs are one: going back to a warm release starts nothing. */
function deploymentOf({ report }: InstanceSummary): string {
  const { environment, deployment, commit, release } = report;
  return [environment, deployment ?? `${commit} ${release}`].join(" ");
}

function nameOfRelease(instances: readonly InstanceSummary[]): string {
  const [first] = instances;
  const commit = shortCommit(first?.report.commit ?? "");
  const releases = instances.flatMap(({ report }) => report.release ?? []);
  if (releases.length === 0) return `commit ${commit}`;
  const environment = first?.report.environment ?? environmentDefault;
  return `${environment}, release ${releases.reduce((newest, one) => Math.max(newest, one))} (${commit})`;
}

/** What it is registered as; of its further ports (`web.admin`) nothing is said. */
function serviceOf({ report }: InstanceSummary): string {
  const names = report.services.filter(
    (name) => !report.services.some((other) => name.startsWith(`${other}.`)),
  );
  return names.join(",") || report.service;
}

function isOnePerDrone(instances: readonly InstanceSummary[]): boolean {
  return new Set(instances.map(({ drone }) => drone)).size === instances.length;
}

function nameOf({ drone, report }: InstanceSummary, isAlone: boolean): string {
  return isAlone ? drone : `${drone} #${report.slot ?? 1}`;
}

function stateOf({ report, away }: InstanceSummary): string {
  return away ? "away" : report.phase;
}

function colourState({ report, away }: InstanceSummary, text: string): string {
  return !away && report.phase === "ready" ? goodColour(text) : badColour(text);
}

function addressOf({ host, report }: InstanceSummary): string {
  return report.port === undefined ? "-" : formatAddress({ host, port: report.port });
}

/** Why instances are not as they should be. */
function formatNotes(instances: readonly InstanceSummary[]): string {
  return instances
    .filter(({ report }) => report.phase !== "ready" && report.reason !== undefined)
    .map(({ drone, report }) => {
      const which = `${drone} ${report.repo} ${shortCommit(report.commit)} ${report.service}`;
      return `  ${which}: ${plainText(report.reason ?? "")}\n`;
    })
    .join("");
}

/** Newest release first; drones by name, as people count them. */
function byPlace(left: InstanceSummary, right: InstanceSummary): number {
  const [one, other] = [left.report, right.report];
  return (
    collator.compare(one.repo, other.repo) ||
    collator.compare(one.environment ?? "", other.environment ?? "") ||
    (other.release ?? 0) - (one.release ?? 0) ||
    collator.compare(one.commit, other.commit) ||
    byService(left, right)
  );
}

function byService(left: InstanceSummary, right: InstanceSummary): number {
  return (
    collator.compare(left.report.service, right.report.service) ||
    collator.compare(left.drone, right.drone) ||
    (left.report.slot ?? 0) - (right.report.slot ?? 0)
  );
}

const collator = new Intl.Collator("en", { numeric: true });
