/**
 * One port for pieces and for everything else: the first byte says which it is. A TLS handshake begins with
 * 0x16 (RFC 8446, section 5.1), which no method of HTTP does.
 *
 *     connection ──0x16──> a peer's
 *          │  └───other──> whoever listened for connections of the server before
 *          └──nothing for 10 s, or too many such──> ended
 */
import type { Server, Socket } from "node:net";
import { WaitingRoom, type WaitingRoomLimits } from "./waiting-room.js";

/** Of TLS: the record of a handshake. */
const handshakeRecord = 0x16;

/**
 * Before the first byte. A client sends it in the packet behind its connect, so only strangers and speculative
 * connections of browsers wait; the numbers leave room for ten thousand drones that come back at once.
 */
const defaultLimits: WaitingRoomLimits = { totalMax: 8_192, perAddressMax: 2_048, limitMs: 10_000 };

type Listener = (socket: Socket) => void;

export interface SharedPort {
  /** Ends the connections that have said nothing; to be called when the server closes. */
  close(): void;
}

/**
 * Stands in front of what a server does with connections; it may be listening already.
 *
 * @param server of HTTP, or any other that gets connections as the event `connection`
 * @param acceptPeer gets the sockets of those who speak TLS, with nothing read of them
 *
 * @example
 * import { createServer } from "node:http";
 * import { sharePort, type OpenSwarm } from "@propagit/swarm";
 *
 * function listenForBoth(swarm: OpenSwarm) {
 *   const server = createServer((_, response) => response.end("not a piece"));
 *   sharePort(server, (socket) => swarm.accept(socket));
 *   server.listen(6001);
 * }
 */
export function sharePort(
  server: Server,
  acceptPeer: Listener,
  limits: Partial<WaitingRoomLimits> = {},
): SharedPort {
  const before = server.listeners("connection") as Listener[];
  const acceptOther: Listener = (socket) => {
    for (const listener of before) listener.call(server, socket);
  };
  const room = new WaitingRoom({ ...defaultLimits, ...limits });
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    whenItSpeaks(socket, room, (firstByte) =>
      (firstByte === handshakeRecord ? acceptPeer : acceptOther)(socket),
    );
  });
  return { close: () => room.close() };
}

/** @param then called at most once, with all that was read put back */
function whenItSpeaks(socket: Socket, room: WaitingRoom, then: (firstByte: number) => void): void {
  const leave = room.enter(socket);
  // Whoever is reset here is nobody's yet, and without a listener the error would end the process.
  const onError = () => undefined;
  socket.on("error", onError);
  socket.once("readable", () => {
    const bytes = socket.read() as Buffer | null;
    const firstByte = bytes?.[0];
    if (bytes === null || firstByte === undefined) {
      socket.destroy();
      return;
    }
    leave();
    socket.off("error", onError);
    socket.unshift(bytes);
    then(firstByte);
  });
}
