/**
 * The hub: takes in drones, proxies and commands on its wires, and answers out of ledger and fleet.
 *
 *     wire -> Conversation -> handler -> conductor | routing | fleet -> ledger -> store
 *                                              ledger changed -> drones, proxies and watchers are told
 *
 * Git is not here: it reaches the hub as `Repositories`, and through `pushed` and `mayFetch`.
 */
import {
  fetchPassword,
  parseRepoName,
  PropagitError,
  sendPieces,
  toPropagitError,
  type ErrorData,
  type Peer,
  type RegistryPlace,
} from "@propagit/protocol";
import {
  Conversation,
  type Handlers,
  type IncomingCall,
  type TellingHandlers,
  type Wire,
} from "@propagit/runtime";
import { Conductor, type Asker } from "./conductor.js";
import { describePush, type RefChange } from "./core/ref-change.js";
import { resolveDeployed } from "./deployed.js";
import { Fleet } from "./fleet.js";
import { droneSummaries, instanceSummaries } from "./fleet-view.js";
import { followEvents, followRoutes } from "./followers.js";
import { hubIdentity } from "./hub-identity.js";
import { Ledger } from "./ledger.js";
import { promote, split } from "./routing.js";
import type { HubWorld } from "./world.js";

export interface HubOptions {
  /** The stretched shared secret. */
  readonly clusterKey: string;
  /** Where drones and proxies find the registry. */
  readonly registry: RegistryPlace;
  /** Sign of life on every connection, in ms; default 5,000. */
  readonly heartbeatMs?: number;
}

/** A push that was accepted. */
export interface Push {
  readonly repo: string;
  readonly changes: readonly RefChange[];
  /** The user name that git gave, which nobody checks. */
  readonly by: string;
}

export class Hub {
  readonly #world: HubWorld;
  readonly #options: HubOptions;
  readonly #identity: string;
  readonly #ledger: Ledger;
  readonly #conductor: Conductor;
  readonly #fleet: Fleet;
  readonly #conversations = new Set<Conversation>();
  /** Hashes of the passwords of live sessions, so that comparing takes no telling time. */
  readonly #fetchPasswords = new Map<string, Conversation>();

  private constructor(world: HubWorld, ledger: Ledger, options: HubOptions, identity: string) {
    this.#world = world;
    this.#identity = identity;
    this.#options = options;
    this.#ledger = ledger;
    this.#conductor = new Conductor(world, ledger);
    this.#fleet = new Fleet(world, ledger, {
      observed: (...seen) => this.#conductor.observed(...seen),
      contact: (...seen) => this.#conductor.contact(...seen),
    });
    ledger.listen({
      changed: (tables) => {
        if (tables.has("deployments")) this.#fleet.tellDesire();
      },
      happened: () => undefined,
    });
    this.#conductor.start(this.#fleet);
  }

  /** @throws DATA_UNUSABLE when the ledger is damaged */
  static async open(world: HubWorld, options: HubOptions): Promise<Hub> {
    const ledger = await Ledger.open(world.store, world.clock);
    return new Hub(world, ledger, options, await hubIdentity(world.store, world.random));
  }

  /** Takes a new connection; whoever it is, the hub outlives it. */
  accept(wire: Wire): void {
    const { clusterKey, heartbeatMs = 5_000 } = this.#options;
    const conversation = new Conversation(this.#world, wire, {
      side: { kind: "server", clusterKey, heartbeatMs },
      handlers: this.#handlers,
      tellingHandlers: this.#tellingHandlers,
    });
    this.#conversations.add(conversation);
    conversation.established.then(
      (peer) => this.#allowFetch(conversation, peer),
      () => undefined,
    );
    void conversation.over.then((reason) => this.#ended(conversation, reason));
  }

  /** Whether a password is that of a live session, and so good for fetching. */
  mayFetch(password: string): boolean {
    return this.#fetchPasswords.has(this.#hash(password));
  }

  pushed(push: Push): void {
    this.#ledger.note(describePush(push));
  }

  /** Ends all conversations; deploys under way go on when the hub is opened again. */
  async stop(): Promise<void> {
    this.#fleet.stop();
    this.#conductor.suspend();
    const goodbye = new PropagitError("LINK_LOST", "the hub ends");
    for (const conversation of this.#conversations) conversation.end(goodbye);
    await this.#ledger.settled();
  }

  readonly #handlers: Handlers = {
    "hub.deploy": async ({ repo, ref }, call) => {
      const name = parseRepoName(repo);
      const commit = await this.#world.repositories.resolve(name, ref);
      return this.#conductor.deploy({ repo: name, commit }, askerOf(call));
    },
    "hub.stop": async ({ repo, ref, force }, call) => {
      const target = await resolveDeployed(this.#world, this.#ledger, repo, ref);
      return this.#conductor.stop(target, force, askerOf(call));
    },
    "hub.promote": async ({ repo, ref }) => {
      const target = await resolveDeployed(this.#world, this.#ledger, repo, ref);
      return promote(this.#ledger, target.repo, target.commit);
    },
    "hub.split": async ({ repo, shares }) => {
      const name = parseRepoName(repo);
      const wanted = [];
      for (const { ref, weight } of shares) {
        const { commit } = await resolveDeployed(this.#world, this.#ledger, repo, ref);
        wanted.push({ commit, weight });
      }
      return split(this.#ledger, name, wanted);
    },
    "hub.ps": (_, { part }) => {
      const [drones, routes] = [this.#ledger.rows("drones"), this.#ledger.rows("routes")];
      const instances = instanceSummaries(drones, this.#fleet.members, routes);
      return { instances: sendPieces(instances, part) };
    },
    "hub.drones": (_, { part }) => {
      const drones = droneSummaries(this.#ledger.rows("drones"), this.#fleet.members);
      return { drones: sendPieces(drones, part) };
    },
    "hub.events": (params, call) => followEvents(this.#ledger, params, call),
    "hub.routes": (_, call) => followRoutes(this.#ledger, call),
    "hub.meet": () => ({ registry: this.#options.registry }),
    "hub.join": async (params, { conversation }) => {
      const name = await this.#fleet.join(params, conversation);
      return { name, registry: this.#options.registry, hub: this.#identity };
    },
    "hub.leave": async (_, { conversation }) => {
      await this.#fleet.leave(conversation);
      return {};
    },
  };

  readonly #tellingHandlers: TellingHandlers = {
    "hub.instance": ({ instance, step }, conversation) =>
      this.#hear(conversation, () => this.#fleet.observe(conversation, instance, step)),
    "hub.instance-gone": ({ process }, conversation) =>
      this.#hear(conversation, () => this.#fleet.forgetInstance(conversation, process)),
  };

  /** What is told out of order ends the conversation of whoever told it, and nothing else. */
  #hear(conversation: Conversation, take: () => void): void {
    try {
      take();
    } catch (thrown) {
      conversation.end(toPropagitError(thrown));
    }
  }

  #allowFetch(conversation: Conversation, { access, sessionKey }: Peer): void {
    if (access !== "cluster" || !conversation.isOpen) return;
    const password = fetchPassword(this.#world.crypto, sessionKey);
    this.#fetchPasswords.set(this.#hash(password), conversation);
  }

  #ended(conversation: Conversation, { code, message }: ErrorData): void {
    this.#conversations.delete(conversation);
    for (const [hash, owner] of this.#fetchPasswords) {
      if (owner === conversation) this.#fetchPasswords.delete(hash);
    }
    if (code === "LINK_LOST") return;
    this.#world.log.warn(
      `a connection from ${conversation.remoteHost} ended: ${message} (${code})`,
    );
  }

  #hash(password: string): string {
    return this.#world.crypto.mac(this.#options.clusterKey, password);
  }
}

function askerOf(call: IncomingCall<"hub.deploy" | "hub.stop">): Asker {
  return { onLine: (line) => call.part(line), signal: call.signal };
}
