/** `hub.plan-durations`: how long tasks took in past runs of a plan of some name; and what happened in any run. */
import { sendPieces, toPropagitError, type Params, type Result } from "@propagit/protocol";
import {
  pastDurations,
  tasksOfPlan,
  type PastDuration,
  type PastRun,
  type Plan,
  type PlanEngine,
  type RunEvent,
} from "@propagit/plan";
import type { Handlers, IncomingCall } from "@propagit/runtime";

export type PastRuns = Pick<PlanEngine, "list" | "plan" | "follow">;

/** Runs that are looked at, the newest ones. */
const runsMax = 5;
/** Runs of one step that are looked at until as many are found; each is read from disk. */
const stepsMax = 50;
/** Hosts of large plans are many; each command's average is among the first. */
const durationsMax = 20_000;

export class PlanPast {
  readonly #runs: () => PastRuns;

  /** @param runs throws UNREACHABLE while they are read */
  constructor(runs: () => PastRuns) {
    this.#runs = runs;
  }

  readonly handlers: Handlers = {
    "hub.plan-durations": (params, call) => this.#durations(params, call),
  };

  /** Of the newest of these runs that are still there. */
  async durationsOf(runs: readonly string[]): Promise<readonly PastDuration[]> {
    const past: PastRun[] = [];
    for (const run of runs) {
      if (past.length >= runsMax) break;
      const one = await this.#read(run);
      if (one) past.push(one);
    }
    return pastDurations(past);
  }

  /** Of the newest runs of one step that did what this command does. */
  async durationsOfStep(command: string): Promise<readonly PastDuration[]> {
    const steps = this.#runs()
      .list()
      .filter(({ outcome, counts }) => outcome === "done" && counts.done === 1);
    const past: PastRun[] = [];
    for (const { run } of steps.slice(0, stepsMax)) {
      if (past.length >= runsMax) break;
      const isAlike = (plan: Plan) => tasksOfPlan(plan).some((task) => task.command === command);
      const one = await this.#read(run, isAlike);
      if (one) past.push(one);
    }
    return pastDurations(past);
  }

  async #durations(
    { name }: Params<"hub.plan-durations">,
    { part }: IncomingCall<"hub.plan-durations">,
  ): Promise<Result<"hub.plan-durations">> {
    const named = this.#runs()
      .list()
      .filter((summary) => summary.name === name && summary.state === "over");
    const durations = await this.durationsOf(named.map(({ run }) => run));
    const byCommand = durations.filter(({ host }) => host === undefined);
    const byHost = durations.filter(({ host }) => host !== undefined);
    const told = [...byCommand, ...byHost].slice(0, durationsMax).map((one) => ({ ...one }));
    return { durations: sendPieces(told, part) };
  }

  /** Absent: it is another one; it was removed, as there are so many newer ones; or nobody can read it. */
  async #read(
    run: string,
    isWanted: (plan: Plan) => boolean = () => true,
  ): Promise<PastRun | undefined> {
    const runs = this.#runs();
    try {
      const plan = await runs.plan(run);
      return isWanted(plan) ? { plan, events: await eventsSoFar(runs, run) } : undefined;
    } catch (thrown) {
      if (["NO_PLAN", "DATA_UNUSABLE"].includes(toPropagitError(thrown).code)) return undefined;
      throw thrown;
    }
  }
}

/** A run's plan and all that has happened to it. @throws NO_PLAN, DATA_UNUSABLE */
export async function runSoFar(
  runs: Pick<PlanEngine, "plan" | "follow">,
  id: string,
): Promise<PastRun> {
  return { plan: await runs.plan(id), events: await eventsSoFar(runs, id) };
}

async function eventsSoFar(
  runs: Pick<PlanEngine, "follow">,
  id: string,
): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  const following = await runs.follow(id, (event) => void events.push(event));
  following.stop();
  return events;
}
