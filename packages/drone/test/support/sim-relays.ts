/**
 * A hub, relays and clients on a simulated network. The hub only keeps conversations, whatever they came
 * through; relays are the real ones over a plain link.
 */
import { formatAddress, type Address, type Credential, type ErrorData } from "@propagit/protocol";
import {
  Conversation,
  Link,
  sessionPaths,
  simulate,
  Tunnel,
  tunnelHandlers,
  type LinkState,
  type Simulation,
  type Wire,
} from "@propagit/runtime";
import type { DroneContext } from "../../src/drone-part.js";
import { Relay } from "../../src/relay.js";

export const hubAddress: Address = { host: "hub", port: 6001 };
const clusterKey = "5ec7".repeat(16);
const cluster: Credential = { id: "cluster", key: clusterKey };

export interface SimRelay {
  readonly address: Address;
  readonly link: Link;
  readonly relay: Relay;
  /** As kill -9 does. */
  kill(): void;
}

export interface SimClient {
  readonly name: string;
  readonly link: Link;
  readonly reasons: ErrorData[];
  /** Answers to a call every second. */
  answers: number;
  readonly isUp: boolean;
}

export class SimRelays {
  readonly sim: Simulation;
  /** The hub's ends that are open. */
  readonly conversations = new Set<Conversation>();
  readonly #tunnels = new WeakMap<Conversation, Tunnel>();

  constructor(seed: number) {
    this.sim = simulate(seed);
  }

  startHub(): () => void {
    return this.sim.network.serve(hubAddress, sessionPaths.hub, (wire) => this.#accept(wire));
  }

  startRelay(name: string, to: Address = hubAddress): SimRelay {
    const { sim } = this;
    const world = sim.worldOf(name);
    const address = { host: name, port: 6001 };
    // What a relay wants to know of its drone.
    const context = { world, name: () => name, host: name, upstream: () => link.address };
    const relay = new Relay(context as unknown as DroneContext, { port: 6001, carriesOnly: true });
    const { tellingHandlers, linkChanged, query } = relay.part;
    const link: Link = new Link(world, {
      ...linkTo(to),
      ...(tellingHandlers && { tellingHandlers }),
      ...(query && { query }),
      changed: (state) => linkChanged?.(state),
    });
    const close = sim.network.serve(address, sessionPaths.hub, (wire, query_) => {
      void relay.accept(wire, sessionPaths.hub, query_);
    });
    const kill = () => {
      close();
      sim.network.dropHost(name);
      link.stop();
    };
    return { address, link, relay, kill };
  }

  startClient(name: string, ways: readonly Address[], last = hubAddress): SimClient {
    const reasons: ErrorData[] = [];
    const link = new Link(this.sim.worldOf(name), {
      ...linkTo(last),
      ways: () => ways,
      changed: (state: LinkState) => {
        if (state.kind === "waiting") reasons.push(state.reason);
      },
    });
    const client = {
      name,
      link,
      reasons,
      answers: 0,
      get isUp() {
        return link.state.kind === "up";
      },
    };
    this.#askEverySecond(client);
    return client;
  }

  #askEverySecond(client: SimClient): void {
    const ask = () => {
      if (client.link.state.kind === "stopped") return;
      const answer = client.link.call("hub.ps", {}, { limitMs: 5_000 });
      answer.then(
        () => (client.answers += 1),
        () => undefined,
      );
      this.sim.clock.after(1_000, ask);
    };
    this.sim.clock.after(1_000, ask);
  }

  #accept(wire: Wire): void {
    const conversation = new Conversation(this.sim.worldOf("hub"), wire, {
      side: { kind: "server", clusterKey, heartbeatMs: 5_000 },
      handlers: { "hub.ps": () => ({ instances: [] }) },
      tellingHandlers: tunnelHandlers((from) => this.#tunnelOf(from)),
    });
    this.conversations.add(conversation);
    void conversation.over.then(() => this.conversations.delete(conversation));
  }

  #tunnelOf(carrier: Conversation): Tunnel {
    const known = this.#tunnels.get(carrier);
    if (known) return known;
    const accept = (wire: Wire) => this.#accept(wire);
    const tunnel = new Tunnel(this.sim.clock, { carrier, accept });
    this.#tunnels.set(carrier, tunnel);
    return tunnel;
  }
}

function linkTo(address: Address) {
  return {
    address,
    path: sessionPaths.hub,
    role: "drone",
    credential: cluster,
    acceptsOpen: false,
  } as const;
}

export function wayOf({ link }: SimClient): string {
  return formatAddress(link.address);
}
