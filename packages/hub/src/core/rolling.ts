/**
 * The order of a rolling restart: how many instances of a service may be down at once.
 *
 *     1 to 7 of them: one by one      8: two      40: ten, but five when 35 are to stay up      1,000: sixteen
 *
 * A drone restarts its own one after the other, so what is bounded is how many drones do so at a time.
 */

/** At most a quarter, so that the others can take the visitors; a guess. */
const partMax = 4;
/** Above this a mistake in what is restarted would do its harm too fast. */
const atOnceMax = 16;

/** @param least so many are to stay up; where that leaves none, it is one by one all the same: somebody asks for it */
export function restartsAtOnce(instances: number, least = 0): number {
  const most = Math.min(atOnceMax, Math.floor(instances / partMax), instances - least);
  return Math.max(1, most);
}

/** What belongs together, in the order of its first member. */
export function groupBy<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key) ?? [];
    group.push(item);
    groups.set(key, group);
  }
  return [...groups.values()];
}
