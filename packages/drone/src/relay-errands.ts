/**
 * Tasks of a part, as a relay has them done: on itself, or by drones on the lines that they keep to it.
 *
 *     run --> this machine? --yes--> its own tasks
 *        '--> line of the drone? --no, 30 s--> failed; it is tried again as the plan says
 *                  | drone.errand (run, hash, task, attempt) --> its end
 *                  '-- the line is lost --> once more: the drone knows it again
 *
 * What was asked for may be under way when the line is lost. So of a task that may be done once, and of a part that was
 * handed on, the end is waited for.
 */
import {
  PropagitError,
  type CommandRecalled,
  type DroneCommandEnd,
  type Params,
} from "@propagit/protocol";
import {
  endOfCommand,
  planHash,
  type Executor,
  type Plan,
  type Task,
  type TaskCall,
  type TaskEnd,
  type TaskOrder,
} from "@propagit/plan";
import type { Conversation, Handlers } from "@propagit/runtime";
import type { DroneContext } from "./drone-part.js";
import type { PlanTasks } from "./plan-tasks.js";

export interface RelayErrandsParts {
  readonly context: DroneContext;
  readonly tasks: Pick<PlanTasks, "run" | "recall">;
  readonly planOf: (run: string) => Promise<Plan>;
  /** Nothing of it is to begin any more. */
  readonly isStopping: (run: string) => Promise<boolean>;
}

type Asked = Params<"drone.errand">;

/** A drone whose line to the relay was cut is back by then, or away: the task is tried again later. */
const lineMsMax = 30_000;
/** What Node's timers can wait. */
const timerMsMax = 2 ** 31 - 1;

export class RelayErrands implements Executor {
  readonly #parts: RelayErrandsParts;
  /** By the names of the drones. */
  readonly #lines = new Map<string, Conversation>();
  readonly #waiting = new Set<() => void>();
  /** Hashed once for all tasks of a plan that is on its way. */
  readonly #hashes = new WeakMap<Plan, string>();
  /** Keys of what a former life of the relay asked for, and is under way. */
  readonly #begun = new Set<string>();

  constructor(parts: RelayErrandsParts) {
    this.#parts = parts;
  }

  /** Of lines that drones keep to this relay. */
  readonly lineHandlers: Handlers = {
    "relay.errands": ({ drone }, { conversation }) => {
      this.#lines.set(drone, conversation);
      for (const look of this.#waiting) look();
      void this.#untilOver(drone, conversation);
      return {};
    },
  };

  stop(): void {
    for (const line of this.#lines.values()) {
      line.end(new PropagitError("LINK_LOST", "the relay ends"));
    }
  }

  async run(order: TaskOrder, call: TaskCall): Promise<TaskEnd> {
    const { task, key } = order;
    const drone = droneOf(task);
    if (drone === this.#own) return this.#runHere(order, call);
    let isAsked = this.#begun.delete(key);
    const asked = await this.#askedOf(order);
    for (;;) {
      const line = await this.#lineOf(drone, waitOf(task, isAsked, call.signal));
      if (!line) return missed(task, isAsked);
      if (isAsked && (await this.#isTooLate(line, order.run, asked))) return notBegun;
      isAsked = true;
      const end = await this.#ask(line, asked, call);
      if (end) return endOfCommand(end);
    }
  }

  async recall(order: TaskOrder): Promise<TaskEnd | "begun" | "not-begun" | "unknown"> {
    const { task, key } = order;
    const { command, once, timeoutMs } = task;
    const drone = droneOf(task);
    const known =
      drone === this.#own
        ? await this.#parts.tasks.recall({ key, command, once })
        : await this.#recallThere(order, once ? Math.min(timeoutMs, timerMsMax) : lineMsMax);
    if (known?.state === "ended") return endOfCommand(known.end);
    if (known?.state === "begun") this.#begun.add(key);
    return known?.state ?? "unknown";
  }

  /** It hears of the hub that it is to stop, and its end is what became of it. */
  outlives(task: Task): boolean {
    return task.command === "delegate";
  }

  get #own(): string {
    return this.#parts.context.name();
  }

  async #runHere({ task, key }: TaskOrder, call: TaskCall): Promise<TaskEnd> {
    const { command, args, timeoutMs, once, id } = task;
    const by = `relay ${this.#own}`;
    const own = { task: id, command, args: JSON.stringify(args), timeoutMs, once, key, by };
    return endOfCommand(await this.#parts.tasks.run(own, call));
  }

  async #untilOver(drone: string, line: Conversation): Promise<void> {
    await line.over;
    if (this.#lines.get(drone) === line) this.#lines.delete(drone);
  }

  async #askedOf({ run, task, attempt }: TaskOrder): Promise<Asked> {
    const plan = await this.#parts.planOf(run);
    const hash = this.#hashes.get(plan) ?? planHash(plan);
    this.#hashes.set(plan, hash);
    return { run, hash, task: task.id, attempt };
  }

  /** Undefined when the line was lost meanwhile. */
  async #ask(
    line: Conversation,
    asked: Asked,
    { signal, onOutput }: TaskCall,
  ): Promise<DroneCommandEnd | undefined> {
    // Who ends a call only goes away; the drone is to end the task.
    const cancel = () => void line.call("drone.errand-cancel", asked).catch(() => undefined);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const ended = line.call("drone.errand", asked, {
        limitMs: 0,
        onPart: (lines) => lines.forEach(onOutput),
      });
      if (signal.aborted) cancel();
      return await ended;
    } catch (thrown) {
      if (!line.isOpen) return undefined;
      throw thrown;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** It was not begun before the line was lost, and is not to begin now. */
  async #isTooLate(line: Conversation, run: string, asked: Asked): Promise<boolean> {
    if (!(await this.#parts.isStopping(run))) return false;
    const known = await line.call("drone.errand-recall", asked).catch(() => undefined);
    return known?.state === "not-begun";
  }

  async #recallThere(order: TaskOrder, limitMs: number): Promise<CommandRecalled | undefined> {
    const { clock } = this.#parts.context.world;
    const until = clock.now() + limitMs;
    const asked = await this.#askedOf(order);
    for (;;) {
      const line = await this.#lineOf(droneOf(order.task), { limitMs: until - clock.now() });
      if (!line) return undefined;
      try {
        return await line.call("drone.errand-recall", asked);
      } catch {
        // It is one that cannot tell: to be joined if it is there.
        if (line.isOpen) return { state: "begun" };
      }
    }
  }

  /** As soon as the drone is there; undefined when it is not in time. */
  #lineOf(drone: string, { limitMs, signal }: LineWait): Promise<Conversation | undefined> {
    const there = () => {
      const line = this.#lines.get(drone);
      return line?.isOpen ? line : undefined;
    };
    const line = there();
    if (line || signal?.aborted) return Promise.resolve(line);
    return new Promise((resolve) => {
      const end = () => {
        timer?.cancel();
        this.#waiting.delete(look);
        signal?.removeEventListener("abort", end);
        resolve(there());
      };
      const look = () => {
        if (there()) end();
      };
      const { clock } = this.#parts.context.world;
      const timer = limitMs === undefined ? undefined : clock.after(limitMs, end);
      this.#waiting.add(look);
      signal?.addEventListener("abort", end, { once: true });
    });
  }
}

interface LineWait {
  /** Default: without end. */
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

/** How long a line is waited for. */
function waitOf(task: Task, isAsked: boolean, signal: AbortSignal): LineWait {
  // A part goes on by itself: that the task is to end changes nothing.
  if (isAsked && task.command === "delegate") return {};
  return isAsked && task.once ? { signal } : { signal, limitMs: lineMsMax };
}

function missed(task: Task, isAsked: boolean): TaskEnd {
  const drone = droneOf(task);
  if (isAsked && task.once) {
    const reason = `drone ${drone} was lost while it did this, and nobody saw the end`;
    return { outcome: "unknown", reason };
  }
  return { outcome: "failed", reason: `drone ${drone} has no line to this relay` };
}

const notBegun: TaskEnd = {
  outcome: "stopped",
  reason: "stopped before anything of it was done",
};

function droneOf({ where }: Task): string {
  return where.kind === "drone" ? where.drone : "";
}
