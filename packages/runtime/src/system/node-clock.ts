import type { Clock } from "../clock.js";

/** Longest delay a Node timer takes; longer ones would fire at once. */
const delayMsMax = 2 ** 31 - 1;

export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, Math.min(delayMs, delayMsMax));
    return { cancel: () => clearTimeout(timer) };
  },
};
