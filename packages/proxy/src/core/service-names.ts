/**
 * The names under which each deployment was ever registered. An app whose `http` is down for a moment is not
 * an app that only has `say`: without this memory its visitors would be shown what was meant for itself.
 */
import { deploymentMetaKey, formatAddress, type Endpoint } from "@propagit/protocol";

/** By deployment, or by commit where no deployment is said; then by name: the last address it was seen at. */
export type ServiceNames = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A drone's name for an app that then gives itself another one, at the same address, is forgotten. */
export function learnNames(known: ServiceNames, endpoints: Iterable<Endpoint>): ServiceNames {
  const learnt = new Map(known);
  for (const { commit, service, host, port, meta } of endpoints) {
    if (commit === undefined) continue;
    const key = meta[deploymentMetaKey] ?? commit;
    const address = formatAddress({ host, port });
    const names = learnt.get(key);
    if (names?.get(service) === address) continue;
    const others = [...(names ?? [])].filter(([name, at]) => name !== service && at !== address);
    learnt.set(key, new Map([...others, [service, address]]));
  }
  return learnt;
}

/** Only those that still matter, so that the memory does not grow for ever. */
export function keepNames(
  known: ServiceNames,
  keys: ReadonlySet<string | undefined>,
): ServiceNames {
  return new Map([...known].filter(([key]) => keys.has(key)));
}

export function knownNames(known: ServiceNames, keys: readonly string[]): readonly string[] {
  const names = keys.flatMap((key) => [...(known.get(key)?.keys() ?? [])]);
  return keys.length > 1 ? [...new Set(names)] : names;
}
