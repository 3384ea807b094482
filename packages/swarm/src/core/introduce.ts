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
 * makes about ten lines for each drone, and never more than `degreeMax`.
 */

/** Peers that a newcomer is given: near ones, of its zone, and far ones so that no zone starves. */
export const nearPeers = 3;
export const farPeers = 2;
/** More lines than this nobody is given; twice what a newcomer gets, and then some. */
export const degreeMax = 16;
/** More that somebody gets who lacks peers. */
export const morePeers = 3;
/**
 * Drones that get pieces from the hub itself: enough that a slow one does not hold up the rest, few enough that
 * each gets a good part of its line.
 */
export const hubChildrenMax = 8;
/** With those that are the first of their zone, or lack peers. */
export const hubChildrenUrgentMax = 12;
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

export interface PoolQuestion<T> {
  /** Of its zone; everybody when it has none. */
  readonly near: Pool<T>;
  /** Of other zones. */
  readonly far: Pool<T>;
  readonly isAcceptable: (one: T) => boolean;
  readonly fraction: Fraction;
}

/** For a newcomer: near ones first, and what is missing of the one from the other. */
export function pickPeers<T>(
  { near, far, isAcceptable, fraction }: PoolQuestion<T>,
  wanted: { readonly near: number; readonly far: number },
): readonly T[] {
  const strangers = sample(far, wanted.far, isAcceptable, fraction);
  const neighbours = sample(
    near,
    wanted.near + wanted.far - strangers.length,
    isAcceptable,
    fraction,
  );
  const missing = wanted.near + wanted.far - strangers.length - neighbours.length;
  if (missing <= 0) return [...neighbours, ...strangers];
  const known = new Set([...strangers, ...neighbours]);
  const isNew = (one: T) => !known.has(one) && isAcceptable(one);
  return [...neighbours, ...strangers, ...sample(far, missing, isNew, fraction)];
}
