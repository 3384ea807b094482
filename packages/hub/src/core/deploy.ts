/**
 * A deploy, or its opposite, a stop: waits until every drone concerned has got there or will not.
 *
 *     running --observed | contact--> running      (each change tells a line of progress)
 *     running --nobody is pending---> finished
 *     running --late----------------> finished     (whoever is pending has failed)
 *     running --superseded----------> finished     (the opposite was asked for meanwhile)
 *
 * Every drone's part is in `verdict.ts`. Pure: events in, next state, lines and perhaps the end out. An
 * event that comes twice, late or about a stranger changes nothing.
 */
import type { DroneOutcome, DroneProgress, InstanceReport } from "@propagit/protocol";
import {
  failureKey,
  judge,
  type Contact,
  type Goal,
  type Lateness,
  type Participant,
  type Verdict,
} from "./verdict.js";

export type Step = "fetched" | "checked out" | "started";

export interface DeployState {
  readonly goal: Goal;
  readonly participants: readonly (Participant & {
    readonly verdict: Verdict;
    /** The last phase that was told of it. */
    readonly told: DroneProgress["phase"] | undefined;
  })[];
}

export type DeployEvent =
  | {
      readonly kind: "observed";
      readonly identity: string;
      readonly reports: readonly InstanceReport[];
      readonly step?: Step;
    }
  | {
      readonly kind: "contact";
      readonly identity: string;
      readonly contact: Contact;
      readonly reports: readonly InstanceReport[];
    }
  /** The time is up; the text says so. */
  | { readonly kind: "late"; readonly text: string }
  | { readonly kind: "superseded"; readonly text: string };

/** A line of progress, before it is given its time. */
type ProgressLine = Omit<DroneProgress, "at">;

export interface DeployEnd {
  readonly outcome: "ready" | "unchanged" | "failed" | "stopped";
  readonly drones: readonly DroneOutcome[];
}

export interface DeployStep {
  readonly state: DeployState;
  readonly lines: readonly ProgressLine[];
  readonly end: DeployEnd | undefined;
}

type Entry = DeployState["participants"][number];

export function startDeploy(goal: Goal, participants: readonly Participant[]): DeployStep {
  const entries = participants.map((participant): Entry => ({
    ...participant,
    verdict: { kind: "pending" },
    told: undefined,
  }));
  return advance({ goal, participants: entries }, () => ({}), undefined);
}

export function stepDeploy(state: DeployState, event: DeployEvent): DeployStep {
  switch (event.kind) {
    case "observed": {
      const { identity, reports, step } = event;
      return advance(state, (entry) => entry.identity === identity && { reports, step }, undefined);
    }
    case "contact": {
      const { identity, contact, reports } = event;
      return advance(
        state,
        (entry) => entry.identity === identity && { contact, reports },
        undefined,
      );
    }
    case "late":
    case "superseded":
      return advance(state, () => ({}), event.text);
    default:
      return event satisfies never;
  }
}

/** What of a drone's reports is known before a deploy begins. */
export function rememberFailures(reports: readonly InstanceReport[]): readonly string[] {
  return reports.filter(({ phase }) => phase === "failed").map(failureKey);
}

type Update = { readonly step?: Step | undefined } & Partial<
  Pick<Participant, "contact" | "reports">
>;

function advance(
  state: DeployState,
  updateOf: (entry: Entry) => Update | false,
  late: Lateness,
): DeployStep {
  const lines: ProgressLine[] = [];
  const participants = state.participants.map((entry) => {
    const update = updateOf(entry);
    return update ? advanceOne(state.goal, entry, update, late, lines) : entry;
  });
  const isOver = participants.every(({ verdict }) => verdict.kind !== "pending");
  const end = isOver ? finish(state.goal, participants) : undefined;
  return { state: { ...state, participants }, lines, end };
}

function advanceOne(
  goal: Goal,
  entry: Entry,
  { step, ...change }: Update,
  late: Lateness,
  lines: ProgressLine[],
): Entry {
  // What ran before and fell over is no longer unchanged when it is back.
  const isRunning = change.reports?.some(({ phase }) => phase === "ready") ?? true;
  const changed = { ...entry, ...change, ranBefore: entry.ranBefore && isRunning };
  const verdict = judge(goal, changed, late);
  const next = { ...changed, verdict };
  let { told } = entry;
  for (const line of linesOf(goal, next, step)) {
    if (line.phase !== told) lines.push(line);
    told = line.phase;
  }
  return { ...next, told };
}

function linesOf(goal: Goal, entry: Entry, step: Step | undefined): readonly ProgressLine[] {
  const { drone, verdict, reports } = entry;
  const lines: ProgressLine[] = [];
  if (step && goal === "deploy") lines.push({ drone, phase: step });
  if (goal === "stop" && reports.some(({ phase }) => phase === "stopping")) {
    lines.push({ drone, phase: "stopping" });
  }
  if (verdict.kind !== "pending") {
    const { kind, ...details } = verdict;
    lines.push({ drone, phase: kind, ...details });
  }
  return lines;
}

function finish(goal: Goal, entries: readonly Entry[]): DeployEnd {
  const drones = entries.map(({ drone, verdict }): DroneOutcome => {
    const { kind, ...details } = verdict;
    return { drone, outcome: kind === "pending" ? "failed" : kind, ...details };
  });
  const counts = (kind: Verdict["kind"]) =>
    entries.filter(({ verdict }) => verdict.kind === kind).length;
  if (counts("failed") > 0) return { outcome: "failed", drones };
  if (goal === "stop") return { outcome: "stopped", drones };
  if (counts("ready") > 0) return { outcome: "ready", drones };
  // Nobody is left who could have it ready: all of them ended on the way.
  return { outcome: counts("unchanged") > 0 ? "unchanged" : "failed", drones };
}
