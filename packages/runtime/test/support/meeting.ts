/** The default world of these tests: a hub and a client on a simulated network, with one shared secret. */
import type { Credential, Peer } from "@propagit/protocol";
import {
  Conversation,
  Link,
  sessionPaths,
  simulate,
  spliceWires,
  Tunnel,
  tunnelHandlers,
  type Handlers,
  type LinkOptions,
  type Log,
  type Simulation,
  type TellingHandlers,
  type Wire,
} from "../../src/index.js";

export const clusterKey = "5ec7".repeat(16);
export const cluster: Credential = { id: "cluster", key: clusterKey };
export const hubAddress = { host: "hub", port: 6001 };
export const heartbeatMs = 5_000;

export interface HubOptions {
  readonly handlers?: Handlers;
  readonly tellingHandlers?: TellingHandlers;
  readonly clusterKey?: string | undefined;
  /** Changes the wire that the hub gets, to make it slow or wrong. */
  readonly wrap?: (wire: Wire) => Wire;
}

/** A hub that can be killed; it notes what it logs and keeps its conversations. */
export interface Hub {
  readonly conversations: Conversation[];
  readonly warnings: string[];
  kill(): void;
}

export function startHub(sim: Simulation, options: HubOptions = {}): Hub {
  const conversations: Conversation[] = [];
  const warnings: string[] = [];
  const log: Log = { info: () => undefined, warn: (message) => warnings.push(message) };
  const world = { ...sim.worldOf(hubAddress.host), log };
  const { handlers, tellingHandlers, wrap = (wire: Wire) => wire } = options;
  const key = "clusterKey" in options ? options.clusterKey : clusterKey;
  const serve = isRelayed ? serveThroughRelay : serveAtOnce;
  const kill = serve(sim, (wire) => {
    const conversation = new Conversation(world, wrap(wire), {
      side: { kind: "server", clusterKey: key, heartbeatMs },
      ...(handlers && { handlers }),
      ...(tellingHandlers && { tellingHandlers }),
    });
    conversations.push(conversation);
  });
  return { conversations, warnings, kill };
}

let isRelayed = false;

/** From now on every hub of this process is behind a relay, which is where its address leads. */
export function putHubsBehindRelays(): void {
  isRelayed = true;
}

function serveAtOnce(sim: Simulation, accept: (wire: Wire) => void): () => void {
  return sim.network.serve(hubAddress, sessionPaths.hub, accept);
}

function serveThroughRelay(sim: Simulation, accept: (wire: Wire) => void): () => void {
  const [world, behind] = [sim.worldOf(hubAddress.host), { host: "behind", port: 6001 }];
  const tunnels = new WeakMap<Conversation, Tunnel>();
  const tellingHandlers = tunnelHandlers((from) => tunnels.get(from));
  const killHub = sim.network.serve(behind, sessionPaths.hub, (wire) => {
    const side = { kind: "server", clusterKey, heartbeatMs } as const;
    const carrier = new Conversation(world, wire, { side, tellingHandlers });
    tunnels.set(carrier, new Tunnel(sim.clock, { carrier, accept }));
  });
  const link = new Link(world, {
    address: behind,
    path: sessionPaths.hub,
    role: "drone",
    credential: cluster,
    acceptsOpen: false,
    tellingHandlers,
    introduce: async (carrier) => void tunnels.set(carrier, new Tunnel(sim.clock, { carrier })),
  });
  const killRelay = sim.network.serve(hubAddress, sessionPaths.hub, (wire) => {
    void link.up(10_000).then((carrier) => {
      const channel = tunnels.get(carrier)?.open(sessionPaths.hub, wire.remoteHost);
      return channel && spliceWires(sim.clock, wire, channel);
    });
  });
  return () => {
    killRelay();
    killHub();
    link.stop();
  };
}

/** A hub and one client that have met. */
export interface Meeting {
  readonly sim: Simulation;
  readonly hub: Hub;
  readonly client: Conversation;
  readonly server: Conversation;
  readonly peer: Peer;
}

export interface MeetingOptions extends HubOptions {
  readonly credential?: Credential;
  readonly clientHandlers?: Handlers;
  readonly clientTellingHandlers?: TellingHandlers;
}

export async function meet(options: MeetingOptions = {}): Promise<Meeting> {
  const sim = simulate(1);
  const hub = startHub(sim, options);
  const world = sim.worldOf("laptop");
  const connecting = world.network.connect(hubAddress, sessionPaths.hub, 1_000);
  await sim.clock.advance(100);
  const client = new Conversation(world, await connecting, {
    side: {
      kind: "client",
      role: "cli",
      credential: options.credential ?? cluster,
      acceptsOpen: false,
    },
    ...(options.clientHandlers && { handlers: options.clientHandlers }),
    ...(options.clientTellingHandlers && { tellingHandlers: options.clientTellingHandlers }),
  });
  await sim.clock.advance(100);
  const [server] = hub.conversations;
  if (!server) throw new Error("the hub met nobody");
  return { sim, hub, client, server, peer: await client.established };
}

export function startLink(sim: Simulation, options: Partial<LinkOptions> = {}): Link {
  return new Link(sim.worldOf("laptop"), {
    address: hubAddress,
    path: sessionPaths.hub,
    role: "drone",
    credential: cluster,
    acceptsOpen: false,
    ...options,
  });
}

/** How a promise went, once it has: `ok`, or the code it failed with. */
export interface Watched<T> {
  outcome: string | undefined;
  value: T | undefined;
  message: string | undefined;
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { outcome: undefined, value: undefined, message: undefined };
  promise.then(
    (value) => Object.assign(watched, { outcome: "ok", value }),
    (error: { code?: string; message: string }) =>
      Object.assign(watched, { outcome: error.code ?? "no code", message: error.message }),
  );
  return watched;
}
