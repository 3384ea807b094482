import type { Random } from "../random.js";

/** Repeatable randomness: mulberry32 (T. Ettinger, public domain), good enough for tests. */
export function simRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (chars: number) =>
    Array.from({ length: chars }, () => Math.floor(fraction() * 16).toString(16)).join("");
  return { fraction, hex };
}
