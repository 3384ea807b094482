/**
 * The names under which each commit was ever registered. An app whose `http` is down for a moment is not
 * an app that only has `say`: without this memory its visitors would be shown what was meant for itself.
 */
import { formatAddress, type Endpoint } from "@propagit/protocol";

/** By commit, then by name: the last address it was seen at. */
export type ServiceNames = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A drone's name for an app that then gives itself another one, at the same address, is forgotten. */
export function learnNames(known: ServiceNames, endpoints: Iterable<Endpoint>): ServiceNames {
  const learnt = new Map(known);
  for (const { commit, service, host, port } of endpoints) {
    if (commit === undefined) continue;
    const address = formatAddress({ host, port });
    const names = learnt.get(commit);
    if (names?.get(service) === address) continue;
    const others = [...(names ?? [])].filter(([name, at]) => name !== service && at !== address);
    learnt.set(commit, new Map([...others, [service, address]]));
  }
  return learnt;
}

/** Only the commits that are still deployed, so that the memory does not grow for ever. */
export function keepNames(
  known: ServiceNames,
  commits: ReadonlySet<string | undefined>,
): ServiceNames {
  return new Map([...known].filter(([commit]) => commits.has(commit)));
}
