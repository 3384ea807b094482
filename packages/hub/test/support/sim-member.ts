/** A drone or relay as far as ways go: it joins, hears where the hub is reached, and carries wires of others. */
import type { Address, Params, Result } from "@propagit/protocol";
import {
  Link,
  sessionPaths,
  spliceWires,
  Tunnel,
  tunnelHandlers,
  type Conversation,
} from "@propagit/runtime";
import { credential, hubAddress, identityOf, type SimHub } from "./sim-hub.js";

export interface SimMemberOptions {
  readonly zone?: string;
  /** Default: the hub. */
  readonly to?: Address;
  /** Default: it hears of ways. */
  readonly ways?: boolean;
  /** It is a relay, at the address `NAME:6001`. */
  readonly relay?: boolean;
}

export class SimMember {
  readonly name: string;
  readonly link: Link;
  /** What it was told of ways, in the answer to its join and since. */
  readonly told: (readonly string[])[] = [];
  joined: Result<"hub.join"> | undefined;
  #tunnel: Tunnel | undefined;
  #carrier: Conversation | undefined;

  constructor(hub: SimHub, name: string, options: SimMemberOptions = {}) {
    const { to = hubAddress } = options;
    const { clock } = hub.sim;
    this.name = name;
    this.link = new Link(hub.sim.worldOf(name), {
      address: to,
      path: sessionPaths.hub,
      role: "drone",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        this.joined = await conversation.call("hub.join", introductionOf(name, options));
        if (this.joined.ways) this.told.push(this.joined.ways);
        this.#carrier = conversation;
        this.#tunnel = new Tunnel(clock, { carrier: conversation });
      },
      tellingHandlers: {
        ...tunnelHandlers((from) => (from === this.#carrier ? this.#tunnel : undefined)),
        "drone.assign": () => undefined,
        "drone.ways": ({ ways }) => void this.told.push(ways),
      },
    });
    if (options.relay) {
      for (const path of [sessionPaths.hub, sessionPaths.registry]) {
        hub.sim.network.serve({ host: name, port: 6001 }, path, (wire) => {
          if (!this.#tunnel || this.link.state.kind !== "up") return wire.close();
          spliceWires(clock, wire, this.#tunnel.open(path, wire.remoteHost));
        });
      }
    }
  }

  get isUp(): boolean {
    return this.link.state.kind === "up";
  }
}

function introductionOf(name: string, options: SimMemberOptions): Params<"hub.join"> {
  const { zone, to = hubAddress, ways = true, relay = false } = options;
  const place = { host: name, port: 6001 };
  const upstream = `${to.host}:${to.port}`;
  return {
    identity: identityOf(name),
    name,
    labels: zone === undefined ? {} : { zone },
    host: name,
    version: "1.0.0",
    instances: [],
    ...(relay && { swarm: { port: 6001, relay: { ...place, upstream, carriesOnly: true } } }),
    ...(ways && { ways }),
  };
}
