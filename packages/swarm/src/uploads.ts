/**
 * The sending side of a whole process: whose wish is granted next, for all artifacts together.
 *
 *     artifact a:  web-1 wants 7, 9   web-2 wishes   --+   the artifact that got least so far
 *     artifact b:  web-3 wants 4                     --+--> in it the piece that was sent least often
 *                                                      |    of those who wait for it, who waited longest
 *                                                      v
 *                            [slot] [slot] [slot] [slot] [slot]   one piece each, block by block
 *
 * A few pieces at a time, so that each is soon whole over there and can be passed on. Who takes nothing of
 * what is sent does not keep his slot from others.
 */
import type { Clock } from "@propagit/runtime";
import { blockBytesMin, nextBlockBytes } from "./core/block-size.js";
import { blockHeadBytes, writeBlockHead } from "./core/frames.js";
import type { PieceSet } from "./core/piece-set.js";
import type { Seeding } from "./core/seeding.js";
import type { Availability } from "./core/selection.js";
import { TokenBucket } from "./core/token-bucket.js";
import { bytesOfPiece, type Manifest } from "./manifest.js";
import type { Peer } from "./peer.js";
import type { PieceFile } from "./world.js";

/** What an upload needs to know of an artifact. */
export interface Outlet {
  readonly manifest: Manifest;
  readonly file: PieceFile;
  readonly have: PieceSet;
  readonly availability: Availability;
  readonly seeding: Seeding | undefined;
  /** How often each piece was sent from here. */
  readonly sentCounts: Uint16Array;
  readonly peers: () => Iterable<Peer>;
  readonly sent: (peer: Peer, bytes: number) => void;
  readonly failed: (reason: unknown) => void;
  readonly drop: (peer: Peer, reason: string) => void;
  /** Among artifacts: what it has got so far. */
  servedBytes: number;
}

/** Pieces sent at the same time by a process; 4 to 6 are usual, see the file comment. */
const slotsMax = 5;
/** Slots of those who take nothing, beside the others. */
const blockedSlotsMax = 16;
/** After so long without taking anything the slot is another's. */
const blockedMs = 500;
/** After so long the line is ended. */
const blockedMsMax = 30_000;
/** What one peer may have asked for. */
const wantsMax = 256;

interface Serving {
  readonly outlet: Outlet;
  readonly peer: Peer;
  readonly piece: number;
}

export class Uploads {
  readonly #clock: Clock;
  readonly #cap: TokenBucket | undefined;
  readonly #outlets = new Set<Outlet>();
  readonly #serving = new Set<Serving>();
  readonly #blocks: Uint8Array[] = [];
  #turn = 0;

  constructor(clock: Clock, sendBytesPerSecondMax: number | undefined) {
    this.#clock = clock;
    if (sendBytesPerSecondMax !== undefined)
      this.#cap = new TokenBucket(sendBytesPerSecondMax, clock.monotonic());
  }

  add(outlet: Outlet): void {
    // A new one begins where the others are, or it would have everything until it has caught up.
    const served = [...this.#outlets].map(({ servedBytes }) => servedBytes);
    outlet.servedBytes = served.length > 0 ? Math.min(...served) : 0;
    this.#outlets.add(outlet);
  }

  remove(outlet: Outlet): void {
    this.#outlets.delete(outlet);
  }

  /** A peer asks for pieces. Why that cannot be, if it cannot. */
  request(outlet: Outlet, peer: Peer, pieces: readonly number[]): string | undefined {
    const refused: number[] = [];
    for (const piece of pieces) {
      if (piece >= outlet.have.size) return `asked for piece ${piece}, which is not there`;
      if (outlet.have.has(piece) && peer.wants.size < wantsMax) peer.wants.add(piece);
      else refused.push(piece);
    }
    if (refused.length > 0) peer.send({ kind: "reject", pieces: refused });
    this.run();
    return undefined;
  }

  wish(peer: Peer, outlet: Outlet, count: number): void {
    if (!outlet.seeding) {
      peer.send({ kind: "nothing" });
      return;
    }
    peer.wishesHere = Math.min(wantsMax, peer.wishesHere + count);
    this.run();
  }

  cancel(peer: Peer, pieces: readonly number[]): void {
    for (const piece of pieces) {
      peer.wants.delete(piece);
      if (peer.sending === piece) peer.sending = undefined;
    }
  }

  /** Looks at everything that goes by time. */
  tick(): void {
    const now = this.#clock.monotonic();
    for (const { outlet, peer } of this.#serving)
      if (blockedMsOf(peer, now) > blockedMsMax)
        outlet.drop(peer, `took nothing for ${blockedMsMax / 1000} s`);
    this.#dropBlocked(now);
    this.run();
  }

  /** More of them than may have slots of their own would take those of others: who waits longest goes. */
  #dropBlocked(now: number): void {
    const blocked = [...this.#serving]
      .filter(({ peer }) => !peer.isGone && blockedMsOf(peer, now) > blockedMs)
      .toSorted((left, right) => blockedMsOf(right.peer, now) - blockedMsOf(left.peer, now));
    for (const { outlet, peer } of blocked.slice(0, -blockedSlotsMax))
      outlet.drop(peer, "took nothing, like too many others");
  }

  /** Fills the slots that are free. */
  run(): void {
    while (this.#hasSlot()) {
      const next = this.#next();
      if (!next) return;
      void this.#serve(next);
    }
  }

  #hasSlot(): boolean {
    const now = this.#clock.monotonic();
    let blocked = 0;
    for (const { peer } of this.#serving) if (blockedMsOf(peer, now) > blockedMs) blocked++;
    return this.#serving.size - Math.min(blocked, blockedSlotsMax) < slotsMax;
  }

  #next(): Serving | undefined {
    const outlets = [...this.#outlets];
    if (outlets.length > 1) outlets.sort((left, right) => left.servedBytes - right.servedBytes);
    for (const outlet of outlets) {
      const next = this.#nextOf(outlet);
      if (next) return next;
    }
    return undefined;
  }

  #nextOf(outlet: Outlet): Serving | undefined {
    let best: { peer: Peer; piece: number; times: number } | undefined;
    for (const peer of outlet.peers()) {
      if (peer.sending !== undefined || peer.isGone) continue;
      const found = this.#wishOf(outlet, peer) ?? rarestWanted(outlet, peer);
      if (!found) continue;
      const isBetter =
        !best ||
        found.times < best.times ||
        (found.times === best.times && peer.servedAt < best.peer.servedAt);
      if (isBetter) best = { peer, ...found };
    }
    if (!best) return undefined;
    const { peer, piece } = best;
    if (best.times < 0) peer.wishesHere--;
    peer.wants.delete(piece);
    peer.sending = piece;
    peer.servedAt = ++this.#turn;
    if (outlet.seeding) {
      outlet.seeding.began(piece);
      peer.given.add(piece);
    }
    return { outlet, peer, piece };
  }

  #wishOf(outlet: Outlet, peer: Peer): { piece: number; times: number } | undefined {
    if (peer.wishesHere === 0 || !peer.has) return undefined;
    const piece = outlet.seeding?.pick(peer.has, outlet.availability);
    if (piece !== undefined) return { piece, times: -1 };
    peer.wishesHere = 0;
    peer.send({ kind: "nothing" });
    return undefined;
  }

  async #serve(serving: Serving): Promise<void> {
    const { outlet, peer, piece } = serving;
    this.#serving.add(serving);
    try {
      const isWhole = await this.#send(serving);
      outlet.sentCounts[piece] = (outlet.sentCounts[piece] ?? 0) + 1;
      if (!isWhole && peer.given.delete(piece)) outlet.seeding?.ended(piece, false);
    } catch (reason) {
      outlet.failed(reason);
    } finally {
      this.#serving.delete(serving);
      if (peer.sending === piece) peer.sending = undefined;
    }
    this.run();
  }

  /** Whether all of the piece was sent: nobody cancelled it, and the line held. */
  async #send({ outlet, peer, piece }: Serving): Promise<boolean> {
    const { file, manifest } = outlet;
    const length = bytesOfPiece(manifest, piece);
    const start = piece * manifest.pieceBytes;
    for (let offset = 0; offset < length;) {
      await this.#waitForCap();
      // With a cap, as short as they may be: what is sent is even then.
      const bytes = Math.min(this.#cap ? blockBytesMin : peer.blockBytes, length - offset);
      const block = this.#block(bytes);
      const frame = block.subarray(0, blockHeadBytes + bytes);
      await file.read(start + offset, frame.subarray(blockHeadBytes));
      if (peer.isGone || peer.sending !== piece) return false;
      writeBlockHead(frame, { piece, offset, bytes });
      const sentAt = this.#clock.monotonic();
      peer.line.send(frame);
      this.#cap?.take(this.#clock.monotonic(), bytes);
      outlet.servedBytes += bytes;
      outlet.sent(peer, bytes);
      await peer.drained(() => this.#clock.monotonic());
      if (!peer.isGone && this.#blocks.length < slotsMax) this.#blocks.push(block);
      peer.blockBytes = nextBlockBytes(bytes, this.#clock.monotonic() - sentAt);
      offset += bytes;
    }
    return !peer.isGone;
  }

  async #waitForCap(): Promise<void> {
    for (;;) {
      const waitMs = this.#cap?.waitMs(this.#clock.monotonic()) ?? 0;
      if (waitMs <= 0) return;
      await new Promise<void>((resolve) => {
        this.#clock.after(waitMs, resolve);
      });
    }
  }

  #block(bytes: number): Uint8Array {
    const found = this.#blocks.pop();
    if (found && found.length >= blockHeadBytes + bytes) return found;
    return new Uint8Array(blockHeadBytes + bytes);
  }
}

function blockedMsOf({ blockedSince }: Peer, now: number): number {
  return blockedSince === undefined ? 0 : now - blockedSince;
}

/** Of what somebody waits for, the piece that was sent least often from here. */
function rarestWanted(outlet: Outlet, peer: Peer): { piece: number; times: number } | undefined {
  let best: { piece: number; times: number } | undefined;
  for (const piece of peer.wants) {
    const times = outlet.sentCounts[piece] ?? 0;
    if (!best || times < best.times) best = { piece, times };
  }
  return best;
}
