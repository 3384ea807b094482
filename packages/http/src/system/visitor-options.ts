/** Who a connection's requests come from. */
import { Forwarding } from "../core/forwarding.js";
import type { ProxyHeader } from "../core/proxy-protocol.js";
import type { EngineCore } from "./core.js";
import { hexOf } from "./hex.js";
import type { Transport } from "./transport.js";

/** Whom the connection carries, if not him that it comes from; made when it is first asked for. */
export interface VisitorPlace {
  readonly address: string;
  readonly port: number;
}

export interface VisitorOptions {
  readonly isSecure: boolean;
  /** A PROXY header comes first. */
  readonly expectsProxy: boolean;
  readonly carried?: VisitorPlace | undefined;
  /** Where he came in; asked of his socket when nobody said it. */
  readonly port?: number | undefined;
}

/** What the requests of the connection say about where they came from. */
export function forwardingOf(
  core: EngineCore,
  { isSecure, carried, port }: VisitorOptions,
  transport: Transport,
  header: ProxyHeader | undefined,
): Forwarding {
  const proxied = header?.isLocal === false ? header : undefined;
  const connection = {
    address: carried?.address ?? proxied?.sourceAddress ?? transport.remoteAddress,
    isSecure: isSecure || proxied?.isSecure === true,
    port: carried?.port ?? proxied?.destinationPort ?? port ?? transport.localPort,
  };
  return new Forwarding(connection, core.forwarding, hexOf);
}
