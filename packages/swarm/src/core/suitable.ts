/** Whether two who take part may be introduced to each other. */
import { degreeMax } from "./introduce.js";
import { isHolding, isTaking, type Seat } from "./seats.js";

/** Whoever is not believed by so many is out. */
export const complaintsMax = 2;

export function linesOf({ peers }: Seat): number {
  return peers.size;
}

export function isBelieved(one: Seat, by: Seat): boolean {
  return one.complaints.size < complaintsMax && !one.complaints.has(by.participant.name);
}

/** Whether `one` may be somebody new to whoever asks. */
export function isSuitable(asks: Seat, one: Seat): boolean {
  return (
    one !== asks &&
    one.isConnected &&
    linesOf(one) < degreeMax &&
    isBelieved(one, asks) &&
    !asks.complaints.has(one.participant.name) &&
    !asks.peers.has(one.participant.name) &&
    (isTaking(one) || isHolding(one))
  );
}
