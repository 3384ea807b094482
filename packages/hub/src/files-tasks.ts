/**
 * `put-files` of plans: brings files to one drone, with the smallest commit that gets them there.
 *
 *     plan-start --accept--> the files are here, and are kept until the plan is over
 *     task --> FilesDesk.pushToOne --> drone.files --> done | unchanged | failed, and tried again
 *                                          '--> who looks on at its run (`FilesRuns`)
 */
import { parseCommitHash, toPropagitError, type FilesPart } from "@propagit/protocol";
import type { Executor, Plan, RunSummary, TaskCall, TaskEnd, TaskOrder } from "@propagit/plan";
import type { Clock } from "@propagit/runtime";
import { endOf } from "./core/files-ends.js";
import { commitsOfPlan } from "./core/files-in-plans.js";
import type { DronePush, FilesDesk } from "./files-desk.js";
import type { Fleet } from "./fleet.js";
import { untilObserved } from "./until-observed.js";

/** Runs, as whoever carries them out knows them. */
interface PlanSight {
  list(): readonly RunSummary[];
  plan(run: string): Promise<Plan>;
}

export interface FilesTasksParts {
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly desk: Pick<FilesDesk, "check" | "keep" | "pushToOne">;
  /** @throws UNREACHABLE while they are read; undefined: the hub carries none out */
  readonly plans: () => PlanSight | undefined;
}

/** Longer than a drone needs to come back to a hub that was restarted; then it is away, and is tried again later. */
const lostMsMax = 15_000;
/** What did not come through can be tried again for so long; then its files may go. */
const failedKeptMs = 7 * 86_400_000;

export class FilesTasks implements Executor {
  readonly #parts: FilesTasksParts;
  /** By run, as reading plans costs time. */
  readonly #commits = new Map<string, readonly string[]>();
  /** Who looks on, by run. */
  readonly #watchers = new Map<string, Set<(part: FilesPart) => void>>();

  constructor(parts: FilesTasksParts) {
    this.#parts = parts;
  }

  /** Whether its files are here. @throws NO_COMMIT */
  async check(plan: Plan): Promise<void> {
    for (const commit of commitsOfPlan(plan)) await this.#parts.desk.check(parseCommitHash(commit));
  }

  /** Keeps its files until what is returned is called. @throws NO_COMMIT */
  async accept(plan: Plan): Promise<() => void> {
    const letGo: (() => void)[] = [];
    const end = () => letGo.forEach((release) => release());
    try {
      for (const commit of commitsOfPlan(plan)) {
        letGo.push(await this.#parts.desk.keep(parseCommitHash(commit)));
      }
      return end;
    } catch (thrown) {
      end();
      throw thrown;
    }
  }

  /** How far drones are, and how they end, before the journal has it. @returns who ends it */
  watch(run: string, watcher: (part: FilesPart) => void): () => void {
    const watchers = this.#watchers.get(run) ?? new Set();
    this.#watchers.set(run, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(run);
    };
  }

  async run({ task, run }: TaskOrder, { signal, onOutput }: TaskCall): Promise<TaskEnd> {
    const { where, args } = task;
    const runs = this.#parts.plans()?.list() ?? [];
    const { by } = runs.find((one) => one.run === run) ?? { by: "somebody" };
    const push = { ...(args as unknown as PushArgs), dryRun: false, by };
    const drone = where.kind === "drone" ? where.drone : "";
    await this.#whileLost(drone, signal);
    let phase = "";
    const outcome = await this.#parts.desk.pushToOne(
      { drone, ...push },
      {
        signal,
        part: (part) => {
          this.#tell(run, part);
          if (!("phase" in part) || part.phase === phase) return;
          ({ phase } = part);
          onOutput(phase);
        },
      },
    );
    this.#tell(run, outcome);
    return endOf(outcome);
  }

  /** It is done again: what is there already stays as it is. */
  recall({ task }: TaskOrder): Promise<"not-begun" | "unknown"> {
    return Promise.resolve(task.once ? "unknown" : "not-begun");
  }

  /** Who is lost may be back in a moment, and so is everybody after a restart of the hub. */
  #whileLost(drone: string, signal: AbortSignal): Promise<boolean> {
    const { clock, fleet } = this.#parts;
    return untilObserved({ clock, fleet, limitMs: lostMsMax, signal }, () =>
      fleet.members.every(({ name, contact }) => name !== drone || contact !== "lost"),
    );
  }

  #tell(run: string, part: FilesPart): void {
    for (const watcher of this.#watchers.get(run) ?? []) watcher(part);
  }

  /** What must be here for plans on their way, and for those that can be tried again. */
  async commits(): Promise<ReadonlySet<string>> {
    const { plans, clock } = this.#parts;
    const sight = plans();
    if (!sight) return new Set();
    const since = clock.now() - failedKeptMs;
    const used = sight.list().filter((one) => isNeeded(one, since));
    const known = new Set(used.map(({ run }) => run));
    for (const run of this.#commits.keys()) if (!known.has(run)) this.#commits.delete(run);
    for (const { run } of used) {
      if (!this.#commits.has(run)) this.#commits.set(run, await commitsOf(sight, run));
    }
    return new Set([...this.#commits.values()].flat());
  }
}

type PushArgs = Pick<DronePush, "commit" | "path" | "replace" | "force">;

function isNeeded({ state, outcome, counts, endedAt = 0 }: RunSummary, since: number): boolean {
  if (state !== "over") return true;
  const isWhole = outcome === "done" && counts.failed === 0;
  return !isWhole && endedAt >= since;
}

/** One that cannot be read puts nothing anywhere. */
async function commitsOf(sight: PlanSight, run: string): Promise<readonly string[]> {
  try {
    return commitsOfPlan(await sight.plan(run));
  } catch (thrown) {
    const { code } = toPropagitError(thrown);
    if (code === "NO_PLAN" || code === "DATA_UNUSABLE") return [];
    throw thrown;
  }
}
