/**
 * What a plan will do, announced by the machine that carries it out. How long tasks take is known from past runs,
 * here or by the hub; where nothing is, each counts as one step, and no duration is told.
 */
import {
  announce,
  hostOf,
  pastDurations,
  readPlan,
  toolBox,
  type Announcement,
  type Journal,
  type PastDuration,
  type PastRun,
  type Plan,
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
      const part = partOfTask(task);
      if (part) {
        const handedOn = forecast(part, durations, at);
        isTimed &&= handedOn.isTimed;
        const { from, until } = handedOn.announcement;
        return { ms: until - from };
      }
      const known = durations.get(keyOf(task)) ?? durations.get(task.command);
      if (known === undefined) isTimed = false;
      return { ms: known ?? stepMs };
    },
  });
  return { announcement, isTimed };
}

/** What a relay is to carry out by itself. */
export function partOfTask({ command, args, id }: Task): Plan | undefined {
  if (command !== "delegate") return undefined;
  return readPlan({ maker: `task ${id}`, value: args["plan"] }, toolBox);
}

/** Of past runs of plans of that name on this machine. */
export async function pastHere(journal: Journal, { name }: Plan): Promise<Durations> {
  const heads = (await journal.list()).filter(({ summary }) => summary?.name === name);
  const past: PastRun[] = [];
  for (const { run } of heads.slice(0, runsMax)) {
    const one = await journal.read(run).catch(() => undefined);
    if (one) past.push(one);
  }
  return durationsFrom(pastDurations(past));
}

export function durationsFrom(past: readonly PastDuration[]): Durations {
  return new Map(
    past.map(({ command, host, ms }) => [host === undefined ? command : `${command} ${host}`, ms]),
  );
}

function keyOf(task: Task): string {
  return `${task.command} ${hostOf(task.where)}`;
}
