/** Which pieces to ask a peer for, out of what is missing. */
import type { Random } from "@propagit/runtime";
import type { PieceSet } from "./core/piece-set.js";
import { hasWanted, pickRarest, type Availability } from "./core/selection.js";
import type { Peer } from "./peer.js";

export interface Situation {
  readonly have: PieceSet;
  /** Asked for, or being written; for a far line also what neighbours have or will have. */
  readonly claimed: PieceSet;
  /** Whether it is about a far line. */
  readonly isFar: boolean;
  /** Of those who do not choose themselves. */
  readonly availability: Availability;
  readonly peers: () => Iterable<Peer>;
  readonly random: Random;
  /** How long pieces have been coming in. */
  readonly elapsedMs: number;
  readonly pieceBytes: number;
  /** How long a piece takes on a line of this swarm. */
  readonly pieceMs: () => number;
}

/** How many may be asked for the same piece at the end. */
const askersMax = 2;
/** A piece is asked for twice when it would come so many times sooner: what crosses a cancel is sent for nothing. */
const soonerMin = 2;

/** Up to `room` pieces for a peer that is not one who still chooses himself. */
export function choosePieces(
  situation: Situation,
  peer: Peer,
  room: number,
  now: number,
): number[] {
  const { availability, claimed, have, isFar, random } = situation;
  const { has: from } = peer;
  if (!from) return [];
  if (peer.hello?.chooses === true) return chooseUnknown(situation, peer, from, room, now);
  const fraction = () => random.fraction();
  const picked = pickRarest({ from, have, claimed, availability, fraction }, room);
  if (picked.length > 0) return picked;
  // Nothing crosses a long line twice to be a little sooner; what does not come is free again later.
  const isEnd = !isFar && have.size - have.count - claimed.count <= 0;
  return isEnd ? chooseDouble(situation, peer, from, now) : [];
}

/** How many have something that is missing here and do not stall; all while that is not known. */
export function countHelpers(
  peers: Iterable<Peer>,
  have: PieceSet | undefined,
  now: number,
): number {
  let count = 0;
  for (const { has, quietUntil } of peers)
    if (!have || (has !== undefined && quietUntil <= now && hasWanted(has, have))) count++;
  return count;
}

/**
 * Of who chose so far: only what nobody else is known to have, and only after a while, as it is mostly on its way
 * round to here: with a twentieth of the time the hub sent 1.17 artifacts to 64 drones (simulated), with a sixth 1.03,
 * and nobody was later.
 */
function chooseUnknown(
  { availability, claimed, elapsedMs, have, peers }: Situation,
  peer: Peer,
  from: PieceSet,
  room: number,
  now: number,
): number[] {
  const patienceMs = Math.min(10_000, Math.max(500, elapsedMs / 6));
  if (now - (peer.nothingSince ?? now) < patienceMs) return [];
  const picked: number[] = [];
  for (const piece of from) {
    if (picked.length >= room) break;
    if (have.has(piece) || claimed.has(piece)) continue;
    if (availability.of(piece) > 0 && isWithOthers(peers(), peer, piece)) continue;
    picked.push(piece);
  }
  return picked;
}

/** Whether somebody else has it who does not stall: a dead one has what it had until its line is given up. */
function isWithOthers(peers: Iterable<Peer>, but: Peer, piece: number): boolean {
  for (const peer of peers)
    if (peer !== but && peer.stalls === 0 && peer.has?.has(piece) === true) return true;
  return false;
}

/**
 * The end game: an idle line is asked for what would come last from where it is asked for now, so that the slowest
 * does not decide.
 */
function chooseDouble(situation: Situation, peer: Peer, from: PieceSet, now: number): number[] {
  if (peer.isBusy) return [];
  const { have, peers } = situation;
  const coming = new Map<number, { readonly askers: number; readonly ms: number }>();
  for (const other of peers())
    for (const [piece, ms] of comingIn(situation, other, now)) {
      const known = coming.get(piece);
      coming.set(piece, { askers: 1 + (known?.askers ?? 0), ms: Math.min(ms, known?.ms ?? ms) });
    }
  let last: number | undefined;
  let lastMs = soonerMin * (peer.tripMs + pieceMsOn(situation, peer, now));
  for (const [piece, { askers, ms }] of coming) {
    if (askers >= askersMax || ms <= lastMs || !from.has(piece) || have.has(piece)) continue;
    [last, lastMs] = [piece, ms];
  }
  return last === undefined ? [] : [last];
}

/** The pieces that a peer was asked for, each with the time until it is here. */
function* comingIn(situation: Situation, peer: Peer, now: number): Iterable<[number, number]> {
  const { pieceBytes } = situation;
  const pieceMs = pieceMsOn(situation, peer, now);
  let ms = -(pieceMs * (peer.incoming?.filledBytes ?? 0)) / pieceBytes;
  for (const piece of peer.asked.keys()) yield [piece, (ms += pieceMs)];
}

/** As fast as its line was of late; one that brought nothing yet is taken for any other. */
function pieceMsOn({ pieceBytes, pieceMs }: Situation, { rate }: Peer, now: number): number {
  const bytesPerSecond = rate.perSecond(now);
  return bytesPerSecond > 0 ? (pieceBytes * 1000) / bytesPerSecond : pieceMs();
}
