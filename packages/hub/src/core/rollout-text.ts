/** A release on its way, in words and lines. */
import type { DroneProgress, RolloutProgress, RolloutResult } from "@propagit/protocol";
import type { Step } from "./contact.js";
import { nameOfTask } from "./rollout-tasks.js";
import { nameOfRelease } from "./rollout-edits.js";
import type { ReleaseRow, RolloutRow } from "./rows.js";
import type { Standing } from "./rollout-start.js";

/** Below that a release was queued for as long as it takes to write it down. */
const waitedMsMin = 1_000;

/** A line of progress, before it is given its time. */
export type DroneLine = Omit<DroneProgress, "at">;

/** What it does now. */
export function phaseText(
  row: Pick<RolloutRow, "phase" | "task" | "failure">,
  nameOf: (identity: string) => string,
): string {
  const where = row.task?.identity === undefined ? "" : ` on ${nameOf(row.task.identity)}`;
  switch (row.phase) {
    case "queued":
      return "waits for its turn";
    case "building":
    case "testing":
      return `${row.phase}${where}`;
    case "releasing":
      return `running ${nameOfTask("release")}${where}`;
    case "starting":
      return "starting";
    case "promoting":
      return "waits until every proxy sees it";
    case "undoing":
      return `putting back what was begun: ${row.failure?.reason ?? ""}`;
    default:
      return row.phase satisfies never;
  }
}

/** For whoever waits behind it: `release 12 of webapp (ann, for 40 s) is building on web-2`. */
export function holderText(
  row: RolloutRow,
  release: ReleaseRow,
  now: number,
  nameOf: (identity: string) => string,
): string {
  const seconds = Math.round((now - row.acceptedAt) / 1_000);
  const { commit: _, ...unnamed } = release;
  return `${nameOfRelease(unnamed)} (${release.by}, for ${seconds} s) is ${phaseText(row, nameOf)}`;
}

/** A release that is long over, as far as its row tells: when each phase began, and how its drones were. */
export function pastParts(
  row: ReleaseRow,
  { promoted, drones }: Pick<RolloutResult, "promoted" | "drones">,
): readonly RolloutProgress[] {
  const { repo, environment, number: release, commit, endedAt, reason = "" } = row;
  const failure: RolloutRow["failure"] = { state: "failed", reason, drones: [] };
  let at = row.at;
  const parts: RolloutProgress[] = [{ kind: "accepted", at, repo, environment, release, commit }];
  let standings: readonly RolloutProgress[] = drones.map(({ outcome: phase, ...drone }) => {
    return { kind: "drone", at: endedAt ?? at, phase, ...drone };
  });
  for (const { phase, tookMs } of row.phases) {
    // Proxies are asked for what is ready.
    if (phase === "promoting") {
      parts.push(...standings);
      standings = [];
    }
    const text = phaseText({ phase, failure }, (identity) => identity).slice(0, 2_000);
    // Every release is queued, but only one that waits is told so.
    if (phase !== "queued" || tookMs >= waitedMsMin) parts.push({ kind: "phase", at, phase, text });
    at += tookMs;
  }
  at = endedAt ?? at;
  parts.push(...standings);
  if (promoted) parts.push({ kind: "phase", at, phase: "promoting", text: promotedText });
  return parts;
}

export const promotedText = "visitors are sent to it";

/** The lines that are new in how the drones stand; `told` remembers them. */
export function newLines(
  standings: readonly Standing[],
  told: Map<string, string>,
): readonly DroneLine[] {
  return standings.flatMap((standing) => {
    const line = lineOf(standing);
    if (!line) return [];
    const { drone, phase, ready, wanted } = line;
    const text = `${phase} ${ready ?? ""}/${wanted ?? ""}`;
    if (told.get(drone) === text) return [];
    told.set(drone, text);
    return [line];
  });
}

/** A step of an instance, as its drone tells it; undefined when it was told last. */
export function stepLine(
  drone: string,
  step: Step,
  told: Map<string, string>,
): DroneLine | undefined {
  if (told.get(drone) === step) return undefined;
  told.set(drone, step);
  return { drone, phase: step };
}

function lineOf({ drone, verdict }: Standing): DroneLine | undefined {
  switch (verdict.kind) {
    case "pending": {
      const { ready, wanted } = verdict;
      return ready > 0 ? { drone, phase: "started", ready, wanted } : undefined;
    }
    case "ready":
    case "unchanged": {
      const { kind, ready, wanted, port } = verdict;
      const many = wanted > 1 ? { ready, wanted } : {};
      return { drone, phase: kind, ...many, ...(port !== undefined && { port }) };
    }
    case "failed":
    case "away": {
      const { kind, ...why } = verdict;
      return { drone, phase: kind, ...why };
    }
    default:
      return verdict satisfies never;
  }
}
