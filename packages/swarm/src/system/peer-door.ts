/**
 * Lets peers in that prove a claim, and tells strangers nothing.
 *
 *     socket ──> waiting room ──claim proven──> line ──> whoever takes lines
 *                     ├──wrong key, no key, no TLS──> ended
 *                     └──slow, or too many at once──> ended
 *
 * Whoever claims something that is not known, or has expired, is given a random key to fail with, so that what he
 * sees is the same as with a wrong key: nobody can ask which artifacts there are.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { errnoOf, plainHost, type Clock, type Log } from "@propagit/runtime";
import { parseClaim, type Claim } from "../core/claim.js";
import type { PeerLine } from "../world.js";
import { receiveFrom } from "./receive.js";
import { SparseLog } from "./sparse-log.js";
import { TlsLine } from "./tls-line.js";
import { secureOptions } from "./tls-options.js";
import { WaitingRoom, type WaitingRoomLimits } from "./waiting-room.js";

export interface PeerDoorOptions {
  /** Undefined when the identity is not known or has expired. */
  readonly keyFor: (identity: string) => string | undefined;
  readonly accept: (line: PeerLine) => void;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
  readonly limits?: Partial<WaitingRoomLimits>;
}

/** Before proof. A handshake takes some milliseconds and 50 KB; a zone behind one address is a few hundred. */
const defaultLimits: WaitingRoomLimits = { totalMax: 1_024, perAddressMax: 256, limitMs: 10_000 };

/**
 * Within a minute, before it is told: the hub introduces peers to each other at the same moment, and one hears of
 * it before the other. A guess: some eight peers, each of which tries a few times.
 */
const unknownClaimsMax = 30;

export class PeerDoor {
  readonly #options: PeerDoorOptions;
  readonly #log: SparseLog;
  readonly #unknownLog: SparseLog;
  readonly #room: WaitingRoom;
  /** By the addresses of both ends, which name a connection as long as it lives. */
  readonly #leaving = new Map<string, () => void>();
  readonly #claims = new WeakMap<TLSSocket, Claim>();
  /** Who claims what is not known here. */
  readonly #unknown = new WeakSet<TLSSocket>();
  #server: Server | undefined;

  constructor(options: PeerDoorOptions) {
    this.#options = options;
    this.#log = new SparseLog(options.clock, options.log);
    this.#unknownLog = new SparseLog(options.clock, options.log, unknownClaimsMax);
    this.#room = new WaitingRoom({ ...defaultLimits, ...options.limits }, (address, why) =>
      this.#refused(address, `it ${why}`),
    );
  }

  /** @param socket nothing was read of it, or what was read is put back (`unshift`) */
  accept(socket: Socket): void {
    const key = keyOf(socket);
    if (key === undefined) return void socket.destroy();
    socket.on("error", () => undefined);
    const leave = this.#room.enter(socket);
    const forget = () => {
      leave();
      socket.off("close", forget);
      // The same addresses may be another connection's by the time this one's end is told.
      if (this.#leaving.get(key) === forget) this.#leaving.delete(key);
    };
    this.#leaving.set(key, forget);
    socket.once("close", forget);
    this.#server ??= this.#makeServer();
    this.#server.emit("connection", socket);
  }

  /** Ends those who have not proven themselves; lines are their takers' affair. */
  close(): void {
    this.#room.close();
  }

  /** It listens nowhere: it has what a server of TLS needs as public API. */
  #makeServer(): Server {
    const server = createServer({
      ...secureOptions,
      pskCallback: (socket, identity) => this.#keyFor(socket, identity),
    });
    server.on("secureConnection", (socket) => this.#admit(socket));
    server.on("tlsClientError", (error, socket) => {
      const address = plainHost(socket.remoteAddress);
      const code = errnoOf(error) ?? error.message;
      if (this.#unknown.has(socket)) this.#unknownLog.warn(refusal(address, unknownReason));
      else this.#refused(address, wrongKeyCodes.has(code) ? "its key is wrong" : code);
      socket.destroy();
    });
    return server;
  }

  /** The last one counts: a client that begins anew (RFC 8446, section 4.1.4) may claim something else. */
  #keyFor(socket: TLSSocket, identity: string): Buffer {
    const key = this.#options.keyFor(identity);
    const claim = parseClaim(identity);
    if (key === undefined || !claim) {
      this.#claims.delete(socket);
      if (claim) this.#unknown.add(socket);
      return randomBytes(32);
    }
    this.#unknown.delete(socket);
    this.#claims.set(socket, claim);
    return Buffer.from(key, "hex");
  }

  #admit(socket: TLSSocket): void {
    const claim = this.#claims.get(socket);
    const key = keyOf(socket);
    const leave = key === undefined ? undefined : this.#leaving.get(key);
    socket.on("error", () => undefined);
    // Without a claim nobody gets so far; if it were otherwise, nothing may be sent to him.
    if (!claim || !leave) return void socket.destroy();
    leave();
    // First, or the line could not stop what nobody listens to yet.
    receiveFrom(socket, (bytes) => line.receive(bytes));
    const line = new TlsLine(socket, claim, plainHost(socket.remoteAddress));
    this.#options.accept(line);
  }

  #refused(address: string, reason: string): void {
    this.#log.warn(refusal(address, reason));
  }
}

const unknownReason = "it claims what is not here, or no longer";

/** Of Node 20 and later, with OpenSSL 3. */
const wrongKeyCodes: ReadonlySet<string> = new Set(["ERR_SSL_BINDER_DOES_NOT_VERIFY"]);

function refusal(address: string, reason: string): string {
  return `refused a connection for pieces from ${address}: ${reason}`;
}

function keyOf(socket: Socket): string | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
