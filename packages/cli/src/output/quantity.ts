/** Sizes, shares and counts, as people say them. */

export { formatBytes } from "@propagit/protocol";

export function formatPercent(percent: number): string {
  return `${Math.round(percent * 10) / 10} %`;
}

/** `9,980`. Nothing is made for it ahead: that would bring 4 MB of language data into every daemon. */
export function formatNumber(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 drone`, `12 drones`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Names in a sentence: all of a few, the first of many and how many more there are. */
export function formatNames(names: readonly string[], namesMax = 10): string {
  if (names.length <= namesMax) return names.join(", ");
  return `${names.slice(0, namesMax).join(", ")} and ${names.length - namesMax} more`;
}
