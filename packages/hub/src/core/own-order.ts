/**
 * An order of things that is another one for each key, so that many keys spread over all of them (rendezvous
 * hashing): which of any two comes first does not depend on the others, so nothing else moves when one goes.
 */

export function inOwnOrder<T>(
  key: string,
  things: readonly T[],
  idOf: (thing: T) => string,
): readonly T[] {
  const weighed = things.map((thing) => ({ thing, weight: hash(`${key} ${idOf(thing)}`) }));
  return weighed.sort((left, right) => right.weight - left.weight).map(({ thing }) => thing);
}

/** FNV-1a, mixed at its end (murmur3's last step), since texts that differ little shall differ all over. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35);
  return (sum ^ (sum >>> 16)) >>> 0;
}
