/**
 * A number out of texts: evenly spread over (0, 1), the same on every machine and in every version.
 *
 * Two 32-bit lanes, each mixed as MurmurHash3 (A. Appleby, public domain) mixes a block, finished against
 * each other; 52 bits are kept, as many as a double takes with a half added. Not for secrets.
 *
 * Several numbers of texts that begin alike share the work: `uniformAfter(seedOf(a, b), c)` is
 * `uniformOf(a, b, c)`.
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
  return finishSeed(seedOf(...texts));
}

export function uniformAfter(seed: Seed, text: string): number {
  return finishSeed(mixText(seed, text));
}

export function mixText(seed: Seed, text: string): Seed {
  let { left, right } = seed;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    left = mix(left, code, 0xcc9e2d51, 0x1b873593);
    right = mix(right, code, 0x239b961b, 0xab0e9789);
  }
  // Ends each text, so that ("ab", "c") is not ("a", "bc").
  left = mix(left, 0x10000 + text.length, 0xcc9e2d51, 0x1b873593);
  right = mix(right, 0x10000 + text.length, 0x239b961b, 0xab0e9789);
  return { left, right };
}

function finishSeed(seed: Seed): number {
  const left = finish(seed.left ^ seed.right);
  const right = finish(seed.right + Math.imul(left, 0x9e3779b1));
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
