/**
 * How the drones stand that have a part in a task: those that need a look first, and how many there are beside them.
 *
 *     web-3: failed after 12 s: exit code 1
 *       | Error: no such table
 *     web-1: healthy after 2.1 s
 *     … and 9,958 more: 9,958 healthy
 */
import type { DroneSeen, DronesSeen } from "@propagit/plan";
import { formatDuration } from "./duration.js";
import { formatNumber } from "./quantity.js";

export interface DroneText {
  readonly text: string;
  readonly isBad: boolean;
  /** What it said last. */
  readonly lines: readonly string[];
}

/** @param isOver the task has ended: who was on his way came to nothing in it */
export function droneTexts({ counts, drones }: DronesSeen, isOver: boolean): readonly DroneText[] {
  const texts = drones.map((one) => ({
    text: droneText(one, isOver),
    isBad: one.state === "failed",
    lines: one.lastLines ?? [],
  }));
  const more = moreText(counts, drones);
  return more === undefined ? texts : [...texts, { text: more, isBad: false, lines: [] }];
}

/** For a log. */
export function droneLines(seen: DronesSeen): readonly string[] {
  return droneTexts(seen, true).flatMap(({ text, lines }) => [
    text,
    ...lines.map((line) => `  | ${line}`),
  ]);
}

function droneText({ drone, state, tookMs, reason }: DroneSeen, isOver: boolean): string {
  const word = isOver && state === "starting" ? "was still starting" : state;
  const took = tookMs === undefined ? "" : ` after ${formatDuration(tookMs)}`;
  return `${drone}: ${word}${took}${reason === undefined ? "" : `: ${reason}`}`;
}

function moreText(counts: DronesSeen["counts"], drones: DronesSeen["drones"]): string | undefined {
  const left = Object.entries(counts)
    .map(([state, count]) => ({
      state,
      count: count - drones.filter((one) => one.state === state).length,
    }))
    .filter(({ count }) => count > 0);
  if (left.length === 0) return undefined;
  const all = left.reduce((sum, { count }) => sum + count, 0);
  const words = left.map(({ state, count }) => `${formatNumber(count)} ${state}`).join(", ");
  return `… and ${formatNumber(all)} more: ${words}`;
}
