/**
 * The hub: takes in drones, proxies and commands on its wires, and answers out of ledger and fleet.
 *
 *     wire -> Conversation -> handler -> a desk -> rollouts | ledger -> store
 *                                             ledger changed -> drones, proxies and watchers are told
 *
 * Each desk answers the methods of one subject. Git is not here: it reaches the hub as `Repositories`, and
 * through `pushDesk` and `mayFetch`.
 */
import {
  fetchPassword,
  PropagitError,
  toPropagitError,
  type ErrorData,
  type Peer,
  type RegistryPlace,
} from "@propagit/protocol";
import { Conversation, sessionPaths, type TellingHandlers, type Wire } from "@propagit/runtime";
import { Assignments } from "./assignments.js";
import { Book } from "./book.js";
import { labelsOfRelease, moveBranches } from "./core/branch-edits.js";
import { currentRelease } from "./core/deployment-edits.js";
import { Draft } from "./core/draft.js";
import { isStepping } from "./core/visited.js";
import { Desks } from "./desks.js";
import type { SwarmSource } from "./distribution-desk.js";
import { Fleet } from "./fleet.js";
import { hubIdentity } from "./hub-identity.js";
import { Ledger } from "./ledger.js";
import { Proxies } from "./proxies.js";
import { PushDesk } from "./push-desk.js";
import { RelayDesk } from "./relay-desk.js";
import { Rollouts } from "./rollouts.js";
import { Switchboard } from "./switch.js";
import { upgradeLedger } from "./upgrade-ledger.js";
import type { HubWorld } from "./world.js";

export interface HubOptions {
  /** The stretched shared secret. */
  readonly clusterKey: string;
  /** Where drones and proxies find the registry. */
  readonly registry: RegistryPlace;
  /** Takes wires to that registry which come through relays; undefined when it is elsewhere. */
  readonly acceptRegistry?: (wire: Wire) => void;
  /** Sign of life on every connection, in ms; default 5,000. */
  readonly heartbeatMs?: number;
  /** How long a drone may be gone before its work is moved, in ms; default 30,000. */
  readonly droneTimeoutMs?: number;
  /** How long a proxy may be gone before a switch goes on without it, in ms; default 10,000. */
  readonly proxyTimeoutMs?: number;
  /** See `visitorUrls`. */
  readonly proxyUrl?: string;
}

export interface HubSight {
  readonly swarm: Pick<SwarmSource, "views" | "listen">;
  /** How many are connected, away, or left. */
  readonly drones: ReadonlyMap<string, number>;
}

const droneTimeoutMsDefault = 30_000;
/** Several times what a restarted proxy, or hub, takes to be back; a deploy may wait that long. A guess. */
const proxyTimeoutMsDefault = 10_000;

export class Hub {
  /** For git: what a push sets in motion. */
  readonly pushDesk: PushDesk;
  readonly #world: HubWorld;
  readonly #options: HubOptions;
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #assignments: Assignments;
  readonly #proxies: Proxies;
  readonly #switchboard: Switchboard;
  readonly #rollouts: Rollouts;
  readonly #relays: RelayDesk;
  readonly #desks: Desks;
  readonly #conversations = new Set<Conversation>();
  /** Hashes of the passwords of live sessions, so that comparing takes no telling time. */
  readonly #fetchPasswords = new Map<string, Conversation>();

  private constructor(world: HubWorld, ledger: Ledger, options: HubOptions, identity: string) {
    const { droneTimeoutMs = droneTimeoutMsDefault } = options;
    const { proxyTimeoutMs = proxyTimeoutMsDefault } = options;
    this.#world = world;
    this.#options = options;
    this.#ledger = ledger;
    this.#fleet = new Fleet(world, ledger, { droneTimeoutMs });
    this.#assignments = new Assignments(world, ledger, this.#fleet);
    const book = new Book(ledger, identity);
    this.#proxies = new Proxies(world, ledger, { timeoutMs: proxyTimeoutMs });
    const { clock } = world;
    const [fleet, proxies] = [this.#fleet, this.#proxies];
    this.#switchboard = new Switchboard({ clock, rows: ledger, fleet, proxies, book });
    const rolloutParts = { fleet, assignments: this.#assignments, switchboard: this.#switchboard };
    this.#rollouts = new Rollouts(world, ledger, rolloutParts);
    const { registry, acceptRegistry } = options;
    this.#relays = new RelayDesk({
      clock,
      fleet,
      accept: (path) =>
        path === sessionPaths.registry
          ? acceptRegistry
          : (wire, carrier) => this.#relays.carried(this.#converse(wire), carrier),
    });
    this.#desks = new Desks({
      world,
      ledger,
      fleet: this.#fleet,
      assignments: this.#assignments,
      relays: this.#relays,
      rollouts: this.#rollouts,
      proxies,
      book,
      switchboard: this.#switchboard,
      met: { registry, timeoutMs: proxyTimeoutMs },
      joined: { hub: identity, registry, timeoutMs: droneTimeoutMs },
      proxyUrl: options.proxyUrl,
    });
    this.pushDesk = new PushDesk({
      ledger,
      deploy: (release, asker) => this.#desks.releases.deployPushed(release, asker),
      isVisited: ({ repo, environment, release }) =>
        currentRelease(ledger, repo, environment)?.number === release,
      isStepping: (release) => isStepping(ledger, release),
      branchesOf: (release) => labelsOfRelease(ledger, release),
      branchesMoved: (repo, moves) =>
        ledger.change(() => {
          const draft = new Draft(ledger);
          moveBranches(draft, repo, moves, world.clock.now());
          return draft.changeIfAny;
        }),
      distribution: this.#desks.distribution,
      proxyUrl: options.proxyUrl,
    });
    this.#rollouts.load();
    this.#desks.retention.start();
    this.#desks.certificates.start();
    this.#desks.swarm.start();
    this.#desks.canaries.resume();
  }

  /** @throws DATA_UNUSABLE when the ledger is damaged, or of a later version */
  static async open(world: HubWorld, options: HubOptions): Promise<Hub> {
    await upgradeLedger(world);
    const ledger = await Ledger.open(world.store, world.clock);
    const hub = new Hub(world, ledger, options, await hubIdentity(world.store, world.random));
    hub.#rollouts.resume(await hub.#desks.plans.open());
    return hub;
  }

  /** For whoever watches it: artifacts, and drones by whether they are there. */
  get sight(): HubSight {
    const fleet = this.#fleet;
    return {
      swarm: this.#desks.swarm,
      get drones() {
        const counts = new Map<string, number>();
        for (const { contact } of fleet.members)
          counts.set(contact, (counts.get(contact) ?? 0) + 1);
        return counts;
      },
    };
  }

  /** Takes a new connection; whoever it is, the hub outlives it. */
  accept(wire: Wire): void {
    this.#converse(wire);
  }

  #converse(wire: Wire): Conversation {
    const { clusterKey, heartbeatMs = 5_000 } = this.#options;
    const conversation = new Conversation(this.#world, wire, {
      side: { kind: "server", clusterKey, heartbeatMs },
      handlers: this.#desks.handlers,
      tellingHandlers: { ...this.#tellingHandlers, ...this.#relays.tellingHandlers },
    });
    this.#conversations.add(conversation);
    conversation.established.then(
      (peer) => this.#allowFetch(conversation, peer),
      () => undefined,
    );
    void conversation.over.then((reason) => this.#ended(conversation, reason));
    return conversation;
  }

  /** Whether a password is that of a live session, and so good for fetching. */
  mayFetch(password: string): boolean {
    return this.#fetchPasswords.has(this.#hash(password));
  }

  /** Ends all conversations; releases and plans under way go on when the hub is opened again. */
  async stop(): Promise<void> {
    await this.#desks.plans.stop();
    this.#desks.files?.stop();
    await this.#desks.retention.stop();
    this.#desks.canaries.suspend();
    await this.#desks.certificates.stop();
    this.#desks.swarm.stop();
    this.#switchboard.stop();
    this.#proxies.stop();
    this.#relays.stop();
    this.#fleet.stop();
    this.#assignments.stop();
    this.#rollouts.suspend();
    const goodbye = new PropagitError("LINK_LOST", "the hub ends");
    for (const conversation of this.#conversations) conversation.end(goodbye);
    await this.#ledger.settled();
  }

  readonly #tellingHandlers: TellingHandlers = {
    "hub.instance": ({ instance, step }, conversation) =>
      this.#hear(conversation, () => this.#fleet.observe(conversation, instance, step)),
    "hub.instance-gone": ({ process }, conversation) =>
      this.#hear(conversation, () => this.#fleet.forgetInstance(conversation, process)),
    "hub.proxy": (told, conversation) =>
      this.#hear(conversation, () => this.#proxies.hear(conversation, told)),
    "hub.certificate-book-taken": (told, conversation) =>
      this.#desks.certificates.certificates.taken(told, conversation),
    "hub.report": (report, conversation) => {
      this.#desks.reports.hear(report);
      this.#proxies.hearReport(conversation, report);
    },
    "hub.share": (report, conversation) =>
      this.#hear(conversation, () => this.#desks.swarm.hear(report, conversation)),
    "run.input": (typed, conversation) => this.#desks.runs.input(typed, conversation),
    "run.resize": (size, conversation) => this.#desks.runs.resize(size, conversation),
    "run.signal": (signal, conversation) => this.#desks.runs.signal(signal, conversation),
    "run.taken": (taken, conversation) => this.#desks.runs.taken(taken, conversation),
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
