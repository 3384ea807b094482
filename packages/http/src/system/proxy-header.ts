/** The PROXY header in front of a connection that is to be secured: read first, and remembered by its socket. */
import type { Socket } from "node:net";
import { bad, incomplete } from "../core/head.js";
import { parseProxyHeader, ProxyHeader } from "../core/proxy-protocol.js";
import type { Place } from "./address-places.js";
import type { EngineCore } from "./core.js";
import { waitFor } from "./waiting-visitor.js";
import type { Input } from "./input.js";
import type { Transport } from "./transport.js";
import type { VisitorPlace } from "./visitor-options.js";

const carried = new WeakMap<Socket, VisitorPlace>();

/** Whom the connection carries; undefined when it is himself. */
export function carriedBy(raw: Socket): VisitorPlace | undefined {
  return carried.get(raw);
}

/** Where networks are trusted, nobody else may say whom he carries. */
function mayProxy({ forwarding }: EngineCore, address: string): boolean {
  return forwarding.trusted.isEmpty || forwarding.trusted.has(address);
}

/** Takes the header off what came. @returns `incomplete`, or `bad`: there is none, not from him, or of too many */
export function takeProxyHeader(
  core: EngineCore,
  input: Input,
  header: ProxyHeader,
  { remoteAddress, place }: Transport,
): number {
  const after = parseProxyHeader(input.bytes, input.at, input.end, header);
  if (after < 0) return after;
  if (!mayProxy(core, remoteAddress)) return bad;
  if (!header.isLocal && place?.move(header.sourceAddress) === false) return bad;
  input.at = after;
  return after;
}

/** Reads the header, puts back what follows it, and hands the socket on. */
export function readProxyOf(
  core: EngineCore,
  raw: Socket,
  place: Place,
  next: (raw: Socket) => void,
): void {
  const header = new ProxyHeader();
  let bytes: Buffer = Buffer.alloc(0);
  const ignore = () => raw.destroy();
  const leave = waitFor(core, ignore);
  raw.on("error", ignore).on("end", ignore).once("close", leave);
  const read = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const after = parseProxyHeader(bytes, 0, bytes.length, header);
    if (after === incomplete) return;
    leave();
    raw.off("data", read).off("error", ignore).off("end", ignore).pause();
    const isBelieved = after !== bad && mayProxy(core, raw.remoteAddress ?? "");
    if (!isBelieved || !(header.isLocal || place.move(header.sourceAddress))) {
      raw.destroy();
      return;
    }
    if (!header.isLocal) {
      carried.set(raw, { address: header.sourceAddress, port: header.destinationPort });
    }
    if (after < bytes.length) raw.unshift(bytes.subarray(after));
    next(raw);
  };
  raw.on("data", read);
}
