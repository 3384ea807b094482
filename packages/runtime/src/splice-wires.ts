/**
 * Makes one wire out of two: what comes on one goes out on the other, and when one ends the other is closed.
 *
 * Whoever sends faster than the other one takes is held up; where that cannot be, too much of it ends both.
 */
import type { Clock } from "./clock.js";
import type { Wire } from "./network.js";

/** What may wait for the slower side before the faster one is held up; and until when. */
const [holdBytes, releaseBytes] = [256 * 1024, 64 * 1024];
/** What may wait at all, as of a conversation's own wire. */
const bufferedBytesMax = 64 * 1024 * 1024;
/** How often a slow side is looked at again: wires do not say when they have sent something. */
const lookMs = 20;

export function spliceWires(clock: Clock, left: Wire, right: Wire): void {
  pass(clock, left, right);
  pass(clock, right, left);
}

function pass(clock: Clock, from: Wire, to: Wire): void {
  let isOver = false;
  let isHeld = false;
  const look = () => {
    if (isOver) return;
    if (to.bufferedBytes > releaseBytes) {
      clock.after(lookMs, look);
      return;
    }
    isHeld = false;
    from.hold?.(false);
  };
  from.listen({
    message(text) {
      to.send(text);
      if (to.bufferedBytes > bufferedBytesMax) return from.close();
      if (isHeld || to.bufferedBytes <= holdBytes) return;
      isHeld = true;
      from.hold?.(true);
      clock.after(lookMs, look);
    },
    closed() {
      isOver = true;
      to.close();
    },
  });
}
