/**
 * Carries a run out in this process, in front of the user.
 *
 *     journal of one run <-- PlanEngine --> HostExecutor --> this machine, hosts behind ssh
 *                              ^   '--events--> RunView
 *          ^C, asks of others --'
 *
 * The first ^C pauses: nothing new begins, what is under way finishes, and the run waits on disk. The second one ends
 * what is under way as well; that is done again when the run goes on, but for what may run only once.
 */
import {
  HostExecutor,
  localHost,
  localMeans,
  onlyRun,
  openSshHosts,
  PlanEngine,
  Run,
  type Commands,
  type Executor,
  type Plan,
  type RunAsk,
  type SshHosts,
  type TaskPlace,
} from "@propagit/plan";
import { PropagitError } from "@propagit/protocol";
import { deferred, nodeClock, nodeRandom } from "@propagit/runtime";
import { author } from "../author.js";
import { interruptedExitCode } from "../interrupt.js";
import { AskDesk } from "./asks.js";
import type { LocalRuns, RunNeeds } from "./local-runs.js";
import { lineLog } from "./logs.js";
import { RunView } from "./run-view.js";
import { toldEnd } from "./told-end.js";

export interface Carried extends RunNeeds {
  readonly runs: LocalRuns;
  readonly plan: Plan;
  /** Where what happens is shown. Default standard output. */
  readonly output?: NodeJS.WriteStream;
}

/** A new run. @returns the exit code */
export function carryOutNew(carried: Carried, folder: string): Promise<number> {
  const id = nodeRandom.hex(10);
  return carryOut(carried, id, async (engine) => {
    await engine.start(carried.plan, { by: author(), id });
    await carried.runs.noteProject(id, folder);
  });
}

/** One that is there already, and that no process carries out. @param ask what it is to do now; absent: goes on */
export function carryOutAgain(carried: Carried, id: string, ask?: RunAsk): Promise<number> {
  return carryOut(carried, id, async (engine) => {
    if (ask) await engine.ask(id, ask, author());
  });
}

async function carryOut(
  carried: Carried,
  id: string,
  begin: (engine: PlanEngine) => Promise<void>,
): Promise<number> {
  const lock = await carried.runs.lockName(carried.plan.name);
  try {
    return await carryOutLocked(carried, id, begin);
  } finally {
    await lock.release();
  }
}

async function carryOutLocked(
  { runs, plan, commands, output, tellEnd }: Carried,
  id: string,
  begin: (engine: PlanEngine) => Promise<void>,
): Promise<number> {
  const former = await formerEvents(runs, id);
  const run = new Run(plan, former);
  const view = new RunView({ id, plan, run: () => run, ...(output && { output }) });
  const hosts = openSshHosts();
  const executor = executorFor(commands, hosts);
  // Nothing is shown before what it follows from.
  const isFollowed = deferred<void>();
  const engine = await PlanEngine.open({
    clock: nodeClock,
    random: nodeRandom,
    log: lineLog("engine", (line) => void process.stderr.write(line)),
    journal: onlyRun(runs.journal, id),
    executor: told(executor, view, isFollowed.promise),
    prober: executor,
  });
  const closing = { engine, executor, hosts, runs, view };
  try {
    await begin(engine);
  } catch (thrown) {
    await close(closing);
    throw thrown;
  }
  const desk = new AskDesk(runs.folderOf(id), (ask, by) => engine.ask(id, ask, by));
  const pause = pauseOnInterrupt(engine, id, { run, view });
  const following = await engine.follow(
    id,
    (event) => {
      run.apply(event);
      view.event(event);
      pause.look();
    },
    former.length,
  );
  isFollowed.resolve();
  const end = await Promise.race([engine.over(id), pause.paused]);
  following.stop();
  pause.stop();
  await desk.stop();
  await close(closing);
  if (end === "paused") return toldPause(id);
  await runs.prune();
  return tellEnd ? tellEnd(id, run) : toldEnd({ summary: end, run, commands, local: true });
}

async function formerEvents(runs: LocalRuns, id: string) {
  try {
    return [...(await runs.journal.read(id)).events];
  } catch (thrown) {
    if (thrown instanceof PropagitError && thrown.code === "NO_PLAN") return [];
    throw thrown;
  }
}

function executorFor(commands: Commands, hosts: SshHosts): HostExecutor {
  const here = localHost();
  return new HostExecutor({
    commands,
    clock: nodeClock,
    means: localMeans(),
    hostFor: (where) => hostAt(where, here, hosts),
  });
}

function hostAt(where: TaskPlace, here: ReturnType<typeof localHost>, hosts: SshHosts) {
  switch (where.kind) {
    case "engine":
      return here;
    case "host":
      return hosts.host(where.host);
    case "drone":
      throw new PropagitError("BAD_PLAN", `drone ${where.drone} can only be reached by its hub`);
    default:
      return where satisfies never;
  }
}

/** As the executor, and what tasks print is shown. */
function told(executor: HostExecutor, view: RunView, isFollowed: Promise<void>): Executor {
  return {
    run: async (order, call) => {
      await isFollowed;
      return executor.run(order, {
        ...call,
        onOutput: (line) => {
          call.onOutput(line);
          view.output(order.task, line);
        },
      });
    },
    recall: () => executor.recall(),
  };
}

interface Closing {
  readonly engine: PlanEngine;
  readonly executor: HostExecutor;
  readonly hosts: SshHosts;
  readonly runs: LocalRuns;
  readonly view: RunView;
}

/** Nothing that happens from here on is written down. */
async function close({ engine, executor, hosts, runs, view }: Closing): Promise<void> {
  engine.close();
  view.close();
  await executor.end();
  await hosts.close();
  await runs.journal.close();
}

interface Pause {
  /** Somebody pressed ^C, and nothing is under way any more; or he pressed it again. */
  readonly paused: Promise<"paused">;
  look(): void;
  stop(): void;
}

function pauseOnInterrupt(
  engine: PlanEngine,
  id: string,
  { run, view }: { readonly run: Run; readonly view: RunView },
): Pause {
  let isAsked = false;
  let resolve: (end: "paused") => void = () => undefined;
  const paused = new Promise<"paused">((done) => (resolve = done));
  const look = () => {
    if (isAsked && run.isPaused && run.underWay.size === 0) resolve("paused");
  };
  const interrupt = () => {
    if (isAsked) return resolve("paused");
    isAsked = true;
    view.say("engine", "nothing new begins, what is under way finishes; ^C again ends that, too");
    if (run.isPaused || run.stopping) return look();
    engine.ask(id, { kind: "pause" }, author()).catch(() => resolve("paused"));
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  return {
    paused,
    look,
    stop: () => {
      for (const signal of signals) process.off(signal, interrupt);
    },
  };
}

function toldPause(id: string): number {
  process.stderr.write(`it can go on: propagit plans resume ${id} --local\n`);
  return interruptedExitCode;
}
