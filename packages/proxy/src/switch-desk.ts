/**
 * Answers the hub while it moves visitors: whether this proxy sees where they are to go, and whether nothing is
 * under way any more to what is about to end.
 *
 *     proxy.sees     --> book and endpoints are there? wait for them --> all that serve go by them --> answer
 *     proxy.drained  --> nothing new goes there --> all that serve go by that --> nothing under way --> answer
 */
import type { Params, Result, SeenDeployment } from "@propagit/protocol";
import type { Clock, Handlers } from "@propagit/runtime";
import type { TableKeeper } from "./table-keeper.js";

/** What serves visitors: this thread, or several. */
export interface Servers {
  /** Resolves when all of them go by everything they were told before. */
  applied(): Promise<void>;
  /** Requests and upgraded connections under way to these addresses. */
  inFlight(addresses: ReadonlySet<string>): Promise<number>;
  /** Upgraded connections there get a close frame after that time. */
  endTunnels(addresses: ReadonlySet<string>, graceMs: number): void;
}

type Keeper = Pick<TableKeeper, "table" | "leave" | "onFeed">;

/** Between two looks at what is under way. */
const lookMs = 20;

export class SwitchDesk {
  readonly #clock: Clock;
  readonly #keeper: Keeper;
  readonly #servers: Servers;
  readonly handlers: Handlers = {
    "proxy.sees": (params, { signal }) => this.#sees(params, signal),
    "proxy.drained": (params, { signal }) => this.#drained(params, signal),
  };

  constructor(clock: Clock, keeper: Keeper, servers: Servers) {
    this.#clock = clock;
    this.#keeper = keeper;
    this.#servers = servers;
  }

  async #sees(
    { revision, deployments, waitMs }: Params<"proxy.sees">,
    signal: AbortSignal,
  ): Promise<Result<"proxy.sees">> {
    const isSeen = () => this.#revision >= revision && this.#missing(deployments).length === 0;
    await this.#until(isSeen, waitMs, signal);
    const answer = { revision: this.#revision, missing: this.#missing(deployments) };
    await this.#servers.applied();
    return answer;
  }

  async #drained(
    { addresses, graceMs, waitMs }: Params<"proxy.drained">,
    signal: AbortSignal,
  ): Promise<Result<"proxy.drained">> {
    const until = this.#clock.monotonic() + waitMs;
    const leaving = new Set(addresses);
    this.#keeper.leave(leaving);
    await this.#servers.applied();
    this.#servers.endTunnels(leaving, graceMs);
    for (;;) {
      const inFlight = await this.#servers.inFlight(leaving);
      const isOver = inFlight === 0 || signal.aborted || this.#clock.monotonic() >= until;
      if (isOver) return { inFlight };
      await this.#pause(lookMs);
    }
  }

  get #revision(): number {
    return this.#keeper.table.position?.revision ?? 0;
  }

  #missing(deployments: readonly SeenDeployment[]): Result<"proxy.sees">["missing"] {
    const { table } = this.#keeper;
    return deployments.flatMap((deployment) =>
      deployment.services
        .filter((service) => !table.hasEndpoint(deployment, service))
        .map((service) => ({ deployment: deployment.id, service })),
    );
  }

  /** Looks at once and after each change of the table; gives up when the time is over or nobody waits. */
  #until(condition: () => boolean, waitMs: number, signal: AbortSignal): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        listening.stop();
        timer.cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.#clock.after(waitMs, end);
      const listening = this.#keeper.onFeed(() => {
        if (condition()) end();
      });
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}
