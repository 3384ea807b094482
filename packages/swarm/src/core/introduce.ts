/**
 * Who is introduced to whom: a random graph of bounded degree in which near ones come first.
 *
 *     zone a            zone b                 zone c, with a relay
 *      o--o-.           o--o                    o--o--o
 *      |\/| '---far-----|\ |                     \ | /
 *      o--o------far----o--o                     relay------ the hub
 *
 * Whoever comes gets some of those that are there, by chance: each new one hangs on several others, so the graph
 * is connected, and its diameter grows like the logarithm of its size. As many again come to each later; that
 * makes about eight lines for each drone, and never more than `degreeMax`.
 *
 * Of several that chance offers, those with the fewest lines are taken: who has twice as many as others has twice
 * as many who want something at once, and who has half as many waits for few. Measured (simulated, 64 drones, 8 MB):
 * with 8 to 16 lines each 1.7 times the ideal time, with about 8 each 1.35.
 */

/** Peers that a newcomer is given: near ones, of its zone, and far ones so that no zone starves. */
export const nearPeers = 3;
export const farPeers = 1;
/** What everybody ends up with: whoever came last has met too few by then, and gets others who did. */
export const degreeWanted = 8;
/** More lines than this nobody is given; twice what a newcomer gets, and as many for those in need. */
export const degreeMax = 16;
/** More that somebody gets who lacks peers. */
export const morePeers = 3;
/**
 * Drones that get pieces from the hub itself: enough that a slow one does not hold up the rest and that pieces begin
 * in many places (with 12 in place of 8 the last of 64 is 2 % sooner, simulated), few enough that each gets a good
 * part of its line.
 */
export const hubChildrenMax = 12;
/**
 * As many of them from the start. The others are found once everybody has come, far from these: those who come
 * first know each other, and if they all had the first pieces there would be few ways out of their midst.
 */
export const hubChildrenFirst = 4;
/** With those that are the first of their zone, or lack peers. */
export const hubChildrenUrgentMax = 16;
/** Drones that get pieces from the relay of their zone itself; the others get them from those. */
export const relayChildrenMax = 24;
/** After that many times of lacking peers the hub helps, whatever else. */
export const patience = 2;

export type Fraction = () => number;

/** Several lists as one, which is not put together for each newcomer. */
export interface Pool<T> {
  readonly size: number;
  at(index: number): T | undefined;
}

export function poolOf<T>(...lists: readonly (readonly T[])[]): Pool<T> {
  return {
    size: lists.reduce((sum, { length }) => sum + length, 0),
    at(index) {
      let left = index;
      for (const list of lists) {
        if (left < list.length) return list[left];
        left -= list.length;
      }
      return undefined;
    },
  };
}

/** At most `count` of a pool by chance, each at most once; among those that are acceptable. */
export function sample<T>(
  pool: Pool<T>,
  count: number,
  isAcceptable: (one: T) => boolean,
  fraction: Fraction,
): readonly T[] {
  const chosen = new Set<T>();
  const pick = () => pool.at(Math.floor(fraction() * pool.size));
  // By chance as long as that finds some: a pool of thousands is not to be copied for each newcomer.
  for (let tries = 0; tries < count * 8 && chosen.size < Math.min(count, pool.size); tries++) {
    const one = pick();
    if (one !== undefined && isAcceptable(one)) chosen.add(one);
  }
  if (chosen.size >= Math.min(count, pool.size)) return [...chosen];
  const start = Math.floor(fraction() * pool.size);
  for (let step = 0; step < pool.size && chosen.size < count; step++) {
    const one = pool.at((start + step) % pool.size);
    if (one !== undefined && isAcceptable(one)) chosen.add(one);
  }
  return [...chosen];
}

/** Of so many times more than are wanted those with the fewest lines are taken. */
const choices = 3;

/** Like `sample`, with those first that have the fewest lines. */
export function sampleEvenly<T>(
  pool: Pool<T>,
  count: number,
  { isAcceptable, linesOf, fraction }: Omit<PoolQuestion<T>, "near" | "far">,
): readonly T[] {
  const offered = sample(pool, count * choices, isAcceptable, fraction);
  return offered.toSorted((left, right) => linesOf(left) - linesOf(right)).slice(0, count);
}

export interface PoolQuestion<T> {
  /** Of its zone; everybody when it has none. */
  readonly near: Pool<T>;
  /** Of other zones. */
  readonly far: Pool<T>;
  readonly isAcceptable: (one: T) => boolean;
  /** How many know it already. */
  readonly linesOf: (one: T) => number;
  readonly fraction: Fraction;
}

/** For a newcomer: near ones first, and what is missing of the one from the other. */
export function pickPeers<T>(
  question: PoolQuestion<T>,
  wanted: { readonly near: number; readonly far: number },
): readonly T[] {
  const { near, far, isAcceptable } = question;
  const strangers = sampleEvenly(far, wanted.far, question);
  const all = wanted.near + wanted.far;
  const neighbours = sampleEvenly(near, all - strangers.length, question);
  const missing = all - strangers.length - neighbours.length;
  if (missing <= 0) return [...neighbours, ...strangers];
  const known = new Set([...strangers, ...neighbours]);
  const isNew = (one: T) => !known.has(one) && isAcceptable(one);
  return [
    ...neighbours,
    ...strangers,
    ...sampleEvenly(far, missing, { ...question, isAcceptable: isNew }),
  ];
}
