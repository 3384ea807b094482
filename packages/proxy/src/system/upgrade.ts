/** What Node gives for an upgrade is a bare socket; here it gets a response to answer with. */
import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { valuesOf } from "../core/request-head.js";

/**
 * The protocol that a request wants to change to; undefined for `h2c`, which would let a visitor talk
 * past the proxy, and which a server may just not take up (RFC 9113 no longer has it).
 */
export function wantedProtocol(rawHeaders: readonly string[]): string | undefined {
  const wanted = valuesOf(rawHeaders, "upgrade").join(", ");
  return wanted === "" || /\bh2c?\b/i.test(wanted) ? undefined : wanted;
}

/** A response on a socket that Node's server has let go of; the connection ends with it. */
export function responseOn(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // The server used to tell a response that its socket takes more.
  socket.on("drain", () => response.emit("drain"));
  response.on("finish", () => {
    if (response.socket) response.detachSocket(socket);
    response.emit("close");
    socket.destroySoon();
  });
  return response;
}
