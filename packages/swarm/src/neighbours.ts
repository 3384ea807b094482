/**
 * A long line that zones share is slow for all of them, so each piece should cross it once. Whoever asks for a
 * piece on a far line says so to his neighbours, who say it to theirs; nobody of the zone asks for it there
 * again, nor for what a neighbour has.
 *
 *     zone a                    zone b
 *      o ---- 7 ----far-------> web-1 --"7 is coming"--> web-2 --"7 is coming"--> web-3
 *                                 '--------- 7 ----------> '--------- 7 ----------> '
 *
 * A line to another zone that is as fast as those to the neighbours is not far: labels may be of racks, between
 * which there is all the bandwidth of the world. Then nobody says anything.
 */
import { ComingPieces } from "./core/coming.js";
import { PieceSet } from "./core/piece-set.js";
import type { Peer } from "./peer.js";

export interface NeighboursOptions {
  readonly pieces: number;
  /** Absent: everybody is near. */
  readonly zone: string | undefined;
  readonly have: PieceSet;
  readonly peers: () => Iterable<Peer>;
  readonly now: () => number;
}

/** A far line with this part of the rate of near ones is as good as near. */
const farRatio = 0.5;

export class Neighbours {
  readonly #options: NeighboursOptions;
  readonly #coming = new ComingPieces();

  constructor(options: NeighboursOptions) {
    this.#options = options;
  }

  /** Whether pieces from it come over a line that others of the zone wait for too. */
  isFar(peer: Peer): boolean {
    if (this.#isNear(peer)) return false;
    const time = this.#options.now();
    const near = this.#nearPeers().map(({ rate }) => rate.perSecond(time));
    const rates = near.filter((rate) => rate > 0).toSorted((left, right) => left - right);
    const median = rates[rates.length >> 1];
    // Nobody is near, or nothing came from there yet: then what is there is asked for there.
    if (median === undefined) return near.length > 0;
    return peer.rate.perSecond(time) < median * farRatio;
  }

  /** What is not to be asked for on a far line: `claimed`, and what the zone has or will have. */
  without(claimed: PieceSet): PieceSet {
    const all = new PieceSet(this.#options.pieces);
    all.words.set(claimed.words);
    for (const { has } of this.#nearPeers()) {
      if (!has) continue;
      for (let index = 0; index < all.words.length; index++)
        all.words[index] = (all.words[index] ?? 0) | (has.words[index] ?? 0);
    }
    for (const piece of this.#coming.elsewhere(this.#options.now())) all.add(piece);
    return all;
  }

  /** They were asked for on a far line. */
  asked(pieces: readonly number[]): void {
    this.#coming.own(pieces, this.#options.now());
    this.#tell(pieces, undefined);
  }

  /** A neighbour says that they are coming to the zone. */
  heard(from: Peer, pieces: readonly number[]): void {
    if (!this.#isNear(from)) return;
    const { have, now } = this.#options;
    const inside = pieces.filter((piece) => piece < have.size && !have.has(piece));
    this.#tell(this.#coming.heard(inside, now()), from);
  }

  /** It is here. */
  kept(piece: number): void {
    this.#coming.kept(piece);
  }

  #tell(pieces: readonly number[], but: Peer | undefined): void {
    for (const peer of this.#nearPeers()) {
      const { has } = peer;
      if (peer === but || has?.isFull === true) continue;
      const news = has ? pieces.filter((piece) => !has.has(piece)) : pieces;
      if (news.length > 0 && peer.isGreeted) peer.send({ kind: "coming", pieces: news });
    }
  }

  #nearPeers(): Peer[] {
    return [...this.#options.peers()].filter((peer) => peer.hello && this.#isNear(peer));
  }

  #isNear({ hello }: Peer): boolean {
    const { zone } = this.#options;
    return zone === undefined || hello?.zone === zone;
  }
}
