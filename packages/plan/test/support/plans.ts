/** Plans for tests: small ones by hand, and such as nobody would think of by chance. */
import type { Random } from "@propagit/runtime";
import { randomBetween } from "@propagit/runtime";
import type { Gate, OnFailure, Plan, Stage, Task, TaskPlace } from "../../src/plan.js";

export type TaskWish = Partial<Omit<Task, "id" | "where">> & { readonly on?: string };
export type StageWish = Partial<Omit<Stage, "lines">> & {
  readonly lines: readonly (readonly TaskWish[])[];
};

export function makePlan(stages: readonly StageWish[], more: Partial<Plan> = {}): Plan {
  return { name: "a plan", stages: stages.map((stage, at) => makeStage(stage, at + 1)), ...more };
}

function makeStage({ lines, ...wish }: StageWish, number: number): Stage {
  const concurrency = wish.concurrency ?? 1;
  return {
    name: `stage ${number}`,
    concurrency,
    concurrencyPerHost: concurrency,
    gates: [],
    maxFailures: 0,
    onFailure: "stop",
    ...wish,
    lines: lines.map((line, at) => {
      return line.map((task, step) => makeTask(task, `${number}.${at + 1}.${step + 1}`));
    }),
  };
}

export function makeTask({ on, ...wish }: TaskWish, id: string): Task {
  return {
    id,
    command: "test",
    where: placeOf(on),
    args: {},
    timeoutMs: 60_000,
    retryDelaysMs: [],
    continueOnFail: false,
    once: false,
    ...wish,
  };
}

/** A stage of lines with one task each, on `hosts` drones in turn. */
export function wideStage(lines: number, hosts: number, wish: Partial<Stage> = {}): StageWish {
  return {
    concurrency: lines,
    ...wish,
    lines: Array.from({ length: lines }, (_, at) => [{ on: `d${at % hosts}` }]),
  };
}

export interface ChanceOptions {
  /** Default: all that a plan may say. */
  readonly calm?: boolean;
}

export function planByChance(random: Random, { calm = false }: ChanceOptions = {}): Plan {
  const pick = <T>(values: readonly T[]) =>
    values[randomBetween(random, 0, values.length - 1)] as T;
  const chance = (percent: number) => random.fraction() * 100 < percent;
  const task = (): TaskWish => ({
    on: pick(["engine", "d1", "d2", "d3", "d4"]),
    timeoutMs: pick([500, 5_000, 60_000]),
    ...(calm ? { timeoutMs: 60_000 } : {}),
    retryDelaysMs: pick([[], [], [1_000], [1_000, 8_000]]),
    continueOnFail: chance(20),
    once: chance(30),
    ...(chance(40) ? { undo: [undoTask(pick(["d1", "d2"]))] } : {}),
  });
  const stage = (): StageWish => ({
    concurrency: randomBetween(random, 1, 5),
    concurrencyPerHost: randomBetween(random, 1, 3),
    maxFailures: pick([0, 0, 1, 2]),
    onFailure: pick<OnFailure>(["stop", "rollback", "continue"]),
    ...(chance(25) ? { after: { ms: 5_000, from: pick(["plan", "stage"] as const) } } : {}),
    gates: chance(25) ? [pick<Gate>(calm ? [window] : [window, probe])] : [],
    lines: Array.from({ length: randomBetween(random, 0, 5) }, () => {
      const [first = {}, ...others] = Array.from({ length: randomBetween(random, 1, 3) }, task);
      return [{ ...first, ...(chance(15) ? { afterMs: pick([1_000, 4_000]) } : {}) }, ...others];
    }),
  });
  return makePlan(Array.from({ length: randomBetween(random, 1, 3) }, stage));
}

export const window: Gate = {
  kind: "window",
  window: { days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 12 * 60, timeZone: "UTC" },
};

export const probe: Gate = {
  kind: "http",
  url: "http://127.0.0.1/up",
  status: [200],
  everyMs: 1_000,
  timeoutMs: 20_000,
};

function undoTask(on: string): Omit<Task, "id" | "undo"> {
  const { id: _, undo: __, ...task } = makeTask({ on, command: "undo" }, "");
  return task;
}

function placeOf(on: string | undefined): TaskPlace {
  return on === undefined || on === "engine" ? { kind: "engine" } : { kind: "drone", drone: on };
}
