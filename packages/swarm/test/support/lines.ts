/** A door of one's own, claims that it knows, and lines whose events can be waited for. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { nodeClock, nodeCrypto, type Log } from "@propagit/runtime";
import { encodeClaim, keyOfClaim, parseClaim, type Claim } from "../../src/core/claim.js";
import type { WaitingRoomLimits } from "../../src/system/waiting-room.js";
import { listenForPeers } from "../../src/system/listen-for-peers.js";
import { PeerDoor } from "../../src/system/peer-door.js";
import { tlsNetwork } from "../../src/system/tls-network.js";
import type { PeerLine } from "../../src/world.js";

const secret = "5".repeat(64);
export const claim: Claim = {
  artifact: "a".repeat(64),
  holder: "web-1",
  expiresAt: Date.now() + 3_600_000,
};
export const keyOf = (it: Claim) => keyOfClaim(nodeCrypto, secret, it);

export interface OpenDoor {
  readonly port: number;
  readonly door: PeerDoor;
  readonly warnings: readonly string[];
  /** Of accepted lines, the next one. */
  readonly next: () => Promise<PeerLine>;
  readonly accepted: readonly PeerLine[];
}

/** A door that takes claims of one artifact until they expire, on a port of its own. */
export async function openDoor(
  test: TestContext,
  limits: Partial<WaitingRoomLimits> = {},
): Promise<OpenDoor> {
  const warnings: string[] = [];
  const log: Log = { info: () => undefined, warn: (message) => void warnings.push(message) };
  const accepted: PeerLine[] = [];
  const waiting: ((line: PeerLine) => void)[] = [];
  let taken = 0;
  const door = new PeerDoor({
    keyFor: knownKey,
    accept: (line) => {
      accepted.push(line);
      const first = waiting.shift();
      if (first) first(accepted[taken++] as PeerLine);
    },
    clock: nodeClock,
    log,
    limits,
  });
  const accept = (socket: Socket) => door.accept(socket);
  const listener = await listenForPeers({ host: "127.0.0.1", port: 0, accept, log });
  test.after(() => {
    listener.close();
    door.close();
    for (const line of accepted) line.close();
  });
  return {
    port: listener.port,
    door,
    warnings,
    accepted,
    next: () => {
      const line = accepted[taken];
      if (line) return Promise.resolve(accepted[taken++] as PeerLine);
      return new Promise((resolve) => void waiting.push(resolve));
    },
  };
}

/** As a swarm does it: nothing for another artifact, and nothing that is over. */
export function knownKey(identity: string): string | undefined {
  const known = parseClaim(identity);
  if (known?.artifact !== claim.artifact || known.expiresAt < Date.now()) return undefined;
  return keyOfClaim(nodeCrypto, secret, known);
}

/** Both ends of a line. */
export async function lineThrough(test: TestContext, door: OpenDoor) {
  const dialled = await dial(door.port);
  test.after(() => dialled.close());
  return { dialled, accepted: await door.next() };
}

export function dial(port: number, as: Claim = claim, key = keyOf(as)): Promise<PeerLine> {
  return tlsNetwork.dial({ host: "127.0.0.1", port }, as, key, 5_000);
}

/** Collects what comes. */
export class Ear {
  readonly #line: PeerLine;
  #parts: Buffer[] = [];
  #bytes = 0;
  #drainedTimes = 0;
  #looks: (() => void)[] = [];
  closedReasons: string[] = [];
  /** Called with each part; may pause the line. */
  onData: (bytes: Uint8Array) => void = () => undefined;

  constructor(line: PeerLine) {
    this.#line = line;
  }

  listen(): this {
    this.#line.listen({
      data: (bytes) => {
        this.#parts.push(Buffer.from(bytes));
        this.#bytes += bytes.length;
        this.onData(bytes);
        this.#look();
      },
      drained: () => {
        this.#drainedTimes++;
        this.#look();
      },
      closed: (reason) => {
        this.closedReasons.push(reason);
        this.#look();
      },
    });
    return this;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get drainedTimes(): number {
    return this.#drainedTimes;
  }

  get all(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Resolves when a condition holds, which is looked at after each event. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#looks = this.#looks.filter((it) => it !== look);
        resolve();
      };
      this.#looks.push(look);
      look();
    });
  }

  async closed(): Promise<string> {
    await this.until(() => this.closedReasons.length > 0);
    return this.closedReasons[0] ?? "";
  }

  #look(): void {
    const looks = this.#looks;
    for (const look of looks) look();
  }
}

/** A plain connection, as a stranger makes it, and what he hears until it is ended. */
export async function stranger(port: number) {
  const socket = connect(port, "127.0.0.1");
  const heard: Buffer[] = [];
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Buffer) => void heard.push(bytes));
  const ended = new Promise<Buffer>((resolve) => {
    socket.once("close", () => resolve(Buffer.concat(heard)));
  });
  await once(socket, "connect");
  return { socket, ended };
}

export { encodeClaim };
