/** Two ends of a session without a network: what one transmits, the test hands to the other, or not. */
import { createHmac } from "node:crypto";
import {
  startSession,
  stepSession,
  type Body,
  type Credential,
  type Crypto,
  type ErrorData,
  type Peer,
  type SessionEvent,
  type SessionSide,
  type SessionState,
  type SessionStep,
} from "../../src/index.js";

export const crypto: Crypto = {
  mac: (key, text) => createHmac("sha256", key).update(text).digest("hex"),
  equal: (left, right) => left === right,
  encrypt: (key, text) => `${key}|${text}`,
  decrypt: (key, sealed) =>
    sealed.startsWith(`${key}|`) ? sealed.slice(key.length + 1) : undefined,
  encryptBytes: (key, bytes) => crypto.encrypt(key, Buffer.from(bytes).toString("base64")),
  decryptBytes: (key, sealed) => {
    const shown = crypto.decrypt(key, sealed);
    return shown === undefined ? undefined : Buffer.from(shown, "base64");
  },
};

export const clusterKey = "5ec7".repeat(16);
const cluster: Credential = { id: "cluster", key: clusterKey };
export const heartbeatMs = 5_000;

export function clientSide(
  changes: Partial<Extract<SessionSide, { kind: "client" }>> = {},
): SessionSide {
  return { kind: "client", role: "drone", credential: cluster, acceptsOpen: false, ...changes };
}

export function serverSide(
  changes: Partial<Extract<SessionSide, { kind: "server" }>> = {},
): SessionSide {
  return { kind: "server", clusterKey, heartbeatMs, ...changes };
}

/** One end: its state, and everything it did so far. */
class End {
  state: SessionState;
  now = 0;
  /** Transmitted, not yet taken by the test. */
  sent: string[] = [];
  readonly transcript: string[] = [];
  readonly delivered: Body[] = [];
  readonly closes: ErrorData[] = [];
  peer: Peer | undefined;

  constructor(side: SessionSide, nonce: string) {
    const first = startSession(side, nonce, this.now);
    this.state = first.state;
    this.#note(first);
  }

  get phase(): SessionState["phase"]["kind"] {
    return this.state.phase.kind;
  }

  feed(event: SessionEvent): this {
    const step = stepSession(crypto, this.state, event, this.now);
    this.state = step.state;
    this.#note(step);
    return this;
  }

  hear(text: string): this {
    return this.feed({ kind: "message", text });
  }

  say(body: Body): string {
    this.feed({ kind: "send", body });
    return this.take();
  }

  tickAt(now: number): this {
    this.now = now;
    return this.feed({ kind: "tick" });
  }

  /** The last thing transmitted; taken, so that it arrives only when the test says so. */
  take(): string {
    const text = this.sent.pop();
    if (text === undefined) throw new Error("nothing was transmitted");
    return text;
  }

  #note({ effects }: SessionStep): void {
    for (const effect of effects) {
      if (effect.kind === "transmit") {
        this.sent.push(effect.text);
        this.transcript.push(effect.text);
      }
      if (effect.kind === "deliver") this.delivered.push(effect.body);
      if (effect.kind === "established") this.peer = effect.peer;
      if (effect.kind === "closed") this.closes.push(effect.reason);
    }
  }
}

export interface Pair {
  readonly client: End;
  readonly server: End;
}

export function newPair(sides: { client?: SessionSide; server?: SessionSide } = {}): Pair {
  return {
    client: new End(sides.client ?? clientSide(), "c".repeat(32)),
    server: new End(sides.server ?? serverSide(), "d".repeat(32)),
  };
}

/** Hands everything over, both ways, until nobody says anything more. */
export function exchange({ client, server }: Pair): void {
  while (client.sent.length > 0 || server.sent.length > 0) {
    for (const text of client.sent.splice(0)) server.hear(text);
    for (const text of server.sent.splice(0)) client.hear(text);
  }
}

export function openPair(sides: { client?: SessionSide; server?: SessionSide } = {}): Pair {
  const pair = newPair(sides);
  exchange(pair);
  if (pair.client.phase !== "open" || pair.server.phase !== "open") {
    throw new Error(`not open: ${JSON.stringify([pair.client.closes, pair.server.closes])}`);
  }
  return pair;
}

export function tell(number: number): Body {
  return { kind: "tell", method: "hub.instance-gone", params: { number } };
}
