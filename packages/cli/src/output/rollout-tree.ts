/**
 * A rollout as a tree, drawn anew in place while it goes on:
 *
 *     webapp 74336bc, release 14
 *     ├─ ✓ building    12 s  on web-1
 *     └─ ⠋ starting   2.2 s  2 of 3 drones ready
 *        ├─ web-1  ready on port 15194
 *        ├─ web-2  ready on port 15194
 *        └─ web-3  checked out
 *
 * While the commit travels, the bar of all drones is above them; see `distribution.ts`. Of more drones than fit, those are shown that need a look: failed, away, then the slowest.
 */
import { shortCommit, type DroneProgress } from "@propagit/protocol";
import { badColour, dimColour, goodColour, headColour } from "./colour.js";
import { formatDistribution, formatEnd as formatDistributionEnd } from "./distribution.js";
import { formatDuration } from "./duration.js";
import { describeProgress } from "./progress.js";
import { formatCount } from "./quantity.js";
import type { PhaseRecord, RolloutRecord } from "./rollout-record.js";
import { inEnvironment } from "./route.js";
import { padTo, plainText, widthOf } from "./text-width.js";

export interface TreeOptions {
  /** In the hub's time, in ms since 1970. */
  readonly now: number;
  readonly rows: number;
  /** That a line may take; default 80. Only what can be said in less words keeps to it. */
  readonly columns?: number;
  /** While the commit travels, a line for each drone. */
  readonly isPerDrone?: boolean;
  /** It has ended: nothing turns any more, and what failed is marked as failed. */
  readonly ended?: "well" | "badly";
}

/** Lines without line ends, not cut to any width. */
export function formatTree(record: RolloutRecord, options: TreeOptions): string[] {
  const head = formatHead(record);
  const room = Math.max(1, options.rows - record.phases.length - 1);
  const travel = formatTravel(record, options, room);
  const lines = formatDrones([...record.drones.values()], Math.max(1, room - travel.length));
  const drones = [...travel, ...lines];
  // Drones take part in `starting`; without that (nothing was started) in whatever came last.
  const owner = record.phases.find(({ phase }) => phase === "starting") ?? record.phases.at(-1);
  if (!owner) return [head, ...branches(drones.map((line) => [line]))];
  const nodes = record.phases.map((phase) => {
    const line = formatPhase(phase, record, options);
    return phase === owner ? [line, ...branches(drones.map((drone) => [drone]))] : [line];
  });
  return [head, ...branches(nodes)];
}

function formatHead({ accepted }: RolloutRecord): string {
  if (!accepted) return dimColour("asking the hub …");
  const { repo, commit, environment, release } = accepted;
  return headColour(
    `${repo} ${shortCommit(commit)}${inEnvironment(environment)}, release ${release}`,
  );
}

const columnsDefault = 80;
/** Of the branches of the tree. */
const indent = 6;
/** Lines for single drones beside those that they have in the tree. */
const travelRowsMax = 40;

function formatTravel(
  { distribution }: RolloutRecord,
  { columns = columnsDefault, isPerDrone = false, ended }: TreeOptions,
  room: number,
): readonly string[] {
  if (!distribution) return [];
  if (ended) return formatDistributionEnd(distribution);
  const rows = Math.max(1, Math.min(travelRowsMax, room - 1));
  return formatDistribution(distribution, { columns: columns - indent, rows, isPerDrone });
}

/** Width of the longest name of a phase. */
const phaseWidth = 9;
const durationWidth = 8;

function formatPhase(phase: PhaseRecord, record: RolloutRecord, options: TreeOptions): string {
  const tookMs = Math.max(0, (phase.endedAt ?? options.now) - phase.at);
  const took = formatDuration(tookMs).padStart(durationWidth);
  // Whom it waited for is of no interest any more when it waits no more.
  const isPast = phase.phase === "queued" && phase.endedAt !== undefined;
  const text = [isPast ? "" : plainText(phase.text), ...countReady(phase, record)].filter(
    (one) => one !== "",
  );
  const line = `${icon(phase, record, options)} ${padTo(phase.phase, phaseWidth)} ${took}`;
  return text.length === 0 ? line : `${line}  ${text.join(", ")}`;
}

function countReady({ phase }: PhaseRecord, { drones }: RolloutRecord): string[] {
  if (phase !== "starting" || drones.size < 2) return [];
  return [`${[...drones.values()].filter(isReady).length} of ${drones.size} drones ready`];
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const frameMs = 100;

function icon(phase: PhaseRecord, record: RolloutRecord, { now, ended }: TreeOptions): string {
  const isWork = record.phases.findLast(({ phase }) => phase !== "undoing") === phase;
  const isUndone = record.phases.at(-1)?.phase === "undoing";
  if (isWork && (isUndone || ended === "badly")) return badColour("✗");
  if (ended !== undefined || phase !== record.phases.at(-1)) return goodColour("✓");
  return frames[Math.floor(Math.max(0, now) / frameMs) % frames.length] ?? frames[0];
}

/** A line for each drone, or for those that matter below a line that counts all. */
function formatDrones(drones: readonly DroneProgress[], room: number): string[] {
  const isFolded = drones.length > room;
  const shown = isFolded ? drones.toSorted(byUrgency).slice(0, Math.max(0, room - 2)) : drones;
  const sorted = shown.toSorted(isFolded ? byUrgency : byName);
  const nameWidth = Math.max(0, ...sorted.map(({ drone }) => widthOf(drone)));
  const lines = sorted.map((one) => `${padTo(one.drone, nameWidth)}  ${describeProgress(one)}`);
  if (!isFolded) return lines;
  const more = dimColour(`and ${formatCount(drones.length - sorted.length, "more drone")}`);
  return [countPhases(drones), ...lines, more];
}

/** `3 failed, 12 started, 1180 ready` */
export function countPhases(drones: readonly DroneProgress[]): string {
  const counts = new Map<DroneProgress["phase"], number>();
  for (const { phase } of drones) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const sorted = [...counts].sort(([left], [right]) => urgency[left] - urgency[right]);
  return sorted.map(([phase, count]) => `${count} ${phase}`).join(", ");
}

const urgency: Readonly<Record<DroneProgress["phase"], number>> = {
  failed: 0,
  away: 1,
  fetched: 2,
  "checked out": 3,
  started: 4,
  stopping: 5,
  stopped: 6,
  unchanged: 7,
  ready: 8,
};

/** What needs a look first; among equals the one that has been there for longest. */
function byUrgency(left: DroneProgress, right: DroneProgress): number {
  return urgency[left.phase] - urgency[right.phase] || left.at - right.at || byName(left, right);
}

function byName(left: DroneProgress, right: DroneProgress): number {
  return left.drone.localeCompare(right.drone, "en", { numeric: true });
}

function isReady({ phase }: DroneProgress): boolean {
  return phase === "ready" || phase === "unchanged";
}

/** Draws the lines to each node; the lines of a node are its own and those below it. */
export function branches(nodes: readonly (readonly string[])[]): string[] {
  return nodes.flatMap((lines, index) => {
    const isLast = index === nodes.length - 1;
    return lines.map((line, depth) => {
      if (depth === 0) return `${isLast ? "└─" : "├─"} ${line}`;
      return `${isLast ? "  " : "│ "} ${line}`;
    });
  });
}
