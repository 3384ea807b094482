/**
 * Two connections as one: after an upgrade the proxy only carries bytes.
 *
 *     open ──one side's FIN──> half-closed ──the other's──> over      said on, after what came before it
 *       │ ──end({graceMs})──> leaving ──grace──> close frames, or FIN, both ways ──> over, or cut after the bound
 *       └─── either side breaks, or nobody says anything for long ──> cut
 */
import { closeFrame, FrameFollower } from "../core/websocket-frames.js";
import type { EngineCore } from "./core.js";
import { sharedBuffer } from "./read-buffers.js";
import type { Ticking } from "./sweep.js";
import type { Transport, TransportOwner } from "./transport.js";

/** A read of this much fills the shared buffer: more is coming. */
const bulkBytesMin = 16 * 1024;

export interface TunnelSides {
  readonly visitor: Transport;
  readonly endpoint: Transport;
  /** Of the endpoint. */
  readonly address: string;
  readonly isWebsocket: boolean;
}

export interface TunnelUser {
  tunnelOver(answerBytes: number, reason: string | undefined): void;
}

export class Tunnel implements Ticking {
  readonly address: string;
  readonly #core: EngineCore;
  readonly #user: TunnelUser;
  readonly #visitor: TunnelEnd;
  readonly #endpoint: TunnelEnd;
  /** When it has to say goodbye, and when it is cut. */
  #leaveAtMs = Infinity;
  #cutAtMs = Infinity;
  #isOver = false;

  constructor(core: EngineCore, user: TunnelUser, sides: TunnelSides) {
    this.address = sides.address;
    this.#core = core;
    this.#user = user;
    const { isWebsocket } = sides;
    this.#visitor = new TunnelEnd(this, sides.visitor, { isWebsocket, isMasked: false });
    this.#endpoint = new TunnelEnd(this, sides.endpoint, { isWebsocket, isMasked: true });
    this.#visitor.other = this.#endpoint;
    this.#endpoint.other = this.#visitor;
  }

  /** @param early what came behind the heads */
  start({
    toEndpoint,
    toVisitor,
  }: {
    readonly toEndpoint: string;
    readonly toVisitor: string;
  }): void {
    const { sweep, tunnels } = this.#core;
    tunnels.add(this);
    sweep.add(this);
    this.progressMs = sweep.nowMs;
    this.#visitor.start(toVisitor);
    this.#endpoint.start(toEndpoint);
  }

  /** Of any byte either way. */
  progressMs = 0;

  get nowMs(): number {
    return this.#core.sweep.nowMs;
  }

  /** Goes on for so long, then says goodbye. */
  end({ graceMs }: { readonly graceMs: number }): void {
    this.#leaveAtMs = Math.min(this.#leaveAtMs, performance.now() + graceMs);
    if (graceMs <= 0) this.tick(performance.now());
  }

  destroy(): void {
    this.cut("the proxy stops");
  }

  tick(nowMs: number): void {
    const { tunnelIdleMs, lingerMs } = this.#core.limits;
    if (nowMs >= this.#cutAtMs) return this.cut("its end took too long");
    if (nowMs >= this.#leaveAtMs && this.#cutAtMs === Infinity) {
      this.#cutAtMs = nowMs + lingerMs;
      this.#visitor.leave();
      this.#endpoint.leave();
    } else if (nowMs - this.progressMs >= tunnelIdleMs) {
      this.cut(`nothing was said for ${tunnelIdleMs / 1000} s`);
    }
  }

  /** One side is gone. */
  closed(): void {
    if (this.#visitor.isClosed && this.#endpoint.isClosed) return this.#over(undefined);
    // The other gets what is on its way to it, and may not stay for long.
    this.#cutAtMs = Math.min(this.#cutAtMs, performance.now() + this.#core.limits.bodyMs);
  }

  cut(reason: string): void {
    this.#visitor.transport.destroy();
    this.#endpoint.transport.destroy();
    this.#over(reason);
  }

  #over(reason: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#core.tunnels.delete(this);
    this.#core.sweep.delete(this);
    this.#user.tunnelOver(this.#visitor.sentBytes, reason);
  }
}

class TunnelEnd implements TransportOwner {
  readonly transport: Transport;
  other!: TunnelEnd;
  isClosed = false;
  /** Written here. */
  sentBytes = 0;
  readonly #tunnel: Tunnel;
  readonly #isMasked: boolean;
  /** Of what is written here; only websockets have frames. */
  readonly #frames: FrameFollower | undefined;
  #state: "open" | "leaving" | "left" = "open";

  constructor(
    tunnel: Tunnel,
    transport: Transport,
    { isWebsocket, isMasked }: { readonly isWebsocket: boolean; readonly isMasked: boolean },
  ) {
    this.#tunnel = tunnel;
    this.transport = transport;
    this.#isMasked = isMasked;
    this.#frames = isWebsocket ? new FrameFollower() : undefined;
  }

  start(early: string): void {
    this.transport.owner = this;
    this.transport.wantBulk(false);
    if (early !== "") {
      const bytes = Buffer.from(early, "latin1");
      this.#carry(bytes, 0, bytes.length);
    }
    this.transport.resume();
  }

  /** Says goodbye as soon as a frame is at its end. */
  leave(): void {
    if (this.#state !== "open") return;
    this.#state = "leaving";
    if (this.#frames === undefined || this.#frames.isBetweenFrames) this.#goodbye();
  }

  transportRead(bytes: Buffer, from: number, to: number): void {
    this.#tunnel.progressMs = this.#tunnel.nowMs;
    const { other } = this;
    if (other.#state === "left") return;
    this.transport.wantBulk(to - from >= bulkBytesMin);
    if (other.#carry(bytes, from, to)) return;
    this.transport.lendBuffer(other.transport);
    this.transport.pause();
  }

  transportEnded(): void {
    this.other.transport.end();
  }

  transportFlushed(): void {
    this.other.transport.resume();
  }

  transportClosed(reason: string | undefined): void {
    this.isClosed = true;
    if (reason === undefined) this.other.transport.end();
    else this.other.transport.destroy();
    this.#tunnel.closed();
  }

  #carry(bytes: Buffer, from: number, to: number): boolean {
    this.sentBytes += to - from;
    const data =
      bytes === sharedBuffer.bytes ? bytes.toString("latin1", from, to) : bytes.subarray(from, to);
    const isTaken = this.transport.write(data);
    this.#frames?.follow(bytes, from, to);
    if (this.#state === "leaving" && this.#frames?.isBetweenFrames === true) this.#goodbye();
    return isTaken;
  }

  #goodbye(): void {
    this.#state = "left";
    if (this.#frames !== undefined) this.transport.write(closeFrame(this.#isMasked));
    this.transport.end();
  }
}
