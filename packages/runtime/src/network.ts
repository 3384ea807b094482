/** Connections that carry text messages: websockets in `system/`, a lossy virtual line in `simulated/`. */
import type { Address } from "@propagit/protocol";

/** One connection. Events that come before a handler is set are kept and given to it. */
export interface Wire {
  /** Sends a message, or drops it when the wire is closed. */
  send(text: string): void;
  /** Bytes accepted by `send` that are not yet on their way. */
  readonly bufferedBytes: number;
  /** The other side's address as this side sees it; IPv4-mapped addresses are plain IPv4. */
  readonly remoteHost: string;
  /**
   * Asks for no more messages until it is called again with false; what is under way still comes. A wire
   * without it cannot be held up.
   */
  hold?(isHeld: boolean): void;
  /** Sets what happens with messages and at the end; `closed` is called exactly once. */
  listen(handlers: WireHandlers): void;
  /** Closes after what was sent is gone, but does not wait for the other side. */
  close(): void;
}

export interface WireHandlers {
  readonly message: (text: string) => void;
  readonly closed: (reason: string) => void;
}

export interface Network {
  /**
   * Connects to the service at `path` of an address; what follows a `?` in it is for that service to read.
   *
   * @throws UNREACHABLE when nobody answers there, with the reason, or after `limitMs`
   */
  connect(address: Address, path: string, limitMs: number): Promise<Wire>;
}

/** Bound on reaching an address, before the handshake's own bound begins. */
export const connectMsMax = 8_000;

/** Paths of the websocket services; the hub serves both on one port. */
export const sessionPaths = { hub: "/session", registry: "/registry" } as const;
