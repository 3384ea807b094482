/** Why nothing can be placed: for whoever asks for a service or task that no drone takes. */
import { formatSelector, matchesSelector, type SelectorTerm } from "@propagit/protocol";
import type { Place } from "./placement.js";

/** Drones that are named in a reason. */
const namedMax = 5;

/** A drone that a service was not placed on. */
export type RefusingPlace = Pick<Place, "name" | "labels" | "isThere" | "draining" | "ownCommand">;

/**
 * Why a service, or a task, has no place at all; undefined when it has one.
 *
 *     service http wants `role=web, !old`, and no drone fits: db-1 has role=db; web-1 has old=; web-2 is away
 */
export function whyNoPlace(
  what: string,
  on: readonly SelectorTerm[],
  drones: readonly RefusingPlace[],
): string | undefined {
  const reasons = drones.map((drone) => whyNot(on, drone));
  if (reasons.includes(undefined)) return undefined;
  if (drones.length === 0) return `${what} has no place: no drone is there`;
  const sorted = (reasons as string[]).sort((left, right) => (left < right ? -1 : 1));
  const named = sorted.slice(0, namedMax).join("; ");
  const more = sorted.length > namedMax ? `; and ${sorted.length - namedMax} more` : "";
  const wants = on.length > 0 ? `wants \`${formatSelector(on)}\`, and` : "has no place:";
  return `${what} ${wants} no drone fits: ${named}${more}`;
}

function whyNot(
  on: readonly SelectorTerm[],
  { name, labels, isThere, draining, ownCommand }: RefusingPlace,
): string | undefined {
  const failing = on.filter((term) => !matchesSelector([term], labels));
  if (failing.length > 0) return `${name} ${failing.map((term) => lack(term, labels)).join(", ")}`;
  if (ownCommand) return `${name} runs a command of its own`;
  if (draining) return `${name} is draining`;
  return isThere ? undefined : `${name} is away`;
}

function lack(term: SelectorTerm, labels: Readonly<Record<string, string>>): string {
  const label = Object.hasOwn(labels, term.key) ? `${term.key}=${labels[term.key]}` : undefined;
  return label === undefined ? `has no ${term.key}` : `has ${label}`;
}
