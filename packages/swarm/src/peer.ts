/**
 * Somebody on the other end of a line, in one artifact: what he has, what is asked of him, and what he asks.
 * It keeps the books of one line; `intake.ts` and `uploads.ts` decide.
 */
import type { Random } from "@propagit/runtime";
import { blockBytesMin } from "./core/block-size.js";
import { FrameParser } from "./core/frame-parser.js";
import { encodeFrame, type ControlFrame } from "./core/frames.js";
import { Rate } from "./core/pace.js";
import type { PieceSet } from "./core/piece-set.js";
import type { PeerLine } from "./world.js";

/** A piece that is coming in. */
export interface Incoming {
  readonly piece: number;
  /** Absent when nobody wants it any more: its bytes are let go. */
  readonly buffer: Uint8Array | undefined;
  readonly since: number;
  filledBytes: number;
  /** It takes so long that it is asked for elsewhere too. */
  isLate?: boolean;
}

/** Pieces that were cancelled and may come all the same. */
const cancelledMax = 256;
/** More pieces than an artifact may have. */
const earlyMax = 100_000;

export class Peer {
  readonly line: PeerLine;
  /** As the hub calls it. */
  readonly name: string;
  readonly dialledHere: boolean;
  readonly since: number;
  readonly parser = new FrameParser();
  /** It was told what is here. */
  isGreeted = false;
  hello: (ControlFrame & { kind: "hello" }) | undefined;
  /** Known once it said hello and the manifest is known here. */
  has: PieceSet | undefined;
  /** What it said it has before the manifest was known. */
  readonly hadEarly: number[] = [];
  isGone = false;
  heardAt: number;

  /** What it was asked for and has not sent, with when. */
  readonly asked = new Map<number, number>();
  readonly #cancelled = new Set<number>();
  /** Pieces of its choice that are still to come, and since when there are some. */
  wishes = 0;
  wishesSince = 0;
  /** Wishes that were given up, or answered with `nothing`: what was on its way already may still come. */
  withdrawn = 0;
  /** Pieces that came and that nobody asked for. */
  unasked = 0;
  /** Came from it and was of no use; how often that may be so by a cancel. */
  wastedBytes = 0;
  cancels = 0;
  /** It has said that it grants no wishes any more; when. */
  nothingSince: number | undefined;
  incoming: Incoming | undefined;
  readonly rate = new Rate();
  /** The shortest time from a question to the first byte of its answer; 0 while unknown. */
  tripMs = 0;
  bytesAt = 0;
  /** Asked nothing before then: it stalled. */
  quietUntil = 0;
  stalls = 0;
  rejects = 0;
  /** It may be asked for the manifest: its hello had pieces, or it has said since that it has some. */
  knowsManifest = false;
  /** When it was asked for the manifest, or sent a part of it. */
  manifestAt = -Infinity;
  receivedPieces = 0;
  /** How often it asked for the manifest, and whether it was told. */
  asks = 0;
  wasTold = false;

  /** What it wants from here, in the order of its asking. */
  readonly wants = new Set<number>();
  wishesHere = 0;
  sending: number | undefined;
  /** Of the next block to it, by how fast it took the last one. */
  blockBytes = blockBytesMin;
  /** Sent to it by a seeder, and it has not said that it has it. */
  readonly given = new Set<number>();
  servedAt = 0;
  /** Since when it takes nothing of what was sent; undefined: it does. */
  blockedSince: number | undefined;
  #whenDrained: (() => void) | undefined;

  constructor(options: { line: PeerLine; name: string; dialledHere: boolean; now: number }) {
    this.line = options.line;
    this.name = options.name;
    this.dialledHere = options.dialledHere;
    this.since = options.now;
    this.heardAt = options.now;
  }

  get chooses(): boolean {
    return this.hello?.chooses === true && this.nothingSince === undefined;
  }

  get isBusy(): boolean {
    return this.asked.size + this.wishes > 0;
  }

  /** Tells it what is here, once; what is new is told from then on. */
  greet(hello: Uint8Array): void {
    if (this.isGone || this.isGreeted) return;
    this.isGreeted = true;
    this.line.send(hello);
  }

  send(frame: ControlFrame): void {
    if (!this.isGone) this.line.send(encodeFrame(frame));
  }

  /** It is not to send this any more; what is on its way already comes all the same. */
  cancel(piece: number): void {
    if (!this.asked.delete(piece)) return;
    this.#cancelled.add(piece);
    this.cancels++;
    if (this.#cancelled.size > cancelledMax)
      for (const oldest of this.#cancelled) {
        this.#cancelled.delete(oldest);
        break;
      }
    this.send({ kind: "cancel", pieces: [piece] });
  }

  /** Whether a piece may come from it. */
  mayComeFrom(piece: number): boolean {
    return this.asked.has(piece) || this.#cancelled.has(piece) || this.wishes + this.withdrawn > 0;
  }

  /** It says what it has before the manifest is known here. */
  hasEarly(pieces: readonly number[]): string | undefined {
    if (this.hadEarly.length + pieces.length > earlyMax) return "says too often what it has";
    this.hadEarly.push(...pieces);
    return undefined;
  }

  /**
   * It has come, or will not. That it was cancelled once is not forgotten: what crossed the cancel may come
   * beside the answer to a second question.
   */
  settled(piece: number): void {
    this.asked.delete(piece);
  }

  wasCancelled(piece: number): boolean {
    return this.#cancelled.has(piece);
  }

  /** Resolves once everything that was sent is with the system, or the line is gone. */
  async drained(now: () => number): Promise<void> {
    if (this.isGone || this.line.bufferedBytes === 0) return;
    this.blockedSince ??= now();
    await new Promise<void>((resolve) => {
      this.#whenDrained = resolve;
    });
  }

  /** For the line: what was sent is with the system. */
  hasDrained(): void {
    this.blockedSince = undefined;
    this.#whenDrained?.();
    this.#whenDrained = undefined;
  }
}

/** Of two lines between the same two, both keep the same one: who has the smaller name dialled it. */
export function isBetterLine(options: {
  readonly own: string;
  readonly other: string;
  readonly dialledHere: boolean;
}): boolean {
  const { own, other, dialledHere } = options;
  return own < other === dialledHere;
}

/** Numbers in [0, 1) as a function, as the core takes them. */
export function fractionOf(random: Random): () => number {
  return () => random.fraction();
}
