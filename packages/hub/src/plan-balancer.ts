/**
 * `drain` and `undrain` of plans: what `propagit drain`, `stop` and `start` of instances do.
 *
 *     of a whole drone     it gets nothing new, what it runs starts elsewhere and ends here
 *     of one repository    its instances there end, and are kept so
 *
 * Instances end when every proxy says that it sends nothing new to them and has nothing under way, or their time is
 * over. What visitors would miss is refused.
 */
import { PropagitError, toPropagitError } from "@propagit/protocol";
import {
  asksOurBalancer,
  type Balancer,
  type CommandEnd,
  type DrainPart,
  type Task,
} from "@propagit/plan";
import type { Clock } from "@propagit/runtime";
import { whyFailed } from "./core/failed-instances.js";
import { isAlive } from "./core/readiness.js";
import type { Fleet } from "./fleet.js";
import type { HoldDesk } from "./hold-desk.js";
import { isOnDrone } from "./plan-drones.js";

export interface PlanBalancerParts {
  readonly clock: Clock;
  readonly fleet: Pick<Fleet, "members">;
  readonly holds: Pick<HoldDesk, "drain" | "hold">;
}

const by = "a plan";
/** What Node's timers can wait. */
const timerMsMax = 2 ** 31 - 1;

export class PlanBalancer implements Balancer {
  readonly #parts: PlanBalancerParts;

  constructor(parts: PlanBalancerParts) {
    this.#parts = parts;
  }

  drain(part: DrainPart): Promise<CommandEnd> {
    return this.#within(part, async (call) => {
      const { holds } = this.#parts;
      const { machine: drone } = part;
      const isDrained = this.#memberCalled(drone).draining || isPart(part);
      if (isDrained && this.#aliveIn(part) === 0) return { outcome: "unchanged" };
      if (isPart(part)) {
        await holds.hold({ target: targetOf(part), start: false, force: false, by }, call);
      } else await holds.drain({ drone, drain: true, by }, call);
      const left = this.#aliveIn(part);
      if (left === 0) return { outcome: "done" };
      const much = left === 1 ? "1 instance is" : `${left} instances are`;
      throw new PropagitError("TIMED_OUT", `${much} still there on ${drone}`, {
        hint: "see why they cannot go: propagit ps; give it longer with `within`",
      });
    });
  }

  undrain(part: DrainPart): Promise<CommandEnd> {
    return this.#within(part, async (call) => {
      const { holds } = this.#parts;
      const { machine: drone } = part;
      const { draining } = this.#memberCalled(drone);
      if (isPart(part)) return this.#startAgain(part, call);
      if (!draining) return { outcome: "unchanged" };
      await holds.drain({ drone, drain: false, by }, call);
      return { outcome: "done" };
    });
  }

  async #startAgain(part: DrainPart, call: Call): Promise<CommandEnd> {
    try {
      const target = targetOf(part);
      const request = { target, start: true, force: false, by };
      const { failed } = await this.#parts.holds.hold(request, call);
      const why = whyFailed(failed, "see why with `propagit logs`");
      if (why !== undefined) throw new PropagitError("COMMAND_FAILED", why);
      return { outcome: "done" };
    } catch (thrown) {
      // Nothing was taken away there.
      if (toPropagitError(thrown).code === "NO_INSTANCE") return { outcome: "unchanged" };
      throw thrown;
    }
  }

  async #within<T>({ timeoutMs, signal }: DrainPart, work: (call: Call) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const timer = this.#parts.clock.after(Math.min(timeoutMs, timerMsMax), () => limit.abort());
    const both = AbortSignal.any([limit.signal, signal]);
    try {
      return await work({ signal: both, part: () => undefined });
    } finally {
      timer.cancel();
    }
  }

  #aliveIn({ machine, repo, environment, service }: DrainPart): number {
    return [...this.#memberCalled(machine).instances.values()].filter(
      (report) =>
        isAlive(report) &&
        (repo === undefined || report.repo === repo) &&
        (environment === undefined || report.environment === environment) &&
        (service === undefined || report.service === service),
    ).length;
  }

  #memberCalled(name: string) {
    const member = this.#parts.fleet.members.find((one) => one.name === name);
    if (member) return member;
    throw new PropagitError("NO_DRONE", `no drone is called ${name}`, {
      hint: "name it as `machine`, or the `webhook` or `consul` that knows it",
    });
  }
}

type Call = Parameters<HoldDesk["drain"]>[1] & Parameters<HoldDesk["hold"]>[1];

/** A task of a drone that only the hub can do: it knows who is sent where. */
export function balancedHere(task: Task): Task {
  if (!isOnDrone(task) || !asksOurBalancer(task)) return task;
  const args = { machine: task.where.drone, ...task.args };
  return { ...task, where: { kind: "engine" }, args };
}

function isPart({ repo, service }: DrainPart): boolean {
  return repo !== undefined || service !== undefined;
}

function targetOf({ machine, repo, environment, service }: DrainPart) {
  return {
    drones: { names: [machine] },
    ...(repo !== undefined && { repo }),
    ...(environment !== undefined && { environment }),
    ...(service !== undefined && { services: [service] }),
  };
}
