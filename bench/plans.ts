/**
 * What carrying plans out costs, each step on disk before and after it, through the hub's own store: tasks begun
 * a second, the first step of a plan after a restart, and the memory of a plan with 100,000 tasks; and how long the
 * plan of a deploy over 10,000 drones takes to make.
 *
 * Beside the first: the same steps without group commit, a line and a sync of the disk for each.
 */
import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  PlanEngine,
  storeJournal,
  taskIdOf,
  type Executor,
  type Plan,
  type PlanWorld,
  type Task,
} from "@propagit/plan";
import { deferred, nodeClock, nodeRandom, silentLog } from "@propagit/runtime";
import { openSqliteStore } from "@propagit/store";
import { planningOf } from "./planning.js";
import { median, report } from "./report.js";

const drones = 1_000;
const tasks = 10_000;
const manyTasks = 100_000;
const rounds = 3;
/** Of the naive journal, which needs a sync for each. */
const naiveTasks = 500;

const tasksASecondMin = 5_000;
const resumeMsMax = 1_000;
const plannedDrones = 10_000;
const planningMsMax = 1_000;

/** What simulated drones do with a task. */
const noOps: Executor = {
  run: async () => ({ outcome: "done" }),
  recall: async () => "not-begun",
};

const folder = mkdtempSync(join(tmpdir(), "propagit-bench-plans-"));
try {
  if (process.argv[2] === "memory") await measureMemory(Number(process.argv[3]));
  else await measureAll();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measureAll(): Promise<void> {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) rates.push(await tasksASecond(`rate-${round}.db`));
  const rate = median(rates);
  const metric = `tasks begun and ended a second, ${tasks} over ${drones} drones, all on disk`;
  report({
    bench: "plans",
    metric,
    unit: "tasks/s",
    ours: rate,
    theirs: tasksASecondMin,
    peer: "the goal",
    goalMin: 1,
  });
  report({
    bench: "plans",
    metric,
    unit: "tasks/s",
    ours: rate,
    theirs: naiveTasksASecond(),
    peer: "a synced line for each begin and end",
    goalMin: 1,
  });
  const resumes: number[] = [];
  for (let round = 0; round < rounds; round++) resumes.push(await resumeMs(`resume-${round}.db`));
  report({
    bench: "plans",
    metric: `from a restart to the next task, ${tasks} of ${2 * tasks} tasks finished`,
    unit: "ms",
    ours: median(resumes),
    theirs: resumeMsMax,
    peer: "the goal",
    goalAbsolute: resumeMsMax,
  });
  const plannings = Array.from({ length: rounds }, () => planningOf(plannedDrones));
  report({
    bench: "plans",
    metric: `the plan of a deploy in waves over ${plannedDrones} drones`,
    unit: "ms",
    ours: median(plannings.map(({ ms }) => ms)),
    theirs: planningMsMax,
    peer: "the goal",
    goalAbsolute: planningMsMax,
    more: { stages: plannings[0]?.stages ?? 0 },
  });
  const [few, many] = [tasks, manyTasks].map(memoryOf);
  report({
    bench: "plans",
    metric: `growth of resident memory over a run of ${manyTasks} tasks`,
    unit: "MiB",
    ours: many?.grownMiB ?? 0,
    theirs: few?.grownMiB ?? 0,
    peer: `a run of ${tasks}`,
    goal: manyTasks / tasks,
    more: { planMiB: many?.planMiB ?? 0 },
  });
}

async function tasksASecond(file: string): Promise<number> {
  const store = await openSqliteStore(join(folder, file));
  const engine = await PlanEngine.open(worldOf(storeJournal(store), noOps));
  const plan = planOf(tasks);
  const start = performance.now();
  const run = await engine.start(plan, { by: "bench" });
  const { outcome } = await engine.over(run);
  const seconds = (performance.now() - start) / 1_000;
  engine.close();
  await store.close();
  if (outcome !== "done") throw new Error(`the run ended as ${outcome}`);
  return tasks / seconds;
}

/** Begin and end of each task as one line, on disk before the next. */
function naiveTasksASecond(): number {
  const file = openSync(join(folder, "naive"), "a");
  const start = performance.now();
  for (let task = 1; task <= naiveTasks; task++) {
    for (const kind of ["task-begun", "task-ended"]) {
      writeSync(file, `${JSON.stringify({ at: Date.now(), kind, task: taskIdOf(1, task, 1) })}\n`);
      fdatasyncSync(file);
    }
  }
  const seconds = (performance.now() - start) / 1_000;
  closeSync(file);
  return naiveTasks / seconds;
}

/** A run is left when half of its tasks are done, as a killed hub leaves it. */
async function resumeMs(file: string): Promise<number> {
  const path = join(folder, file);
  const store = await openSqliteStore(path);
  const half = deferred<void>();
  let begun = 0;
  const halting: Executor = {
    ...noOps,
    run: (order, call) => {
      begun += 1;
      if (begun === tasks + drones) half.resolve();
      return begun <= tasks ? noOps.run(order, call) : new Promise(() => undefined);
    },
  };
  const killed = await PlanEngine.open(worldOf(storeJournal(store), halting));
  await killed.start(planOf(2 * tasks), { by: "bench" });
  await half.promise;
  killed.close();
  await store.close();

  const start = performance.now();
  const again = await openSqliteStore(path);
  const next = deferred<number>();
  const looking: Executor = {
    ...noOps,
    run: (order, call) => {
      next.resolve(performance.now() - start);
      return noOps.run(order, call);
    },
  };
  const engine = await PlanEngine.open(worldOf(storeJournal(again), looking));
  const ms = await next.promise;
  engine.close();
  await again.close();
  return ms;
}

interface Memory {
  readonly grownMiB: number;
  readonly planMiB: number;
}

/** In a process of its own, so that nothing else is counted. */
function memoryOf(count: number): Memory {
  const script = fileURLToPath(import.meta.url);
  const output = execFileSync(process.execPath, [script, "memory", String(count)]);
  return JSON.parse(output.toString()) as Memory;
}

async function measureMemory(count: number): Promise<void> {
  const store = await openSqliteStore(join(folder, "memory.db"));
  const engine = await PlanEngine.open(worldOf(storeJournal(store), noOps));
  const plan = planOf(count);
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 20);
  await engine.over(await engine.start(plan, { by: "bench" }));
  engine.close();
  clearInterval(watch);
  most = Math.max(most, process.memoryUsage().rss);
  await store.close();
  const mib = 2 ** 20;
  const measured: Memory = {
    grownMiB: (most - before) / mib,
    planMiB: Math.round(JSON.stringify(plan).length / mib),
  };
  process.stdout.write(JSON.stringify(measured));
}

function worldOf(journal: PlanWorld["journal"], executor: Executor): PlanWorld {
  return {
    clock: nodeClock,
    random: nodeRandom,
    log: silentLog,
    journal,
    executor,
    prober: { look: async () => ({ state: "open", why: "it is" }) },
  };
}

function planOf(count: number): Plan {
  const lines = Array.from({ length: count }, (_, at): Task[] => [
    {
      id: taskIdOf(1, at + 1, 1),
      command: "none",
      where: { kind: "drone", drone: `d${at % drones}` },
      args: {},
      timeoutMs: 60_000,
      retryDelaysMs: [],
      continueOnFail: false,
      once: false,
    },
  ]);
  const limits = { concurrency: drones, concurrencyPerHost: 1 };
  const rest = { gates: [], maxFailures: 0, onFailure: "stop" } as const;
  return { name: "no-ops", stages: [{ name: "all", ...limits, ...rest, lines }] };
}
