/**
 * Relays: the wires that they carry, who speaks through which of them, and what drones are told of that.
 *
 *     relay.open on a relay's conversation -> a wire -> the hub, or its registry, as if it had come by itself
 */
import { formatAddress, PropagitError, relayDepthMax, type Params } from "@propagit/protocol";
import {
  refuseWire,
  Tunnel,
  tunnelHandlers,
  type Clock,
  type Conversation,
  type ServicePath,
  type TellingHandlers,
  type Wire,
} from "@propagit/runtime";
import { waysOf, type RelaySeen } from "./core/ways.js";
import type { Fleet, Member } from "./fleet.js";
import { Paced } from "./paced.js";

export interface RelayDeskOptions {
  readonly clock: Clock;
  readonly fleet: Fleet;
  /** Takes a wire that came through a relay's conversation; undefined where there is no such service. */
  readonly accept: (path: ServicePath) => ((wire: Wire, carrier: Conversation) => void) | undefined;
}

/** Relays that come and go are one occasion within this time. */
const restMs = 1_000;

export class RelayDesk {
  readonly tellingHandlers: TellingHandlers = tunnelHandlers((from) => this.#tunnelOf(from));
  readonly #options: RelayDeskOptions;
  readonly #tunnels = new WeakMap<Conversation, Tunnel>();
  /** Conversations that came through a relay's. */
  readonly #carriers = new WeakMap<Conversation, Conversation>();
  /** Identities of drones that were relays when they were heard of last. */
  readonly #relays = new Set<string>();
  /** By identity, the conversation of the last join. */
  readonly #joined = new Map<string, Conversation>();
  /** Drones that hear of ways, and what they were told last. */
  readonly #told = new Map<string, string>();
  readonly #tellAll: Paced;
  readonly #listening: { stop(): void };

  constructor(options: RelayDeskOptions) {
    this.#options = options;
    this.#tellAll = new Paced(
      options.clock,
      () => restMs,
      () => this.#tellWays(),
    );
    this.#listening = options.fleet.listen({
      observed: () => undefined,
      contact: (identity) => this.#contactChanged(identity),
    });
  }

  /** A conversation came through the one of a relay. */
  carried(conversation: Conversation, carrier: Conversation): void {
    this.#carriers.set(conversation, carrier);
  }

  /** A drone joined: the ways that it is told in the answer. */
  joined(
    { identity }: Member,
    { ways: goesByWays = false }: Pick<Params<"hub.join">, "ways">,
    conversation: Conversation,
  ): { readonly ways?: string[] } {
    this.#joined.set(identity, conversation);
    this.#told.delete(identity);
    void conversation.over.then(() => this.#ended(identity, conversation));
    if (!goesByWays) return {};
    const ways = this.#waysOf(identity, this.#relaysSeen());
    this.#told.set(identity, ways.join());
    return { ways };
  }

  /** Identity of the relay through which a drone is connected. */
  through(identity: string): string | undefined {
    const conversation = this.#joined.get(identity);
    const carrier = conversation && this.#carriers.get(conversation);
    return carrier && this.#options.fleet.speaker(carrier);
  }

  stop(): void {
    this.#tellAll.stop();
    this.#listening.stop();
  }

  #ended(identity: string, conversation: Conversation): void {
    if (this.#joined.get(identity) !== conversation) return;
    this.#joined.delete(identity);
    this.#told.delete(identity);
  }

  #contactChanged(identity: string): void {
    if (this.#options.fleet.member(identity)?.swarm?.relay) this.#relays.add(identity);
    else if (!this.#relays.delete(identity)) return;
    this.#tellAll.ask();
  }

  #tunnelOf(conversation: Conversation): Tunnel | undefined {
    const known = this.#tunnels.get(conversation);
    if (known) return known;
    const { role, access } = conversation.peer ?? {};
    if (role !== "drone" || typeof access === "object") {
      conversation.end(new PropagitError("BAD_FRAME", "only a relay carries wires of others"));
      return undefined;
    }
    const tunnel = new Tunnel(this.#options.clock, {
      carrier: conversation,
      accept: (wire, path) => this.#accept(wire, path, conversation),
    });
    this.#tunnels.set(conversation, tunnel);
    return tunnel;
  }

  #accept(wire: Wire, path: ServicePath, carrier: Conversation): void {
    if (this.#depthOf(carrier) > relayDepthMax) {
      const reason = `more than ${relayDepthMax} relays are one behind the other`;
      return refuseWire(wire, new PropagitError("RELAY_LOOP", reason));
    }
    const accept = this.#options.accept(path);
    if (accept) return accept(wire, carrier);
    const reason = `the hub has nothing at ${path}: its registry is elsewhere`;
    refuseWire(wire, new PropagitError("UNREACHABLE", reason));
  }

  /** How many relays a wire goes through that comes on that conversation; counted up to too many. */
  #depthOf(carrier: Conversation): number {
    let depth = 0;
    let at: Conversation | undefined = carrier;
    for (; at && depth <= relayDepthMax; depth++) at = this.#carriers.get(at);
    return depth;
  }

  #tellWays(): void {
    const relays = this.#relaysSeen();
    for (const [identity, before] of this.#told) {
      const ways = this.#waysOf(identity, relays);
      if (ways.join() === before) continue;
      this.#told.set(identity, ways.join());
      this.#options.fleet.tell(identity, "drone.ways", { ways });
    }
  }

  #waysOf(identity: string, relays: readonly RelaySeen[]): string[] {
    const member = this.#options.fleet.member(identity);
    const asker = {
      identity,
      zone: member?.labels["zone"],
      isRelay: member?.swarm?.relay !== undefined,
      through: this.through(identity),
    };
    return [...waysOf(asker, relays)];
  }

  /** Also those that were lost just now: whoever tries them sees for himself. */
  #relaysSeen(): readonly RelaySeen[] {
    return [...this.#relays].flatMap((identity) => {
      const { contact, labels, swarm } = this.#options.fleet.member(identity) ?? {};
      if (!swarm?.relay || (contact !== "connected" && contact !== "lost")) return [];
      const { upstream } = swarm.relay;
      const [zone, through] = [labels?.["zone"], this.through(identity)];
      return [{ identity, zone, address: formatAddress(swarm.relay), upstream, through }];
    });
  }
}
