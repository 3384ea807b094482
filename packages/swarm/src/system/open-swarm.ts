/**
 * A swarm in the real world: TLS, files and hashes around the node that decides.
 *
 *     peers ──> own port ─┐
 *     hub's main port ────┴> door ──lines──> node <──dials── tlsNetwork ──> peers
 *                                             │
 *                                             └──> piece files
 */
import type { Socket } from "node:net";
import type { World } from "@propagit/runtime";
import { SwarmNode } from "../node.js";
import type { Swarm, SwarmOptions } from "../swarm.js";
import type { PieceFiles } from "../world.js";
import { nodeDigests } from "./digests.js";
import { listenForPeers } from "./listen-for-peers.js";
import { PeerDoor } from "./peer-door.js";
import { openPieceFiles } from "./piece-files.js";
import { tlsNetwork } from "./tls-network.js";

export interface OpenSwarmOptions extends Omit<
  SwarmOptions,
  "sendBytesPerSecondMax" | "receiveBytesPerSecondMax"
> {
  /** For artifacts, of this process alone; made when it is not there. */
  readonly folder: string;
  readonly world: Pick<World, "clock" | "random" | "log" | "crypto">;
  /** A port of its own for peers; without, they come by `accept` alone. */
  readonly listen?:
    | {
        /** Default: all addresses. */
        readonly host?: string | undefined;
        /** 0: any free one. */
        readonly port: number;
      }
    | undefined;
  /** Of all artifacts together; default: no bound. */
  readonly limits?: Pick<SwarmOptions, "sendBytesPerSecondMax" | "receiveBytesPerSecondMax">;
}

export interface OpenSwarm {
  readonly swarm: Swarm;
  readonly files: PieceFiles;
  /** Undefined without `listen`. */
  readonly port: number | undefined;
  /** A connection that begins as TLS does, from a port that is shared; see `sharePort`. */
  accept(socket: Socket): void;
  /** Takes nobody any more, and ends all lines; what is on disk stays. */
  stop(): Promise<void>;
}

/**
 * Nothing of TLS is made before the first line, so a process that has no artifacts pays a listening port.
 *
 * @throws DATA_UNUSABLE, PORT_IN_USE, BAD_USAGE when the port or address cannot be listened on
 *
 * @example
 * import { nodeWorld, silentLog } from "@propagit/runtime";
 * import { openSwarm } from "@propagit/swarm";
 *
 * const { swarm, port, stop } = await openSwarm({
 *   folder: "/var/lib/propagit/artifacts",
 *   world: nodeWorld(silentLog),
 *   name: () => "web-1",
 *   role: "drone",
 *   zone: undefined,
 *   listen: { port: 0 },
 *   changed: (report) => console.log(report.state, report.pieces),
 * });
 */
export async function openSwarm(options: OpenSwarmOptions): Promise<OpenSwarm> {
  const { folder, world, listen, limits, ...rest } = options;
  const { clock, random, log, crypto } = world;
  const files = await openPieceFiles(folder, random);
  const outside = { clock, random, log, crypto, lines: tlsNetwork, files, digests: nodeDigests };
  const swarm = new SwarmNode(outside, { ...rest, ...limits });
  const door = new PeerDoor({
    keyFor: (identity) => swarm.keyFor(identity),
    accept: (line) => swarm.accept(line),
    clock,
    log,
  });
  const accept = (socket: Socket) => door.accept(socket);
  const listener = listen && (await listenForPeers({ ...listen, accept, log }));
  return {
    swarm,
    files,
    port: listener?.port,
    accept,
    async stop() {
      listener?.close();
      door.close();
      await swarm.stop();
    },
  };
}
