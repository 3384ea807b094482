/** Which drones a user means: by names, `*`, `/regular expression/`, labels, or all of these. */
import {
  matchesSelector,
  parseSelector,
  PropagitError,
  quote,
  type DroneTarget,
} from "@propagit/protocol";
import { parseNamePattern } from "./name-pattern.js";
import { someOf } from "./some-of.js";

export interface NamedDrone {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Names that a message lists. */
const listedMax = 10;

/**
 * Those that fit, in the order they came; no target is all of them.
 *
 * @throws BAD_PATTERN, NO_PLACE when nothing fits, or a drone that is named is not there
 */
export function chooseDrones<D extends NamedDrone>(
  target: DroneTarget | undefined,
  drones: readonly D[],
): readonly D[] {
  const { names, selector } = target ?? {};
  const byName = names === undefined ? drones : chooseByName(names, drones);
  const terms = parseSelector(selector ?? "");
  const chosen = byName.filter(({ labels }) => matchesSelector(terms, labels));
  if (chosen.length > 0 || isEverything(target)) return chosen;
  throw noPlace(`no drone fits ${describe(target)}`, drones);
}

/** Nothing is asked for, so that nothing can be missing. */
function isEverything(target: DroneTarget | undefined): boolean {
  return target?.names === undefined && target?.selector === undefined;
}

function chooseByName<D extends NamedDrone>(
  names: readonly string[],
  drones: readonly D[],
): readonly D[] {
  const tests = names.map(testOf);
  for (const [index, name] of names.entries()) {
    const isThere = isPattern(name) || drones.some((drone) => tests[index]?.(drone.name));
    if (!isThere) throw noPlace(`no drone is called ${quote(name)}`, drones);
  }
  return drones.filter(({ name }) => tests.some((test) => test(name)));
}

function isPattern(name: string): boolean {
  return name === "*" || (name.length > 1 && name.startsWith("/") && name.endsWith("/"));
}

function testOf(wanted: string): (name: string) => boolean {
  if (wanted === "*") return () => true;
  return isPattern(wanted) ? parseNamePattern(wanted.slice(1, -1)) : (name) => name === wanted;
}

function describe({ names = [], selector }: DroneTarget = {}): string {
  const parts = [...names, ...(selector === undefined ? [] : [selector])].slice(0, listedMax);
  return parts.map(quote).join(" and ");
}

function noPlace(what: string, drones: readonly NamedDrone[]): PropagitError {
  const names = drones.map(({ name }) => name);
  const there =
    names.length === 0 ? "no drone has joined" : `there are ${someOf(names, listedMax)}`;
  return new PropagitError("NO_PLACE", `${what}; ${there}`);
}
