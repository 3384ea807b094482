/** On which drones a command is run, and inside which instances. */
import { PropagitError, type InstanceReport } from "@propagit/protocol";
import type { Contact } from "./contact.js";

export interface RunCandidate {
  readonly identity: string;
  readonly name: string;
  readonly contact: Contact;
  readonly draining: boolean;
  /** By process. */
  readonly instances: ReadonlyMap<string, InstanceReport>;
}

export interface RunQuestion {
  /** Those that fit what was asked for, in order of their names. */
  readonly drones: readonly RunCandidate[];
  /** Whether drones were named at all; otherwise it is about those that run the deployment. */
  readonly isNarrow: boolean;
  readonly deployment: string;
  readonly service?: string | undefined;
  readonly inside: boolean;
  readonly one: boolean;
}

export interface ChosenRun {
  readonly identity: string;
  readonly drone: string;
  /** The instance it is run inside of. */
  readonly process?: string;
}

export interface RunChoice {
  readonly runs: readonly ChosenRun[];
  /** Drones that fit and cannot run it now. */
  readonly failed: readonly { readonly drone: string; readonly reason: string }[];
}

/** @throws NO_INSTANCE, NO_PLACE */
export function chooseRuns(question: RunQuestion): RunChoice {
  const { inside, one, drones, isNarrow } = question;
  const running = drones.filter((drone) => reportsOf(question, drone).length > 0);
  if (inside && running.length === 0) {
    const what = question.service === undefined ? "instance" : `instance of ${question.service}`;
    throw new PropagitError("NO_INSTANCE", `no ${what} of that release runs there`);
  }
  const pool = inside || (!isNarrow && running.length > 0) ? running : drones;
  const there = pool.filter(({ contact }) => contact === "connected");
  const away = pool.filter(({ contact }) => contact !== "connected");
  if (there.length === 0) {
    const names = away.slice(0, 5).map(({ name }) => name);
    const why = names.length === 0 ? "none has joined" : `${names.join(", ")} is away`;
    throw new PropagitError("NO_PLACE", `no drone that fits is connected: ${why}`);
  }
  const chosen = one ? [best(question, there)] : there;
  return {
    runs: chosen.map((drone) => runOn(question, drone)),
    failed: one ? [] : away.map(({ name }) => ({ drone: name, reason: "it is away" })),
  };
}

/** Where it is on disk already, then where least runs. */
function best(question: RunQuestion, drones: readonly RunCandidate[]): RunCandidate {
  const cost = (drone: RunCandidate) => [
    Number(reportsOf(question, drone).length === 0),
    Number(drone.draining),
    drone.instances.size,
  ];
  const [first, ...others] = drones;
  if (!first) throw new PropagitError("NO_PLACE", "no drone that fits is connected");
  return others.reduce((least, drone) => (isLess(cost(drone), cost(least)) ? drone : least), first);
}

function isLess(left: readonly number[], right: readonly number[]): boolean {
  const at = left.findIndex((one, index) => one !== right[index]);
  return at >= 0 && (left[at] ?? 0) < (right[at] ?? 0);
}

function runOn(question: RunQuestion, drone: RunCandidate): ChosenRun {
  const { identity, name } = drone;
  if (!question.inside) return { identity, drone: name };
  const [report] = reportsOf(question, drone);
  return { identity, drone: name, ...(report && { process: report.process }) };
}

/** Instances that could be meant: those that are ready first, then by slot. */
function reportsOf(
  { deployment, service, inside }: RunQuestion,
  { instances }: RunCandidate,
): readonly InstanceReport[] {
  return [...instances.values()]
    .filter((report) => report.deployment === deployment)
    .filter((report) => service === undefined || report.service === service)
    .filter(({ phase }) => (inside ? isRunning(phase) : phase !== "stopped"))
    .sort(
      (left, right) =>
        Number(right.phase === "ready") - Number(left.phase === "ready") ||
        (left.slot ?? 0) - (right.slot ?? 0),
    );
}

function isRunning(phase: InstanceReport["phase"]): boolean {
  return phase === "ready" || phase === "starting";
}
