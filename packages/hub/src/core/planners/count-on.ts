/** Drones in what is told beside a plan. */
import { someOf } from "../some-of.js";

/** `3 instances on web-1, web-2`, of a drone's name for each of them. */
export function countOn(places: readonly string[]): string {
  const many = `${places.length} instance${places.length === 1 ? "" : "s"}`;
  return `${many} on ${someOf([...new Set(places)])}`;
}
