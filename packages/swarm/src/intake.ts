/**
 * The receiving side of one artifact: which piece to ask whom for, and what becomes of what comes.
 *
 *                 +--- reject, cancel, line gone, stalled ---+
 *                 v                                          |
 *     [missing] --ask--> [claimed: asked of one or two] --all of it--> hash --right--> write --> [kept]
 *                 ^                                                     |
 *                 +------------------ wrong: whoever sent it is banned -+
 *
 * No timers: what goes by time is looked at in `tick`.
 */
import { choosePieces, type Situation } from "./choose.js";
import { lateMsOf, pieceMsOf, Rate, roomOf, stallMsOf } from "./core/pace.js";
import { PieceSet } from "./core/piece-set.js";
import { bytesOfPiece, hashOfPiece } from "./manifest.js";
import type { IntakeOptions } from "./intake-options.js";
import type { Incoming, Peer } from "./peer.js";
import { intakeBytesMax, PieceWriter } from "./piece-writer.js";

/** Stalled so often in a row, with nothing in between: it loses its place. */
const stallsMax = 3;
/** Refusals of what it said it has, beyond what it sent. */
const rejectsMax = 16;
/** A cancel and a piece may cross, so a few are no sign of anything. */
const unaskedMax = 64;

export class Intake {
  readonly #options: IntakeOptions;
  /** On their way, or being written: not to be asked for. */
  readonly #claimed: PieceSet;
  readonly #writer: PieceWriter;
  readonly #rate = new Rate();
  readonly #since: number;
  #wishes = 0;
  #wasted = 0;
  #received = 0;
  #progressAt: number;
  #progressBytes = 0;
  #ended = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#writer = new PieceWriter(options, (piece) => this.#written(piece));
    this.#claimed = new PieceSet(options.have.size);
    this.#since = options.now();
    this.#progressAt = this.#since;
    this.#rate.start(this.#since);
  }

  get receivedBytes(): number {
    return this.#received;
  }

  get wastedBytes(): number {
    return this.#wasted;
  }

  /** When something worth mentioning came last. */
  get progressAt(): number {
    return this.#progressAt;
  }

  bytesPerSecond(): number {
    return this.#ended ? 0 : this.#rate.perSecond(this.#options.now());
  }

  /** Nothing is asked for any more. */
  end(): void {
    this.#ended = true;
    for (const peer of this.#options.peers()) this.#letGo(peer);
    this.#writer.end();
  }

  /** Asks a peer for as much as its line wants. */
  pump(peer: Peer): void {
    const { have, neighbours, now } = this.#options;
    if (this.#ended || peer.isGone || !peer.has || have.isFull) return;
    const time = now();
    // What is behind a piece that does not end is as late as that.
    if (peer.quietUntil > time || peer.incoming?.isLate === true) return;
    if (this.#isHeldBack(peer, time)) return;
    const isFar = neighbours.isFar(peer);
    const room = isFar && !peer.chooses ? 1 - peer.asked.size : this.#roomOf(peer, time);
    if (room <= 0) return;
    if (peer.chooses) {
      this.#wish(peer, room, time);
      return;
    }
    const pieces = choosePieces(this.#situation(time, isFar), peer, room, time);
    if (pieces.length === 0) return;
    if (isFar) neighbours.asked(pieces);
    for (const piece of pieces) this.#claimed.add(piece);
    peer.rate.start(time);
    for (const piece of pieces) peer.asked.set(piece, time);
    peer.send({ kind: "request", pieces });
  }

  pumpAll(): void {
    for (const peer of this.#options.peers()) this.pump(peer);
  }

  /** Bytes of a piece. The reason when nobody could have asked for them. */
  block(peer: Peer, piece: number, offset: number, bytes: Uint8Array): string | undefined {
    const { manifest, now } = this.#options;
    if (piece >= this.#options.have.size) return `sent piece ${piece}, which is not there`;
    const time = now();
    let { incoming } = peer;
    if (incoming?.piece !== piece && offset > 0 && peer.wasCancelled(piece)) {
      // It was half here when the line stalled, and was given up; the rest comes all the same.
      return this.#count(peer, bytes.length, time, false);
    }
    if (incoming?.piece !== piece || offset === 0) {
      const begun = this.#begin(peer, piece, offset, time);
      if (typeof begun === "string") return begun;
      incoming = begun;
    }
    const length = bytesOfPiece(manifest, piece);
    if (offset !== incoming.filledBytes || offset + bytes.length > length)
      return `sent bytes ${offset} to ${offset + bytes.length} of piece ${piece} out of order`;
    incoming.buffer?.set(bytes, offset);
    incoming.filledBytes += bytes.length;
    const reason = this.#count(peer, bytes.length, time, incoming.buffer !== undefined);
    if (reason !== undefined) return reason;
    if (incoming.filledBytes === length) this.#complete(peer, incoming, length, time);
    else if (peer.asked.size + peer.wishes === 1) this.pump(peer);
    return undefined;
  }

  /** It will not send these. */
  rejected(peer: Peer, pieces: readonly number[]): void {
    const { availability, ban } = this.#options;
    for (const piece of pieces) {
      if (!peer.asked.has(piece) && !peer.wasCancelled(piece)) continue;
      const wasAsked = peer.asked.has(piece);
      peer.settled(piece);
      if (peer.incoming?.piece === piece) this.#dropIncoming(peer);
      if (wasAsked) this.#unclaim(piece);
      if (peer.has?.delete(piece) === true && peer.hello?.chooses !== true)
        availability.remove(piece);
      peer.rejects++;
    }
    this.#noteIdle(peer);
    if (peer.rejects > rejectsMax + peer.receivedPieces) ban(peer, "has not what it says it has");
    else this.pumpAll();
  }

  /** Its choice is nothing. */
  nothing(peer: Peer): void {
    this.#withdraw(peer);
    peer.nothingSince = this.#options.now();
    this.#noteIdle(peer);
    this.pumpAll();
  }

  /** A line has ended: what was asked of it is free for others. */
  gone(peer: Peer): void {
    this.#letGo(peer);
    if (!this.#ended) this.pumpAll();
  }

  /** Looks at everything that goes by time. */
  tick(): void {
    if (this.#ended) return;
    const time = this.#options.now();
    for (const peer of this.#options.peers()) {
      if (peer.isGone || !peer.isBusy) continue;
      this.#checkStall(peer, time);
      this.#checkLate(peer, time);
    }
    this.pumpAll();
  }

  #checkStall(peer: Peer, time: number): void {
    const quietMs = time - Math.max(peer.bytesAt, this.#oldestAsk(peer));
    const limitMs = stallMsOf(this.#pieceMs(), this.#options.neighbours.isFar(peer));
    if (quietMs <= limitMs) return;
    peer.stalls++;
    this.#letGo(peer);
    const seconds = Math.round(quietMs / 1000);
    if (peer.stalls >= stallsMax) this.#options.drop(peer, `sent nothing for ${seconds} s, again`);
    else peer.quietUntil = time + limitMs * 2 ** (peer.stalls - 1);
  }

  /** A piece that takes far longer than pieces do is asked for elsewhere too; the slow one may still win. */
  #checkLate(peer: Peer, time: number): void {
    const { incoming } = peer;
    if (!incoming || incoming.isLate === true) return;
    const limitMs = lateMsOf(this.#pieceMs());
    if (time - incoming.since <= limitMs) return;
    incoming.isLate = true;
    peer.stalls++;
    const others = [...peer.asked.keys()].filter((piece) => piece !== incoming.piece);
    for (const piece of others) {
      peer.cancel(piece);
      this.#unclaim(piece);
    }
    if (incoming.buffer && !this.#isDone(incoming.piece)) this.#claimed.delete(incoming.piece);
    peer.quietUntil = time + limitMs;
    if (peer.stalls >= stallsMax) this.#options.drop(peer, "sends too slowly");
  }

  #pieceMs(): number {
    const { manifest, now, peers } = this.#options;
    const time = now();
    const rates = Array.from(peers(), ({ rate }) => rate.perSecond(time));
    return pieceMsOf(manifest.pieceBytes, rates);
  }

  #oldestAsk(peer: Peer): number {
    for (const at of peer.asked.values()) return at;
    return peer.wishes > 0 ? peer.wishesSince : peer.bytesAt;
  }

  #roomOf(peer: Peer, time: number): number {
    const { pieceBytes } = this.#options.manifest;
    const askedBytes = (peer.asked.size + peer.wishes) * pieceBytes;
    return roomOf({
      bytesPerSecond: peer.rate.perSecond(time),
      tripMs: peer.tripMs,
      pieceBytes,
      leftBytes: askedBytes - (peer.incoming?.filledBytes ?? 0),
    });
  }

  /** Whether this one has to wait although its line has room. */
  #isHeldBack(peer: Peer, time: number): boolean {
    const { cap, intakes, manifest, peers } = this.#options;
    if (cap && cap.waitMs(time) > 0) return true;
    if (peer.isBusy) return false;
    const linesMax = Math.max(1, Math.floor(intakeBytesMax / manifest.pieceBytes / intakes()));
    let busy = 0;
    for (const other of peers()) if (other.isBusy) busy++;
    return busy >= linesMax;
  }

  #situation(time: number, isFar: boolean): Situation {
    const { availability, have, manifest, neighbours, peers, random } = this.#options;
    const { pieceBytes } = manifest;
    const claimed = isFar ? neighbours.without(this.#claimed) : this.#claimed;
    const elapsedMs = time - this.#since;
    const times = { elapsedMs, pieceBytes, pieceMs: () => this.#pieceMs() };
    return { availability, claimed, have, isFar, peers, random, ...times };
  }

  #wish(peer: Peer, room: number, time: number): void {
    const { have } = this.#options;
    const free = have.size - have.count - this.#claimed.count - this.#wishes;
    const count = Math.min(room, free);
    if (count <= 0) return;
    peer.rate.start(time);
    if (peer.wishes === 0) peer.wishesSince = time;
    peer.wishes += count;
    this.#wishes += count;
    peer.send({ kind: "wish", count });
  }

  #begin(peer: Peer, piece: number, offset: number, time: number): Incoming | string {
    if (offset !== 0) return `sent piece ${piece} from its middle`;
    const { incoming } = peer;
    const isBrokenOff = incoming?.buffer !== undefined && peer.asked.has(incoming.piece);
    if (isBrokenOff && ++peer.unasked > unaskedMax) return "breaks off what it begins";
    this.#dropIncoming(peer);
    const isExpected = peer.mayComeFrom(piece);
    if (!isExpected && ++peer.unasked > unaskedMax) return "sends what nobody asked for";
    const askedAt = peer.asked.get(piece);
    if (isExpected && askedAt === undefined && !peer.wasCancelled(piece)) this.#grant(peer, piece);
    if (askedAt !== undefined && peer.bytesAt < askedAt) {
      const tripMs = time - askedAt;
      peer.tripMs = peer.tripMs === 0 ? tripMs : Math.min(peer.tripMs, tripMs);
    }
    const isWanted = isExpected && !this.#isDone(piece) && !this.#ended;
    if (!isWanted) peer.cancel(piece);
    const buffer = isWanted ? this.#writer.buffer() : undefined;
    peer.incoming = { piece, buffer, since: time, filledBytes: 0 };
    return peer.incoming;
  }

  /** It chose this one for a wish. */
  #grant(peer: Peer, piece: number): void {
    if (peer.wishes > 0) {
      peer.wishes--;
      this.#wishes--;
    } else peer.withdrawn--;
    peer.asked.set(piece, this.#options.now());
    if (!this.#isDone(piece)) this.#claimed.add(piece);
  }

  /** Its wishes are not waited for any more. */
  #withdraw(peer: Peer): void {
    this.#wishes -= peer.wishes;
    peer.withdrawn += peer.wishes;
    peer.wishes = 0;
  }

  #isDone(piece: number): boolean {
    return this.#options.have.has(piece) || this.#writer.isWriting(piece);
  }

  #complete(peer: Peer, incoming: Incoming, length: number, time: number): void {
    const { ban, digests, manifest } = this.#options;
    const { buffer, piece } = incoming;
    peer.incoming = undefined;
    peer.settled(piece);
    this.#noteIdle(peer);
    peer.stalls = 0;
    if (buffer && !this.#isDone(piece)) {
      const bytes = buffer.subarray(0, length);
      if (digests.sha256(bytes) !== hashOfPiece(manifest, piece)) {
        this.#wasted += length;
        this.#writer.free(buffer);
        this.#unclaim(piece);
        ban(peer, `sent a wrong piece ${piece}`);
        return;
      }
      peer.receivedPieces++;
      this.#claimed.add(piece);
      this.#cancelElsewhere(piece);
      void this.#writer.write(peer, piece, buffer);
    } else if (buffer) {
      this.#wasted += length;
      this.#writer.free(buffer);
    }
    peer.bytesAt = time;
    this.pump(peer);
  }

  #written(piece: number): void {
    this.#claimed.delete(piece);
    this.#options.have.add(piece);
    this.#options.kept(piece);
  }

  #cancelElsewhere(piece: number): void {
    for (const other of this.#options.peers()) {
      if (!other.asked.has(piece)) continue;
      other.cancel(piece);
      this.#noteIdle(other);
      this.pump(other);
    }
  }

  /** What is of no use is no progress, however much of it comes. The reason when it is too much. */
  #count(peer: Peer, bytes: number, time: number, isOfUse: boolean): string | undefined {
    const { cap, manifest, received } = this.#options;
    peer.rate.add(time, bytes);
    this.#rate.add(time, bytes);
    peer.bytesAt = time;
    this.#received += bytes;
    received(peer, bytes);
    cap?.take(time, bytes);
    if (!isOfUse) {
      this.#wasted += bytes;
      peer.wastedBytes += bytes;
      const wastedMax = (peer.cancels + unaskedMax) * manifest.pieceBytes;
      return peer.wastedBytes > wastedMax ? "sends again and again what is of no use" : undefined;
    }
    this.#progressBytes += bytes;
    if (this.#progressBytes < Math.min(64 * 1024, manifest.pieceBytes)) return undefined;
    this.#progressBytes = 0;
    this.#progressAt = time;
    return undefined;
  }

  /** Nobody waits for it any more; what it was asked for is free for others. */
  #letGo(peer: Peer): void {
    this.#dropIncoming(peer);
    for (const piece of peer.asked.keys()) {
      peer.cancel(piece);
      this.#unclaim(piece);
    }
    this.#withdraw(peer);
    this.#noteIdle(peer);
  }

  #dropIncoming(peer: Peer): void {
    const { incoming } = peer;
    peer.incoming = undefined;
    if (!incoming?.buffer) return;
    this.#wasted += incoming.filledBytes;
    this.#writer.free(incoming.buffer);
  }

  /** Free to be asked for, unless somebody else is asked or it has come meanwhile. */
  #unclaim(piece: number): void {
    if (this.#isDone(piece)) return;
    for (const peer of this.#options.peers()) if (peer.asked.has(piece)) return;
    this.#claimed.delete(piece);
  }

  #noteIdle(peer: Peer): void {
    if (!peer.isBusy) peer.rate.stop(this.#options.now());
  }
}
