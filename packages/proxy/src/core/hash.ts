/**
 * A number out of texts: evenly spread over (0, 1), the same on every machine and in every version.
 *
 * Two 32-bit lanes, each mixed as MurmurHash3 (A. Appleby, public domain) mixes a block, finished against
 * each other; 52 bits are kept, as many as a double takes with a half added. Not for secrets.
 *
 * Several numbers of texts that begin alike share the work: `uniformAfter(seedOf(a, b), c)` is
 * `uniformOf(a, b, c)`. Texts that stay the same are mixed once: `uniformWith(seedOf(a), seedOf(b))`, a number
 * of its own.
 */

/** The lanes after some texts. */
export interface Seed {
  readonly left: number;
  readonly right: number;
}

const start: Seed = { left: 0x9747b28c, right: 0x3c074a61 };

export function seedOf(...texts: readonly string[]): Seed {
  return texts.reduce(mixText, start);
}

export function uniformOf(...texts: readonly string[]): number {
  const { left, right } = seedOf(...texts);
  return finishLanes(left, right);
}

/** The same as mixing and finishing, without anything made on the way: it is asked for each share of a split. */
export function uniformAfter(seed: Seed, text: string): number {
  let { left, right } = seed;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    left = mix(left, code, leftFirst, leftSecond);
    right = mix(right, code, rightFirst, rightSecond);
  }
  const end = endOf(text);
  left = mix(left, end, leftFirst, leftSecond);
  right = mix(right, end, rightFirst, rightSecond);
  return finishLanes(left, right);
}

/** A number out of what was mixed already, with one more block for each lane. */
export function uniformWith(seed: Seed, other: Seed): number {
  return finishLanes(
    mix(seed.left, other.left, leftFirst, leftSecond),
    mix(seed.right, other.right, rightFirst, rightSecond),
  );
}

export function mixText(seed: Seed, text: string): Seed {
  let { left, right } = seed;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    left = mix(left, code, leftFirst, leftSecond);
    right = mix(right, code, rightFirst, rightSecond);
  }
  const end = endOf(text);
  return {
    left: mix(left, end, leftFirst, leftSecond),
    right: mix(right, end, rightFirst, rightSecond),
  };
}

const leftFirst = 0xcc9e2d51;
const leftSecond = 0x1b873593;
const rightFirst = 0x239b961b;
const rightSecond = 0xab0e9789;

/** Ends each text, so that ("ab", "c") is not ("a", "bc"). */
function endOf(text: string): number {
  return 0x10000 + text.length;
}

function finishLanes(leftLane: number, rightLane: number): number {
  const left = finish(leftLane ^ rightLane);
  const right = finish(rightLane + Math.imul(left, 0x9e3779b1));
  return ((left >>> 6) * 2 ** 26 + (right >>> 6) + 0.5) / 2 ** 52;
}

function mix(hash: number, block: number, first: number, second: number): number {
  const mixed = Math.imul(rotate(Math.imul(block, first), 15), second);
  return (Math.imul(rotate(hash ^ mixed, 13), 5) + 0xe6546b64) | 0;
}

/** Every bit of the input changes about half of the output's. */
function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
