/**
 * Tasks of plans on drones: asked for by key, and asked for again when a drone is back, until their time is over.
 *
 *     run --> connected? --no--> waits for it
 *              | drone.command (key) --> its end
 *              '-- LINK_LOST, OVERLOADED --> once more, with the same key: the drone knows it again
 */
import { toPropagitError, type Crypto, type DroneCommandEnd } from "@propagit/protocol";
import {
  endOfCommand,
  type Task,
  type TaskCall,
  type TaskEnd,
  type TaskOrder,
} from "@propagit/plan";
import { sleep, type Clock } from "@propagit/runtime";
import type { Fleet } from "./fleet.js";
import { untilConnected } from "./until-connected.js";

export interface PlanDronesParts {
  readonly clock: Clock;
  readonly fleet: Pick<Fleet, "members" | "member" | "listen" | "nameOf" | "call" | "sessionKeyOf">;
  readonly crypto: Pick<Crypto, "encrypt">;
  /** What a task may use, in clear. */
  readonly secretsOf: (order: DroneOrder) => ReadonlyMap<string, string>;
}

/** Until a drone that is connected, and would not take it, is asked again. */
const againMs = 1_000;
/** What Node's timers can wait. */
const timerMsMax = 2 ** 31 - 1;

/** A task that is on a drone. */
export type DroneTask = Task & { readonly where: { readonly kind: "drone" } };

export interface DroneOrder extends Pick<TaskOrder, "key" | "code" | "secrets"> {
  readonly task: DroneTask;
  /** It only looks, for a gate. */
  readonly look?: boolean;
}

export class PlanDrones {
  readonly #parts: PlanDronesParts;

  constructor(parts: PlanDronesParts) {
    this.#parts = parts;
  }

  /** @returns the end, with the exit code of the last program that the command ran */
  async run(order: DroneOrder, call: TaskCall): Promise<DroneCommandEnd> {
    const { drone } = order.task.where;
    let isAsked = false;
    for (;;) {
      const identity = await this.#connected(drone, call).catch((thrown: unknown) => {
        // Gone for good: what it was doing is not known to have failed.
        if (isAsked && order.task.once) return undefined;
        throw thrown;
      });
      if (identity === undefined) return missed(order, isAsked);
      isAsked = true;
      const end = await this.#ask(identity, order, call);
      if (end) return end;
    }
  }

  /** As `Executor.recall`. */
  async recall(order: DroneOrder): Promise<TaskEnd | "begun" | "not-begun" | "unknown"> {
    const { clock, fleet } = this.#parts;
    const { task, key } = order;
    const limit = new AbortController();
    const timer = clock.after(Math.min(task.timeoutMs, timerMsMax), () => limit.abort());
    const { signal } = limit;
    try {
      for (;;) {
        const identity = await this.#connected(task.where.drone, { signal });
        if (identity === undefined) return "unknown";
        const answer = await this.#unlessLost(identity, signal, () =>
          fleet.call(identity, "drone.command-recall", { keys: [key] }, { signal }),
        );
        const [found] = answer?.commands ?? [];
        if (found?.state === "ended") return endOfCommand(found.end);
        if (found) return found.state;
      }
    } finally {
      timer.cancel();
    }
  }

  /** Undefined when it is to be asked again. */
  async #ask(
    identity: string,
    order: DroneOrder,
    { signal, onOutput }: TaskCall,
  ): Promise<DroneCommandEnd | undefined> {
    const { fleet } = this.#parts;
    const { task, key, code, look = false } = order;
    const { command, timeoutMs, once } = task;
    const secrets = this.#hiddenFor(identity, order);
    const params = { key, command, args: JSON.stringify(task.args), timeoutMs, once };
    // Who ends a call only goes away; the drone is to end the task.
    const cancel = () =>
      void fleet.call(identity, "drone.command-cancel", { key }).catch(() => undefined);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await this.#unlessLost(identity, signal, () => {
        const asked = fleet.call(
          identity,
          "drone.command",
          {
            ...params,
            ...(code && { code: { ...code } }),
            ...(secrets.length > 0 && { secrets }),
            ...(look && { look }),
          },
          { limitMs: 0, onPart: (lines) => lines.forEach(onOutput) },
        );
        if (signal.aborted) cancel();
        return asked;
      });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Under the key of the session that is there now: another one cannot read it, and is asked anew. */
  #hiddenFor(identity: string, order: DroneOrder): { name: string; hidden: string }[] {
    const { fleet, crypto, secretsOf } = this.#parts;
    const key = fleet.sessionKeyOf(identity);
    if (key === undefined) return [];
    return [...secretsOf(order)].map(([name, value]) => ({
      name,
      hidden: crypto.encrypt(key, value),
    }));
  }

  #connected(
    drone: string,
    { signal, onOutput }: Partial<TaskCall> & Pick<TaskCall, "signal">,
  ): Promise<string | undefined> {
    const onAway = () => onOutput?.(`drone ${drone} is away, and waited for`);
    return untilConnected({ fleet: this.#parts.fleet, drone, signal, onAway });
  }

  /** What the drone answers; undefined, a while later, when it is to be asked again. @throws what it refuses */
  async #unlessLost<T>(
    identity: string,
    signal: AbortSignal,
    ask: () => Promise<T>,
  ): Promise<T | undefined> {
    const { fleet } = this.#parts;
    const since = fleet.member(identity)?.since;
    try {
      return await ask();
    } catch (thrown) {
      await sleep(this.#parts.clock, againMs, signal);
      // A connection may end for any reason; what a drone refuses, it says on one that goes on.
      const now = fleet.member(identity);
      const isSame = now?.contact === "connected" && now.since === since;
      if (isSame && !againCodes.has(toPropagitError(thrown).code)) throw thrown;
      return undefined;
    }
  }
}

export function isOnDrone(task: Task): task is DroneTask {
  return task.where.kind === "drone";
}

/** The drone has not looked at it: it is too busy, ends, or the answer is late. */
const againCodes: ReadonlySet<string> = new Set([
  "LINK_LOST",
  "NO_DRONE",
  "OVERLOADED",
  "TIMED_OUT",
]);

function missed({ task }: DroneOrder, isAsked: boolean): DroneCommandEnd {
  const { drone } = task.where;
  if (isAsked && task.once) {
    const reason = `drone ${drone} was lost while it did this, and nobody saw the end`;
    return { outcome: "unknown", reason, lastLines: [] };
  }
  const lastLines = [`drone ${drone} is away`];
  return { outcome: "failed", reason: `drone ${drone} is away`, lastLines };
}
