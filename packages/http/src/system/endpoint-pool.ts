/**
 * Connections to one endpoint, and who waits for one.
 *
 *     take ── idle ones, the last used first ──> connection
 *       │ ─── room: connects ──┐
 *       └──── no room ─────────┴──> waits, first come first served, for whichever is free first
 *
 * The last used first, so that what is not needed grows old and goes.
 */
import type { AttemptFailure } from "../exchange.js";
import { EndpointConnection } from "./endpoint-connection.js";
import type { EndpointUser } from "./endpoint-user.js";
import type { EngineLimits } from "./limits.js";
import type { Sweep } from "./sweep.js";

export interface PoolOptions {
  readonly limits: EngineLimits;
  readonly sweep: Sweep;
  readonly isFast: boolean;
}

interface Waiting {
  readonly user: EndpointUser;
  readonly deadlineMs: number;
  /** What was used before has failed him once, and may do so again. */
  readonly isFresh: boolean;
}

export class EndpointPool {
  /** Exchanges, tunnels and those who wait. */
  inFlight = 0;
  /** Its address is no longer one that requests are sent to: nothing is kept. */
  isRetired = false;
  readonly #place: { readonly host: string; readonly port: number; readonly isFast: boolean };
  readonly #options: PoolOptions;
  readonly #idle: EndpointConnection[] = [];
  readonly #connections = new Set<EndpointConnection>();
  readonly #waiting: Waiting[] = [];
  #connecting = 0;

  constructor(address: string, options: PoolOptions) {
    this.#place = { ...placeOf(address), isFast: options.isFast };
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#connections.size === 0 && this.inFlight === 0 && this.#waiting.length === 0;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get count(): number {
    return this.#connections.size;
  }

  /** A connection now, or undefined: the user is told later, by `endpointReady` or `endpointMissing`. */
  take(user: EndpointUser, connectMs?: number): EndpointConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return this.#wait(user, connectMs);
      // One that just ended lies here until its close is told.
      if (!connection.isIdle) continue;
      connection.take(user);
      return connection;
    }
  }

  /** As `take`, but nothing that was kept. */
  takeFresh(user: EndpointUser, connectMs?: number): void {
    this.#wait(user, connectMs, true);
  }

  /** Waits no longer. */
  cancel(user: EndpointUser): void {
    const index = this.#waiting.findIndex((waiting) => waiting.user === user);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Of a connection: it can be used. */
  connected(connection: EndpointConnection): void {
    this.#connecting -= 1;
    this.#serve(connection);
  }

  released(connection: EndpointConnection): void {
    this.#serve(connection);
  }

  connectFailed(connection: EndpointConnection, reason: string): void {
    if (!this.#connections.delete(connection)) return;
    this.#connecting -= 1;
    const isSlow = reason === slow;
    const kind: AttemptFailure["kind"] = isSlow ? "connect-timeout" : "refused";
    this.#waiting.shift()?.user.endpointMissing(kind, wordsOf(reason));
  }

  /** It is closed, or serves no requests any more. */
  lost(connection: EndpointConnection): void {
    if (!this.#connections.delete(connection)) return;
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    if (this.#waiting.length > this.#connecting) this.#connect(this.#options.limits.connectMs);
  }

  tick(nowMs: number): void {
    this.#dropOld(nowMs);
    for (const connection of this.#connections) {
      if (connection.isConnecting && nowMs >= connection.deadlineMs) {
        connection.giveUpConnecting(slow);
      }
    }
    while ((this.#waiting[0]?.deadlineMs ?? Infinity) <= nowMs) {
      this.#waiting
        .shift()
        ?.user.endpointMissing("connect-timeout", "no connection was free in time");
    }
  }

  retire(): void {
    this.isRetired = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  destroy(): void {
    this.isRetired = true;
    for (const connection of this.#connections) connection.destroy();
  }

  #wait(user: EndpointUser, connectMs: number | undefined, isFresh = false): undefined {
    const { limits, sweep } = this.#options;
    if (this.#waiting.length >= limits.endpointQueueMax) {
      const reason = `${this.#waiting.length} requests wait for it already`;
      // Later, as all failures: who asks is not ready to be told while he asks.
      process.nextTick(() => user.endpointMissing("refused", reason));
      return undefined;
    }
    const withinMs = connectMs ?? limits.connectMs;
    this.#waiting.push({ user, deadlineMs: sweep.nowMs + withinMs + slackMs, isFresh });
    const isRoom = this.#connections.size < limits.endpointConnectionsMax;
    if (isRoom && (isFresh || this.#connecting < this.#waiting.length)) this.#connect(withinMs);
    return undefined;
  }

  #connect(withinMs: number): void {
    const { limits, sweep } = this.#options;
    const headLimits = { ...limits, headBytesMax: limits.answerHeadBytesMax };
    this.#connecting += 1;
    this.#connections.add(
      new EndpointConnection(this, this.#place, {
        limits: headLimits,
        deadlineMs: sweep.nowMs + withinMs,
      }),
    );
  }

  #serve(connection: EndpointConnection): void {
    const waiting = this.#nextFor(connection);
    if (waiting !== undefined) {
      connection.take(waiting.user);
      waiting.user.endpointReady(connection);
      return;
    }
    const { limits, sweep } = this.#options;
    if (this.isRetired || this.#idle.length >= limits.endpointIdleMax) return connection.destroy();
    connection.idleSinceMs = sweep.nowMs;
    this.#idle.push(connection);
  }

  #nextFor(connection: EndpointConnection): Waiting | undefined {
    if (this.#waiting[0]?.isFresh !== true || !connection.wasUsed) return this.#waiting.shift();
    const index = this.#waiting.findIndex(({ isFresh }) => !isFresh);
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0];
  }

  #dropOld(nowMs: number): void {
    const { endpointIdleMs } = this.#options.limits;
    let old = 0;
    // The oldest lie at the bottom.
    while (old < this.#idle.length) {
      if (nowMs - (this.#idle[old] as EndpointConnection).idleSinceMs < endpointIdleMs) break;
      old += 1;
    }
    if (old > 0) for (const connection of this.#idle.splice(0, old)) connection.destroy();
  }
}

const slow = "it does not take connections";
/** A connection attempt that is too slow is named as such, before those who wait are told that they waited. */
const slackMs = 250;

function wordsOf(reason: string): string {
  switch (reason) {
    case "ECONNREFUSED":
      return "nothing listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its host name is unknown";
    case "EMFILE":
    case "ENFILE":
      return "this machine has no sockets left";
    default:
      return reason;
  }
}

/** @param address `host:port`, `[::1]:port` */
function placeOf(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(address.slice(colon + 1)) };
}
