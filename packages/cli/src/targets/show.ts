/**
 * Targets as people look at them: who gets something when, and what is handed on.
 *
 *     all  4 drones, the last after 1h30m
 *        dc1-head  at once
 *        dc2-head  after 1h   hands on all:
 *           web-1  after 1h
 *           web-2  after 1h30m
 */
import { aimsOf, dronesOf, type Aim, type ReadTargets } from "@propagit/plan";
import { toPropagitError, type PropagitError } from "@propagit/protocol";
import { formatDuration } from "@propagit/shapes";
import { dimColour, headColour } from "../output/colour.js";
import { padTo } from "../output/text-width.js";
import { formatCount } from "../output/quantity.js";
import { selectFrom, type KnownDrone } from "./select.js";

export interface ShownTarget {
  readonly target: string;
  readonly aims: readonly Aim[];
  /** What is wrong with it, now. */
  readonly problem?: PropagitError;
}

/** What names mean now; of one that means nothing, why. */
export function lookAtTargets(
  targets: ReadTargets,
  drones: readonly KnownDrone[],
  names: readonly string[],
): readonly ShownTarget[] {
  const world = { ...targets, select: selectFrom(drones) };
  return names.map((target) => {
    try {
      return { target, aims: aimsOf(world, target) };
    } catch (thrown) {
      const problem = toPropagitError(thrown);
      if (problem.code !== "BAD_TARGET") throw thrown;
      return { target, aims: [], problem };
    }
  });
}

export function targetText({ target, aims }: ShownTarget): string {
  const all = dronesOf(aims).length;
  const count = formatCount(all, "drone");
  const last = lastOf(aims, 0);
  const head = `${headColour(target)}  ${count}${all > 1 ? `, the last ${timeWords(last)}` : ""}\n`;
  return head + aimsText(aims, { beganMs: 0, indent: "   " });
}

interface Level {
  /** When what is handed on begins, from the beginning of everything. */
  readonly beganMs: number;
  readonly indent: string;
}

function aimsText(aims: readonly Aim[], { beganMs, indent }: Level): string {
  const width = Math.max(0, ...aims.map(({ drone }) => drone.length));
  return aims
    .map(({ drone, afterMs, forward }) => {
      const at = beganMs + afterMs;
      const line = `${indent}${padTo(drone, width)}  ${timeWords(at)}`;
      if (!forward) return `${line}\n`;
      const below = aimsText(forward.aims, { beganMs: at, indent: `${indent}   ` });
      return `${line}  ${dimColour(`hands on ${forward.target}:`)}\n${below}`;
    })
    .join("");
}

function lastOf(aims: readonly Aim[], beganMs: number): number {
  const times = aims.map(({ afterMs, forward }) =>
    Math.max(beganMs + afterMs, lastOf(forward?.aims ?? [], beganMs + afterMs)),
  );
  return Math.max(0, ...times);
}

function timeWords(ms: number): string {
  return ms === 0 ? "at once" : `after ${formatDuration(ms)}`;
}
