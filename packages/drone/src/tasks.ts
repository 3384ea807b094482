/**
 * Tasks of deployments (build, test, release): each id is run once, whoever asks and how often. Calls join
 * what runs, or get the result that is kept on disk.
 */
import { PropagitError } from "@propagit/protocol";
import { aborted, type Handlers, type IncomingCall } from "@propagit/runtime";
import type { TaskLine } from "./core/task-output.js";
import { isTaskId, type TaskRecord, type TaskRules } from "./core/task-record.js";
import type { DroneContext, DronePart } from "./drone-part.js";
import { Gate } from "./gate.js";
import { TaskRunner, type TaskRunnerContext } from "./tasks-runner.js";
import type { TaskParams, TaskResult, TaskWorld } from "./task-world.js";
import type { CommitName } from "./world.js";

/** Tasks at the same time; more only makes each slower. A guess. */
const tasksMax = 4;

type Call = IncomingCall<"drone.task">;

interface Living {
  readonly runner: TaskRunner;
  /** Undefined when the drone ended first. */
  readonly result: Promise<TaskResult | undefined>;
}

export class TaskDesk implements DronePart {
  readonly handlers: Handlers;
  readonly #drone: DroneContext;
  readonly #tasks: TaskWorld;
  readonly #living = new Map<string, Living>();
  /** Those that have been asked for, and are not known to be possible yet. */
  readonly #coming = new Map<string, Promise<Living>>();
  readonly #gate = new Gate(tasksMax);
  /** Builds of one repo share caches: they come one after the other. */
  readonly #builds = new Map<string, Gate>();
  readonly #resumed: Promise<void>;
  #isStopped = false;

  constructor(drone: DroneContext, tasks: TaskWorld) {
    this.#drone = drone;
    this.#tasks = tasks;
    this.handlers = {
      "drone.task": (params, call) => this.#answer(params, call),
      "drone.cancel-task": async ({ id }) => {
        await this.#resumed;
        await this.#coming.get(id)?.catch(() => undefined);
        this.#living.get(id)?.runner.cancel("was cancelled");
        return {};
      },
    };
    this.#resumed = this.#resume();
  }

  readonly commitsInUse = (): readonly CommitName[] =>
    [...this.#living.values()].flatMap(({ runner }) => runner.commits);

  /**
   * The drone ends. Commands run on, and its next life goes on with them: a new version of the drone must not
   * cost a migration. With `end` they are ended, and failed.
   */
  readonly stop = async (how: "leave" | "end" = "leave"): Promise<void> => {
    this.#isStopped = true;
    await this.#resumed;
    const living = [...this.#living.values()];
    for (const { runner } of living) {
      if (how === "leave") runner.leave();
      else runner.cancel("was ended with its drone");
    }
    await Promise.all(living.map(({ result }) => result.catch(() => undefined)));
  };

  async #answer(params: TaskParams, call: Call): Promise<TaskResult> {
    if (!isTaskId(params.id)) throw new PropagitError("BAD_FRAME", "that is no id of a task");
    await this.#resumed;
    const ended = this.#recordOf(params.id);
    if (ended?.stage.kind === "ended") return this.#repeat(ended.stage.result, params.id, call);
    return this.#join(await this.#livingOf(params), call);
  }

  #livingOf(params: TaskParams): Promise<Living> {
    const known = this.#living.get(params.id);
    if (known) return Promise.resolve(known);
    const coming = this.#coming.get(params.id) ?? this.#begin(params);
    this.#coming.set(params.id, coming);
    return coming.finally(() => this.#coming.delete(params.id));
  }

  async #begin(params: TaskParams): Promise<Living> {
    if (this.#isStopped) throw new PropagitError("LINK_LOST", "the drone ends");
    const specified = await this.#drone.specified(params.deployment);
    const { build } = specified;
    const task = specified[params.kind];
    const none: TaskRules = {
      timeoutMs: task?.timeoutMs ?? 0,
      include: [],
      exclude: [],
      cache: [],
    };
    const rules = params.kind === "build" && build ? rulesOf(build) : none;
    const takenAt = Math.max(0, Math.round(this.#drone.world.clock.now()));
    const record: TaskRecord = { params, rules, takenAt, stage: { kind: "preparing" } };
    await this.#tasks.store.write(record);
    return this.#start(record);
  }

  #start(record: TaskRecord): Living {
    const { id } = record.params;
    const [drone, tasks] = [this.#drone, this.#tasks];
    const turn: TaskRunnerContext["turn"] = (...asked) => this.#turn(...asked);
    const runner = new TaskRunner({ drone, tasks, turn }, record);
    const result = runner.run();
    const living = { runner, result };
    this.#living.set(id, living);
    void result
      .catch((thrown: unknown) => this.#drone.world.log.warn(`task ${id}: ${String(thrown)}`))
      .finally(() => this.#living.delete(id));
    return living;
  }

  #turn<T>({ params }: TaskRecord, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const inTurn = () => this.#gate.pass(signal, work);
    if (params.kind !== "build") return inTurn();
    const builds = this.#builds.get(params.repo) ?? new Gate(1);
    this.#builds.set(params.repo, builds);
    return builds.pass(signal, inTurn);
  }

  /** Tells what it said so far, then what it says; the caller may go, the task does not. */
  async #join({ runner, result }: Living, call: Call): Promise<TaskResult> {
    const tell = ({ at, text }: TaskLine) => call.part({ at, text });
    for (const line of runner.kept()) tell(line);
    runner.listeners.add(tell);
    try {
      const ended = await Promise.race([result, aborted(call.signal).then(() => undefined)]);
      if (ended) return ended;
      throw new PropagitError("LINK_LOST", "the drone ends; the task goes on in its next life");
    } finally {
      runner.listeners.delete(tell);
    }
  }

  async #repeat(result: TaskResult, id: string, call: Call): Promise<TaskResult> {
    const log = await this.#tasks.store.readLog(id);
    for (const text of log.split("\n")) if (text !== "") call.part(JSON.parse(text) as TaskLine);
    return result;
  }

  /** Goes on with what an earlier life began. */
  async #resume(): Promise<void> {
    const { store, folders, commands } = this.#tasks;
    const open: TaskRecord[] = [];
    for (const record of store.records) {
      const { id } = record.params;
      const { kind } = record.stage;
      if (kind === "running" || kind === "finishing") {
        open.push(record);
        continue;
      }
      // Its command never started: whoever wants it still asks again.
      if (kind === "preparing") await store.remove(id).catch(() => undefined);
      // A life that was killed right behind the end of a task left these.
      await commands.forget(id).catch(() => undefined);
    }
    await folders
      .keepOnly(open.map(({ params }) => folders.of(params.repo, params.id)))
      .catch((thrown: unknown) =>
        this.#drone.world.log.warn(`folders of tasks: ${String(thrown)}`),
      );
    for (const record of open) this.#start(record);
  }

  #recordOf(id: string): TaskRecord | undefined {
    return this.#tasks.store.records.find(({ params }) => params.id === id);
  }
}

function rulesOf({ timeoutMs, include, exclude, cache }: TaskRules): TaskRules {
  return { timeoutMs, include, exclude, cache };
}
