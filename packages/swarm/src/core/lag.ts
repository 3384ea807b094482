/** Who is behind the others of an artifact. Whoever is there and wants pieces is looked at, nobody else. */
import { isTaking, type Seat } from "./seats.js";

/** Nothing came for so long. */
const stillMs = 10_000;
/** Of the median of those that take pieces; fewer than `crowd` have no median worth the name. */
const slowRatio = 0.5;
const crowd = 4;
/** Before that a rate says nothing: whoever has just come has none. */
const settledMs = 5_000;

export function lagging(seats: Iterable<Seat>, now: number): ReadonlySet<string> {
  const takers = [...seats].filter((seat) => isTaking(seat));
  const isSettled = ({ isConnected, since }: Seat) => isConnected && now - since >= settledMs;
  const rates = takers
    .filter(isSettled)
    .map(rateOf)
    .toSorted((left, right) => left - right);
  const median = rates[Math.floor(rates.length / 2)] ?? 0;
  const isSlow = (seat: Seat) =>
    rates.length >= crowd && isSettled(seat) && rateOf(seat) < median * slowRatio;
  const behind = takers.filter((seat) => now - seat.movedAt >= stillMs || isSlow(seat));
  return new Set(behind.map(({ participant }) => participant.name));
}

function rateOf(seat: Seat): number {
  return seat.report?.receivedBytesPerSecond ?? 0;
}
