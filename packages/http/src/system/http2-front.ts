/**
 * A visitor's connection of HTTP/2: Node's session does the framing, each stream is an exchange of its own.
 *
 *     TLS with ALPN h2 ─────────┐
 *     preface in the clear ─────┴──> session ── stream ──> Http2Stream ──> Exchange ──> endpoint, HTTP/1.1
 *
 * What is bounded: streams at the same time, fields and their bytes, what a session holds in memory, answers to frames
 * that he does not take (nghttp2 counts those), streams that a visitor opens only to reset them (CVE-2023-44487), which
 * cost him nothing and us a request each, and frames that bring nothing (see core/http2-noise.ts).
 */
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { Forwarding, type VisitorConnection } from "../core/forwarding.js";
import { Http2Noise } from "../core/http2-noise.js";
import type { EngineCore, Visitor } from "./core.js";
import { hexOf } from "./hex.js";
import { Http2Stream } from "./http2-stream.js";

/** As nginx has it. */
const streamsMax = 128;
/** How much of a body may be on its way before we take it: 64 KiB would hold up distant uploads. */
const windowBytes = 256 * 1024;
const sessionWindowBytes = 1024 * 1024;
/** Browsers reset what a visitor navigates away from: dozens, not hundreds. A guess between the two. */
const resetsMax = 500;
const resetWindowMs = 10_000;
/** A flood may go on for as long before it is seen; looking costs a microsecond. */
const noiseMs = 1_000;

type Opened = readonly [
  stream: ServerHttp2Stream,
  headers: unknown,
  flags: number,
  fields: readonly string[],
];

export class Http2Front implements Visitor {
  readonly #core: EngineCore;
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #forwarding: Forwarding;
  readonly #streams = new Set<Http2Stream>();
  #activeMs: number;
  #resets = 0;
  #resetsSinceMs = 0;
  readonly #noise: Http2Noise;
  #noiseAtMs = 0;
  /** Of the bodies of streams that are over. */
  #dataBytes = 0;

  /** @param socket nothing of it has been read, or what was has been put back */
  static start(core: EngineCore, socket: Socket, connection: VisitorConnection): void {
    // A session does not look for a half-closed connection: it would wait for ever behind one.
    socket.allowHalfOpen = false;
    const session = performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: streamsMax,
        initialWindowSize: windowBytes,
        maxHeaderListSize: core.limits.headBytesMax,
        enablePush: false,
      },
      maxHeaderListPairs: core.limits.fieldsMax,
    });
    const front = new Http2Front(core, socket, session, connection);
    core.visitors.add(front);
    core.sweep.add(front);
  }

  private constructor(
    core: EngineCore,
    socket: Socket,
    session: ServerHttp2Session,
    connection: VisitorConnection,
  ) {
    this.#core = core;
    this.#socket = socket;
    this.#session = session;
    this.#forwarding = new Forwarding({ ...connection, protocol: "2.0" }, core.forwarding, hexOf);
    this.#activeMs = core.sweep.nowMs;
    this.#resetsSinceMs = this.#activeMs;
    this.#noise = new Http2Noise(this.#activeMs);
    session.setLocalWindowSize(sessionWindowBytes);
    // Node's documentation names four arguments, its types three.
    session.on("stream", (...opened: unknown[]) => {
      const [stream, , flags, fields] = opened as unknown as Opened;
      const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
      this.#begin(new Http2Stream(core, this.#forwarding, stream), fields, hasBody);
    });
    // Each stream hears of it by its own end.
    session.on("error", () => session.destroy());
    session.on("close", () => this.#leave());
  }

  get isIdle(): boolean {
    return this.#streams.size === 0;
  }

  /** Says that no more streams are wanted, and ends when those that are there have ended. */
  stop(): void {
    this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }

  tick(nowMs: number): void {
    for (const stream of this.#streams) stream.tick(nowMs);
    if (nowMs >= this.#noiseAtMs) this.#measureNoise(nowMs);
    if (!this.isIdle) this.#activeMs = nowMs;
    else if (nowMs - this.#activeMs >= this.#core.limits.keepAliveMs) this.stop();
  }

  #begin(stream: Http2Stream, fields: readonly string[], hasBody: boolean): void {
    this.#streams.add(stream);
    this.#noise.opened(fields);
    stream.whenOver((wasReset) => {
      this.#streams.delete(stream);
      this.#dataBytes += stream.cameBytes;
      if (hasBody && stream.wasCutShort) this.#noise.promised(windowBytes);
      if (wasReset) this.#countReset();
    });
    stream.start(fields, hasBody);
  }

  #countReset(): void {
    const { nowMs } = this.#core.sweep;
    if (nowMs - this.#resetsSinceMs >= resetWindowMs) {
      this.#resets = 0;
      this.#resetsSinceMs = nowMs;
    }
    if (++this.#resets === resetsMax) this.#calm();
  }

  #measureNoise(nowMs: number): void {
    this.#noiseAtMs = nowMs + noiseMs;
    let data = this.#dataBytes;
    for (const stream of this.#streams) data += stream.cameBytes;
    const { bytesRead: came, bytesWritten: sent } = this.#socket;
    if (this.#noise.measure(nowMs, { came, sent, data })) this.#calm();
  }

  /** Says why, and ends. */
  #calm(): void {
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#session.destroy();
  }

  #leave(): void {
    this.#core.visitors.delete(this);
    this.#core.sweep.delete(this);
  }
}
