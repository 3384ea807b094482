/**
 * The plan of a push of files: every drone that is meant, side by side. Who cannot be reached is no reason to
 * leave out the others, so each may fail, and is counted.
 */
import { PropagitError, type FilesOutcome } from "@propagit/protocol";
import { chooseDrones } from "../drone-target.js";
import type { FilesChange } from "../files-ends.js";
import { partOf, revisionsOf } from "./basis.js";
import { plannedAs, type Planned, type Travel } from "./planned.js";
import type { PlannerDrone, PlannerView } from "./planner-view.js";

/** Drones that are sent files at the same time; they swap pieces, so more of them is no slower. A guess. */
const pushesAtOnce = 64;
const nameBegins = "files push ";
const pathChars = 150;

/** What was found out beforehand; nothing of it for a push that is asked for directly. */
export interface FilesFound {
  /** What drones say that would change, each by its name. */
  readonly outcomes: readonly FilesOutcome[];
  /** What one drone took the last time; absent: nobody knows. */
  readonly pastMs?: number;
}

/** @throws NO_PLACE, BAD_PATTERN; NO_DRONE when no drone has joined */
export function planFiles(
  { rows, drones, now }: PlannerView,
  change: FilesChange,
  found: FilesFound = { outcomes: [] },
): Planned {
  const meant = chooseDrones(change.target, drones);
  if (meant.length === 0) throw new PropagitError("NO_DRONE", "no drone has joined");
  const so = new Set(found.outcomes.filter(isSo).map(({ drone }) => drone));
  const lacking = meant.filter(({ name }) => !so.has(name));
  const { manifest: _, ...request } = change;
  const basis = {
    revisions: revisionsOf(rows, [partOf.drones, partOf.files(change.path)]),
    at: now,
  };
  const travel = travelOf(found.outcomes);
  return plannedAs(
    { name: nameOf(change.path, meant.length), basis, request, stages: stagesOf(change, lacking) },
    {
      skipped: [...so].map((what) => ({ what, why: "it has them already" })),
      ...(travel && { travel }),
      durations: new Map(found.pastMs === undefined ? [] : [["put-files", found.pastMs]]),
      warnings: warningsOf(lacking, found.outcomes),
    },
  );
}

/** Whether a plan may be one of files, by its name; its request says for sure. */
export function isNamedAsFiles(name: string): boolean {
  return name.startsWith(nameBegins);
}

/** With which the names of all pushes there begin. */
export function beginsOfPath(path: string): string {
  const line = path.replaceAll(/[\s\p{Cc}]+/gu, " ").slice(0, pathChars);
  // Cut at a whole character.
  return `${nameBegins}${line.replace(/[\ud800-\udbff]$/, "")} to `;
}

function nameOf(path: string, drones: number): string {
  return `${beginsOfPath(path)}${drones} ${drones === 1 ? "drone" : "drones"}`;
}

function stagesOf({ commit, path, replace, force }: FilesChange, drones: readonly PlannerDrone[]) {
  if (drones.length === 0) return [];
  const how = { commit, path, ...(replace && { replace }), ...(force && { force }) };
  return [
    {
      name: "push",
      concurrency: pushesAtOnce,
      maxFailures: drones.length,
      onFailure: "continue" as const,
      tasks: drones.map(({ name: drone }) => ({ command: "put-files", drone, ...how })),
    },
  ];
}

function isSo({ outcome, changes }: FilesOutcome): boolean {
  if (outcome !== "done" || !changes) return false;
  return changes.added + changes.changed + changes.removed === 0;
}

/** What the drone writes that writes most. */
function travelOf(outcomes: readonly FilesOutcome[]): Travel | undefined {
  const written = outcomes.map(({ changes }) => changes?.bytes ?? 0).filter((bytes) => bytes > 0);
  if (written.length === 0) return undefined;
  return { bytes: written.reduce((most, one) => Math.max(most, one)), drones: written.length };
}

function warningsOf(
  drones: readonly PlannerDrone[],
  outcomes: readonly FilesOutcome[],
): readonly string[] {
  const away = drones.filter(({ contact }) => contact !== "connected");
  const refused = outcomes.filter(({ outcome }) => outcome === "refused" || outcome === "failed");
  return [
    ...away.map(({ name }) => `drone ${name} is away, and gets nothing unless it is back by then`),
    ...refused.map(({ drone, outcome, reason = "it did not say why" }) => {
      return outcome === "refused"
        ? `drone ${drone} refuses it: ${reason}`
        : `drone ${drone}: ${reason}`;
    }),
  ];
}
