/** A proxy as the hub meets it, that answers the questions of a switch as a test says. */
import type { BookUpdate, Params, Result } from "@propagit/protocol";
import { Link, sessionPaths, type Conversation } from "@propagit/runtime";
import { BookDouble } from "./book-double.js";
import { credential, hubAddress, identityOf, type SimHub } from "./sim-hub.js";

export class ProxyDouble {
  readonly book = new BookDouble();
  /** What it was asked, in order. */
  readonly asked: Params<"proxy.sees">[] = [];
  readonly drained: Params<"proxy.drained">[] = [];
  /** Updates that came in answer to its last `hub.routes`. */
  updates: BookUpdate[] = [];
  /** Services that it knows no endpoint of. */
  blind = false;
  /** It answers nothing until it is let go. */
  #held: Promise<void> = Promise.resolve();
  letGo: () => void = () => undefined;
  inFlight = 0;
  conversation: Conversation | undefined;
  readonly link: Link;

  constructor(hub: SimHub, name: string) {
    const identity = identityOf(name);
    this.link = new Link(hub.sim.worldOf(name), {
      address: hubAddress,
      path: sessionPaths.hub,
      role: "proxy",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        const address = { host: name, port: 80 };
        await conversation.call("hub.meet", { identity, name, version: "1.0.0", address });
        this.conversation = conversation;
        this.#follow(conversation);
      },
      handlers: {
        "proxy.sees": (params) => this.#sees(params),
        "proxy.drained": async (params) => {
          this.drained.push(params);
          await this.#held;
          return { inFlight: this.inFlight };
        },
      },
    });
  }

  /** From now on it answers nothing. */
  hold(): void {
    this.#held = new Promise((resolve) => {
      this.letGo = resolve;
    });
  }

  /** As kill -9 does. */
  die(): void {
    this.link.stop();
  }

  /** As SIGTERM does. */
  async leave(): Promise<void> {
    await this.link.call("hub.leave", {});
    this.link.stop();
  }

  /** Commits that visitors are sent to, as it knows. */
  get commits(): readonly string[] {
    return this.book.book.routes.flatMap(({ shares }) => shares.map(({ commit }) => commit));
  }

  #follow(conversation: Conversation): void {
    const { name: book, revision } = this.book;
    this.updates = [];
    const onPart = (update: BookUpdate) => {
      this.updates.push(update);
      this.book.take(update);
      conversation.tell("hub.proxy", { revision: update.revision, stale: [] });
    };
    const since = book === undefined ? {} : { since: { book, revision } };
    const updates = conversation.call("hub.routes", since, { limitMs: 0, onPart });
    updates.catch(() => undefined);
  }

  async #sees(params: Params<"proxy.sees">): Promise<Result<"proxy.sees">> {
    this.asked.push(params);
    await this.#held;
    const missing = params.deployments.flatMap(({ id, services }) =>
      this.blind ? services.map((service) => ({ deployment: id, service })) : [],
    );
    return { revision: this.book.revision, missing };
  }
}

/** Proxies that the hub has met. */
export async function meetProxies(
  hub: SimHub,
  ...names: readonly string[]
): Promise<ProxyDouble[]> {
  const proxies = names.map((name) => new ProxyDouble(hub, name));
  const areMet = () => proxies.every(({ updates }) => updates.length > 0);
  await hub.sim.clock.until("the proxies to be met", areMet);
  return proxies;
}
