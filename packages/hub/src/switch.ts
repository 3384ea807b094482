/**
 * Moves visitors without losing one: nobody is sent where not every live proxy can send him yet, and nothing
 * ends that any proxy may still use.
 *
 *     seen:     proxy.sees to all ----> every one sees it
 *     (the ledger says where visitors go from now on)
 *     applied:  proxy.sees to all ----> every one goes by it
 *     drained:  proxy.drained to all -> nothing is under way there any more     (asked by drones)
 *
 * A proxy whose connection just broke is waited for as long as its lease lasts; one that does not answer in
 * time is cut off. Nothing of this is on disk: a hub that is restarted asks again.
 */
import {
  PropagitError,
  toPropagitError,
  type Params,
  type Result,
  type SeenDeployment,
} from "@propagit/protocol";
import type { Clock } from "@propagit/runtime";
import type { Book } from "./book.js";
import type { LedgerRows } from "./core/draft.js";
import { judgeSights, missingText, seenDeploymentOf, type Sight } from "./core/switch.js";
import type { Fleet } from "./fleet.js";
import type { Proxies } from "./proxies.js";

/** For a proxy to see what it is asked for: many times what a record takes to it. A guess. */
const seeMs = 5_000;
/** Beside the time that a proxy was given: for the way there and back. A guess. */
const answerMs = 2_000;
/** How long it is tried to have a deployment seen that no proxy sees: a restart of the registry. A guess. */
const patienceMs = 30_000;
/** Between two such tries. */
const againMs = 500;
/** For websockets to end by themselves before they get a close frame. A guess. */
const graceMsMax = 5_000;

export interface SwitchboardParts {
  readonly clock: Clock;
  readonly rows: LedgerRows;
  readonly fleet: Pick<Fleet, "members">;
  readonly proxies: Proxies;
  readonly book: Pick<Book, "revision">;
}

export class Switchboard {
  readonly #parts: SwitchboardParts;
  #isStopped = false;

  constructor(parts: SwitchboardParts) {
    this.#parts = parts;
  }

  /** Whether there is any proxy that a switch waits for. */
  get asks(): boolean {
    return this.#parts.proxies.live.length > 0;
  }

  /**
   * Visitors are sent to these deployments by `write`, in the order that loses none of them.
   *
   * @throws NOT_SEEN, and what `write` throws
   */
  async move(deployments: readonly string[], write: () => Promise<void>): Promise<void> {
    await this.seen(deployments);
    await write();
    await this.applied();
  }

  /** Resolves when every live proxy can send visitors to these. @throws NOT_SEEN when none can, in half a minute */
  async seen(deployments: readonly string[]): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.monotonic() + patienceMs;
    for (;;) {
      const unseen = await this.#ask(this.#seenDeployments(deployments));
      if (this.#isStopped) throw new PropagitError("LINK_LOST", "the hub ends");
      if (unseen === undefined) return;
      if (clock.monotonic() >= until) throw new PropagitError("NOT_SEEN", unseen);
      await pause(clock, againMs);
    }
  }

  /** Resolves when every live proxy goes by the book as it is now. */
  async applied(): Promise<void> {
    await this.#ask([]);
  }

  /** See `hub.drained`. */
  async drained({ addresses, waitMs }: Params<"hub.drained">): Promise<Result<"hub.drained">> {
    const { clock, proxies } = this.#parts;
    const until = clock.monotonic() + waitMs;
    const live = proxies.live.map(({ identity }) => identity);
    const silent: string[] = [];
    let inFlight = 0;
    const ask = async (proxy: string): Promise<void> => {
      const leftMs = Math.max(0, Math.round(until - clock.monotonic()));
      const graceMs = Math.min(graceMsMax, Math.floor(leftMs / 2));
      const params = { addresses, graceMs, waitMs: leftMs };
      const answer = await proxies.call(proxy, "proxy.drained", params, limit(leftMs));
      inFlight += answer.inFlight;
    };
    const askOne = async (proxy: string) => {
      const outcome = await this.#untilAnswered(proxy, until, ask);
      if (outcome === "silent") proxies.cut(proxy, "it did not say whether something is drained");
      if (outcome !== "answered") silent.push(proxies.nameOf(proxy));
    };
    await Promise.all(live.map(askOne));
    return { proxies: live.length, inFlight, silent };
  }

  /** Nobody is asked any more; before the proxies are stopped. */
  stop(): void {
    this.#isStopped = true;
  }

  #seenDeployments(ids: readonly string[]): SeenDeployment[] {
    const rows = this.#parts.rows.rows("deployments");
    const members = this.#parts.fleet.members.filter(({ contact }) => contact !== "left");
    const reports = members.flatMap(({ instances }) => [...instances.values()]);
    return [...new Set(ids)].flatMap((id) => {
      const row = rows.get(id);
      return row ? [seenDeploymentOf(row, reports)] : [];
    });
  }

  /** @returns why no proxy sees it; undefined when all that are left do */
  async #ask(deployments: SeenDeployment[]): Promise<string | undefined> {
    const { proxies, book } = this.#parts;
    const { revision } = book;
    const sights = new Map<string, Sight>();
    const askOne = async (proxy: string) => {
      sights.set(proxy, await this.#sightOf(proxy, { revision, deployments, waitMs: seeMs }));
    };
    await Promise.all(proxies.live.map(({ identity }) => askOne(identity)));
    if (this.#isStopped) return undefined;
    const judged = judgeSights(sights, (proxy) => proxies.nameOf(proxy), seeMs);
    for (const [proxy, why] of judged.cut) proxies.cut(proxy, why);
    return judged.unseen;
  }

  async #sightOf(proxy: string, params: Params<"proxy.sees">): Promise<Sight> {
    let sight: Sight = { kind: "gone" };
    const outcome = await this.#untilAnswered(proxy, Number.POSITIVE_INFINITY, async () => {
      const { proxies } = this.#parts;
      const answer = await proxies.call(proxy, "proxy.sees", params, limit(seeMs));
      if (answer.revision < params.revision) sight = { kind: "silent" };
      else if (answer.missing.length === 0) sight = { kind: "sees" };
      else sight = { kind: "misses", what: missingText(answer.missing, params.deployments) };
    });
    return outcome === "silent" ? { kind: "silent" } : sight;
  }

  /** Asks a proxy, again after each of its connects, until it answers or nobody waits for it any more. */
  async #untilAnswered(
    proxy: string,
    until: number,
    ask: (proxy: string) => Promise<void>,
  ): Promise<"answered" | "silent" | "gone"> {
    while (await this.#isThere(proxy, until)) {
      try {
        await ask(proxy);
        return "answered";
      } catch (thrown) {
        if (this.#isStopped) return "gone";
        if (toPropagitError(thrown).code !== "LINK_LOST") return "silent";
      }
    }
    return "gone";
  }

  /** Resolves when it is connected, or not waited for. */
  #isThere(proxy: string, until: number): Promise<boolean> {
    const { clock, proxies } = this.#parts;
    return new Promise((resolve) => {
      const end = (isThere: boolean) => {
        listening.stop();
        timer?.cancel();
        resolve(isThere);
      };
      const look = () => {
        const contact = proxies.contactOf(proxy);
        if (contact === "connected") end(true);
        else if (contact !== "lost" || this.#isStopped) end(false);
      };
      const leftMs = until - clock.monotonic();
      const timer = Number.isFinite(leftMs)
        ? clock.after(Math.max(0, leftMs), () => end(false))
        : undefined;
      const listening = proxies.listen(look);
      look();
    });
  }
}

function limit(waitMs: number) {
  return { limitMs: waitMs + answerMs };
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
