/**
 * What a release asks of drones directly: to fetch it ahead of their wave, and to restart what they run of it.
 *
 *     fetch ahead   all of them at once; whoever is away or cannot is told, and nobody waits for him
 *     restart       each drone its own, one after the other; a drone whose line breaks is waited for until it is
 *                   back or counts as away, and goes on with those that it had not told of as ready
 */
import { toPropagitError, type InstanceReport } from "@propagit/protocol";
import type { TaskCall, TaskEnd, TaskOrder } from "@propagit/plan";
import { sleep, type Clock } from "@propagit/runtime";
import type { RolloutRow } from "./core/rows.js";
import type { Fleet, Member } from "./fleet.js";
import { inParallel } from "./in-parallel.js";
import type { Ledger } from "./ledger.js";

export interface ReleaseDronesParts {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, "rows">;
  readonly fleet: Pick<Fleet, "members" | "member" | "call" | "reportsOf">;
}

/** Those that fetch ahead; together they spread it faster than one after the other. A guess. */
const fetchesAtOnce = 1_000;
/** For whoever fetches ahead; who takes longer goes on with it by himself. As long as a start waits for a fetch. */
const aheadMs = 10 * 60_000;
/** Between two looks at a drone that was lost. */
const againMs = 1_000;
/** Lines that name drones one by one. */
const linesMax = 20;

export class ReleaseDrones {
  readonly #parts: ReleaseDronesParts;

  constructor(parts: ReleaseDronesParts) {
    this.#parts = parts;
  }

  /** Never fails: who has nothing yet fetches it when it is to start. */
  async distribute(
    { deployment, repo }: RolloutRow,
    names: readonly string[] | undefined,
    { order, call }: { readonly order: TaskOrder; readonly call: TaskCall },
  ): Promise<TaskEnd> {
    const row = this.#parts.ledger.rows("deployments").get(deployment);
    if (!row) return { outcome: "unchanged" };
    const wanted = { repo, commit: row.artifact ?? row.commit };
    const drones = this.#named(names);
    const told = lines(call);
    let [fetched, had] = [0, 0];
    await inParallel(drones, fetchesAtOnce, async ({ identity, name }) => {
      const why = await this.#fetch(identity, wanted, { order, call });
      if (why === "done") fetched += 1;
      else if (why === "unchanged") had += 1;
      else told(`${name} fetches it later: ${why}`);
    });
    call.onOutput(`${fetched + had} of ${drones.length} drones have it`);
    return { outcome: fetched === 0 ? "unchanged" : "done" };
  }

  async restart(
    { deployment }: RolloutRow,
    names: readonly string[] | undefined,
    { order, call }: { readonly order: TaskOrder; readonly call: TaskCall },
  ): Promise<TaskEnd> {
    const failures: string[] = [];
    const told = lines(call);
    const drones = this.#named(names);
    await inParallel(drones, drones.length, async (drone) => {
      const reason = await this.#restartOn(drone, deployment, { call, told });
      if (reason !== undefined) failures.push(`${drone.name}: ${reason}`);
    });
    if (call.signal.aborted) return { outcome: "failed", reason: "it was ended" };
    const [first] = failures;
    if (first === undefined) return { outcome: "done" };
    const more = failures.length > 1 ? `, and ${failures.length - 1} more drones` : "";
    return { outcome: "failed", reason: `${order.task.command} on ${first}${more}` };
  }

  /** Why it has not got it. */
  async #fetch(
    identity: string,
    wanted: { readonly repo: string; readonly commit: string },
    { order: { key, task }, call }: { readonly order: TaskOrder; readonly call: TaskCall },
  ): Promise<string> {
    const { timeoutMs } = task;
    const args = JSON.stringify(wanted);
    const params = { key, command: "distribute", args, timeoutMs, once: false };
    try {
      const end = await this.#parts.fleet.call(identity, "drone.command", params, {
        limitMs: Math.min(timeoutMs, aheadMs),
        signal: call.signal,
      });
      if (end.outcome === "done" || end.outcome === "unchanged") return end.outcome;
      return end.reason ?? end.outcome;
    } catch (thrown) {
      return toPropagitError(thrown).message;
    }
  }

  /** Why an instance is not ready again; undefined when all are, or it is away and goes on as it is. */
  async #restartOn(
    { identity, name }: Member,
    deployment: string,
    { call, told }: { readonly call: TaskCall; readonly told: (line: string) => void },
  ): Promise<string | undefined> {
    const { fleet } = this.#parts;
    const done = new Set<string>();
    const living = () =>
      fleet
        .reportsOf(identity, deployment)
        .filter((report) => isRestartable(report) && !done.has(report.process))
        .map(({ process }) => process);
    while (await this.#isBack(identity, call.signal)) {
      const processes = living();
      if (processes.length === 0) break;
      try {
        const { failed } = await fleet.call(
          identity,
          "drone.restart",
          { processes },
          {
            limitMs: 0,
            signal: call.signal,
            onPart: ({ process, ready }) => void (ready && done.add(process)),
          },
        );
        const [first] = failed;
        if (first) return first.reason;
        processes.forEach((process) => done.add(process));
      } catch (thrown) {
        const { code, message } = toPropagitError(thrown);
        if (call.signal.aborted || (code !== "LINK_LOST" && code !== "NO_DRONE")) return message;
        await sleep(this.#parts.clock, againMs);
      }
    }
    if (fleet.member(identity)?.contact !== "connected")
      told(`${name} is away, and goes on as it is`);
    return undefined;
  }

  /** Waits while it may be back in a moment. */
  async #isBack(identity: string, signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const contact = this.#parts.fleet.member(identity)?.contact;
      if (contact !== "lost" || signal.aborted) return contact === "connected" && !signal.aborted;
      await sleep(this.#parts.clock, againMs);
    }
  }

  #named(names: readonly string[] | undefined): readonly Member[] {
    const members = this.#parts.fleet.members.filter(({ contact }) => contact !== "left");
    if (!names) return members;
    const wanted = new Set(names);
    return members.filter(({ name }) => wanted.has(name));
  }
}

function isRestartable({ phase }: InstanceReport): boolean {
  return phase !== "stopping" && phase !== "stopped";
}

/** The first lines of many. */
function lines({ onOutput }: TaskCall): (line: string) => void {
  let count = 0;
  return (line) => {
    count += 1;
    if (count <= linesMax) onOutput(line);
  };
}
