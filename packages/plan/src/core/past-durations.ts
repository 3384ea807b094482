/**
 * How long tasks took in past runs: each from its beginning to its end, so that nothing is counted that a stage waited
 * for, be it a delay, a gate or somebody's approval.
 */
import type { Plan } from "../plan.js";
import type { RunEvent } from "../run-event.js";
import { Run } from "./run.js";
import { hostOf } from "./task-place.js";

export interface PastRun {
  readonly plan: Plan;
  readonly events: readonly RunEvent[];
}

/** On average; of a command on one host, and, without `host`, of a command anywhere. */
export interface PastDuration {
  readonly command: string;
  readonly host?: string;
  readonly ms: number;
}

export function pastDurations(runs: readonly PastRun[]): readonly PastDuration[] {
  const sums = new Map<string, Sum>();
  for (const run of runs) addRun(sums, run);
  return [...sums.values()].map(({ ms, count, ...what }) => ({
    ...what,
    ms: Math.round(ms / count),
  }));
}

interface Sum {
  readonly command: string;
  readonly host?: string;
  ms: number;
  count: number;
}

function addRun(sums: Map<string, Sum>, { plan, events }: PastRun): void {
  const run = new Run(plan, events);
  const began = new Map<string, number>();
  for (const event of events) {
    if (event.kind === "task-begun") began.set(event.task, event.at);
    if (event.kind !== "task-ended" || event.outcome !== "done") continue;
    const from = began.get(event.task);
    if (from === undefined) continue;
    const { command, where } = run.task(event.task);
    const ms = Math.max(0, event.at - from);
    add(sums, { command }, ms);
    add(sums, { command, host: hostOf(where) }, ms);
  }
}

function add(sums: Map<string, Sum>, what: Pick<Sum, "command" | "host">, ms: number): void {
  const key = `${what.command} ${what.host ?? ""}`;
  const sum = sums.get(key) ?? { ...what, ms: 0, count: 0 };
  sum.ms += ms;
  sum.count += 1;
  sums.set(key, sum);
}
