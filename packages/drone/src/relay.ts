/**
 * A relay: a drone that speaks for its zone. Wires that come to its front go on, each as a channel of the
 * relay's own session, to whatever the relay itself is connected to: the hub, or another relay.
 *
 *     drone --wire--> front --accept--> relay ==channel of its session==> hub
 *
 * It needs not be believed: what it carries is sealed between those two. And it keeps nothing: when its session
 * ends the wires end, and whoever they were of comes back, here or by another way.
 */
import { formatAddress, PropagitError, type Address } from "@propagit/protocol";
import {
  refuseWire,
  spliceWires,
  Tunnel,
  tunnelHandlers,
  type Conversation,
  type LinkState,
  type ServicePath,
  type Wire,
} from "@propagit/runtime";
import { readRelays, withRelays } from "./core/relay-query.js";
import type { DroneContext, DronePart } from "./drone-part.js";

/** Where a relay takes others in. */
export interface RelayPlace {
  readonly port: number;
  /** It runs no instances itself. */
  readonly carriesOnly: boolean;
}

/** What somebody gets whose request is not for the relay itself. */
export type Onward =
  | { readonly kind: "up"; readonly address: Address }
  | { readonly kind: "away"; readonly error: PropagitError };

/**
 * How long a wire waits for the relay's own session: a hub that restarts is back by then, and its drones stay
 * with their relays; below the handshake's own bound.
 */
const waitMsMax = 3_000;
/** Wires that wait; a zone that lost its hub comes back all at once. */
const waitingMax = 2_000;
/** Relays behind this one are remembered for so long; they ask more often than that. */
const behindMs = 60_000;
/** Anybody can claim to be one. */
const behindMax = 256;

/** A relay as its front sees it. */
export interface RelayDoor {
  readonly onward: Onward;
  accept(wire: Wire, path: ServicePath, query: string): Promise<void>;
}

export class Relay implements RelayDoor {
  readonly part: DronePart;
  readonly #context: DroneContext;
  /** Made anew in each life: it only serves to find itself again in a circle. */
  readonly #id: string;
  readonly #waiting = new Set<(tunnel: Tunnel | undefined) => void>();
  /** Relays that came to this one, and when. */
  readonly #behind = new Map<string, number>();
  #carrier: Conversation | undefined;
  #tunnel: Tunnel | undefined;
  #reason = new PropagitError("UNREACHABLE", "it has only just started");

  constructor(context: DroneContext, place: RelayPlace) {
    this.#context = context;
    this.#id = context.world.random.hex(16);
    const { port, carriesOnly } = place;
    this.part = {
      handlers: {},
      tellingHandlers: tunnelHandlers((from) =>
        from === this.#carrier ? this.#tunnel : undefined,
      ),
      introduction: () => {
        const upstream = formatAddress(context.upstream());
        const relay = { host: context.host, port, upstream, ...(carriesOnly && { carriesOnly }) };
        return { swarm: { port, relay } };
      },
      linkChanged: (state) => this.#linkChanged(state),
      query: () => withRelays([this.#id, ...this.#relaysBehind()]),
    };
  }

  /** Where requests go on to. */
  get onward(): Onward {
    if (this.#tunnel) return { kind: "up", address: this.#context.upstream() };
    return { kind: "away", error: this.#away() };
  }

  /** Takes a wire for a service of the hub; refuses it with the reason when the hub is away for long. */
  async accept(wire: Wire, path: ServicePath, query: string): Promise<void> {
    const relays = readRelays(query);
    if (relays.includes(this.#id)) return refuseWire(wire, this.#circle());
    this.#rememberBehind(relays);
    if (!this.#tunnel) wire.hold?.(true);
    const tunnel = this.#tunnel ?? (await this.#whenUp());
    wire.hold?.(false);
    if (!tunnel) return refuseWire(wire, this.#away());
    try {
      spliceWires(this.#context.world.clock, wire, tunnel.open(path, wire.remoteHost));
    } catch (thrown) {
      refuseWire(wire, thrown instanceof PropagitError ? thrown : this.#away());
    }
  }

  #linkChanged(state: LinkState): void {
    if (state.kind === "up") {
      this.#carrier = state.conversation;
      this.#tunnel = new Tunnel(this.#context.world.clock, { carrier: state.conversation });
      this.#settle();
      return;
    }
    this.#carrier = undefined;
    this.#tunnel = undefined;
    if (state.kind === "connecting") return;
    this.#reason = PropagitError.fromData(state.reason);
    // Waiting would change nothing, and each relay of the circle would wait for the next.
    if (this.#reason.code === "RELAY_LOOP" || state.kind === "stopped") this.#settle();
  }

  /** The tunnel, as soon as there is one; undefined when there is none in time. */
  #whenUp(): Promise<Tunnel | undefined> {
    if (this.#waiting.size >= waitingMax || this.#reason.code === "RELAY_LOOP") {
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      const settle = (tunnel: Tunnel | undefined) => {
        this.#waiting.delete(settle);
        timer.cancel();
        resolve(tunnel);
      };
      const timer = this.#context.world.clock.after(waitMsMax, () => settle(undefined));
      this.#waiting.add(settle);
    });
  }

  #settle(): void {
    for (const settle of this.#waiting) settle(this.#tunnel);
  }

  #away(): PropagitError {
    const { code, message, hint } = this.#reason;
    if (code === "RELAY_LOOP") return this.#reason;
    const who = `relay ${this.#context.name()} has no connection to the hub`;
    return new PropagitError("UNREACHABLE", `${who}: ${message}`, { hint });
  }

  #circle(): PropagitError {
    const upstream = formatAddress(this.#context.upstream());
    const who = `relay ${this.#context.name()}, which goes on to ${upstream}, comes back to itself`;
    return new PropagitError("RELAY_LOOP", who);
  }

  #rememberBehind(relays: readonly string[]): void {
    const now = this.#context.world.clock.monotonic();
    for (const relay of relays) {
      this.#behind.delete(relay);
      this.#behind.set(relay, now);
    }
    for (const relay of [...this.#behind.keys()].slice(0, -behindMax)) this.#behind.delete(relay);
  }

  #relaysBehind(): readonly string[] {
    const now = this.#context.world.clock.monotonic();
    for (const [relay, at] of this.#behind) if (now - at > behindMs) this.#behind.delete(relay);
    return [...this.#behind.keys()];
  }
}
