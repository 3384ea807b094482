/**
 * Which piece to ask a peer for: the one that the fewest have, by chance among equals. Pieces that few have
 * are those that get lost with a peer, and those that others will want from here; chance sees to it that
 * neighbours ask for different ones.
 */
import type { PieceSet } from "./piece-set.js";

/** For each piece, how many of the peers that one has a line to have it. */
export class Availability {
  readonly counts: Uint16Array;

  constructor(pieces: number) {
    this.counts = new Uint16Array(pieces);
  }

  of(piece: number): number {
    return this.counts[piece] ?? 0;
  }

  add(piece: number): void {
    this.counts[piece] = this.of(piece) + 1;
  }

  remove(piece: number): void {
    this.counts[piece] = Math.max(0, this.of(piece) - 1);
  }

  addAll(pieces: Iterable<number>): void {
    for (const piece of pieces) this.add(piece);
  }

  removeAll(pieces: Iterable<number>): void {
    for (const piece of pieces) this.remove(piece);
  }
}

export interface Choice {
  /** What the peer has. */
  readonly from: PieceSet;
  /** What is here already. */
  readonly have: PieceSet;
  /** What is asked for elsewhere, and on its way. */
  readonly claimed: PieceSet;
  readonly availability: Availability;
  /** Numbers in [0, 1). */
  readonly fraction: () => number;
}

/** Up to `count` pieces, the rarest first; fewer when there are not so many to choose from. */
export function pickRarest(choice: Choice, count: number): number[] {
  const { claimed } = choice;
  const picked: number[] = [];
  while (picked.length < count) {
    const piece = rarest(choice);
    if (piece === undefined) break;
    claimed.add(piece);
    picked.push(piece);
  }
  for (const piece of picked) claimed.delete(piece);
  return picked;
}

/** Whether there is anything to ask this peer for, now or once what is on its way did not come. */
export function hasWanted(from: PieceSet, have: PieceSet): boolean {
  for (let index = 0; index < from.words.length; index++)
    if (((from.words[index] ?? 0) & ~(have.words[index] ?? 0)) !== 0) return true;
  return false;
}

function rarest({ from, have, claimed, availability, fraction }: Choice): number | undefined {
  let best: number | undefined;
  let bestCount = Infinity;
  let equals = 0;
  for (let index = 0; index < from.words.length; index++) {
    let word = (from.words[index] ?? 0) & ~((have.words[index] ?? 0) | (claimed.words[index] ?? 0));
    while (word !== 0) {
      const piece = index * 32 + (31 - Math.clz32(word & -word));
      word &= word - 1;
      const count = availability.of(piece);
      if (count > bestCount) continue;
      equals = count < bestCount ? 1 : equals + 1;
      // Each of n equals ends up chosen with a chance of 1 in n.
      if (equals === 1 || fraction() * equals < 1) best = piece;
      bestCount = count;
    }
  }
  return best;
}
