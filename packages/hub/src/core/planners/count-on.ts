/** Drones in what is told beside a plan. */

const namedMax = 10;

/** `3 instances on web-1, web-2`, of a drone's name for each of them. */
export function countOn(places: readonly string[]): string {
  const many = `${places.length} instance${places.length === 1 ? "" : "s"}`;
  return `${many} on ${someOf([...new Set(places)])}`;
}

/** The first of them, and how many there are. */
export function someOf(names: readonly string[]): string {
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : "";
  return `${names.slice(0, namedMax).join(", ")}${more}`;
}
