/**
 * What a plan will do, announced by the machine that carries it out. How long tasks take is known from past runs
 * here; where nothing is, each counts as one step, and no duration is told.
 */
import {
  announce,
  hostOf,
  Run,
  type Announcement,
  type Journal,
  type Plan,
  type RunEvent,
  type Task,
} from "@propagit/plan";

export interface Forecast {
  readonly announcement: Announcement;
  /** Of all tasks is known how long they took. */
  readonly isTimed: boolean;
}

/** Runs that are looked at, the newest ones of the same name. */
const runsMax = 5;
const stepMs = 1_000;

export type Durations = ReadonlyMap<string, number>;

export function forecast(plan: Plan, durations: Durations, at: number): Forecast {
  let isTimed = durations.size > 0;
  const announcement = announce(plan, {
    at,
    expect: (task) => {
      const known = durations.get(keyOf(task)) ?? durations.get(task.command);
      if (known === undefined) isTimed = false;
      return { ms: known ?? stepMs };
    },
  });
  return { announcement, isTimed };
}

/** How long tasks took on average: of a command on a host, and of a command anywhere. */
export async function pastDurations(journal: Journal, plan: Plan): Promise<Durations> {
  const sums = new Map<string, { ms: number; count: number }>();
  const heads = (await journal.list()).filter(({ summary }) => summary?.name === plan.name);
  for (const { run } of heads.slice(0, runsMax)) {
    const past = await journal.read(run).catch(() => undefined);
    if (past) addRun(sums, new Run(past.plan, past.events), past.events);
  }
  return new Map([...sums].map(([key, { ms, count }]) => [key, Math.round(ms / count)]));
}

function addRun(
  sums: Map<string, { ms: number; count: number }>,
  run: Run,
  events: readonly RunEvent[],
): void {
  const began = new Map<string, number>();
  for (const event of events) {
    if (event.kind === "task-begun") began.set(event.task, event.at);
    if (event.kind !== "task-ended" || event.outcome !== "done") continue;
    const from = began.get(event.task);
    if (from === undefined) continue;
    const task = run.task(event.task);
    for (const key of [keyOf(task), task.command]) {
      const sum = sums.get(key) ?? { ms: 0, count: 0 };
      sums.set(key, { ms: sum.ms + event.at - from, count: sum.count + 1 });
    }
  }
}

function keyOf(task: Task): string {
  return `${task.command} ${hostOf(task.where)}`;
}
