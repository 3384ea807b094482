/** Which of a commit's services takes visitors. */
import { quote } from "@propagit/protocol";
import type { ServicesOfCommit } from "./commit-endpoints.js";
import type { Target } from "./endpoint-state.js";

/** Names that mean "this is the web": first what apps call themselves, then what drones call `web.js`. */
const usualNames = ["http", "web"] as const;
/** Names that a message lists. */
const listedMax = 10;

export type ServiceChoice =
  | { readonly kind: "targets"; readonly targets: readonly Target[] }
  | { readonly kind: "none"; readonly reason: string };

/**
 * @param wanted the proxy's --service, which overrides every guess
 * @param known all names that the commit was ever registered under, also those that are down now
 */
export function pickService(
  services: ServicesOfCommit | undefined,
  wanted: string | undefined,
  known: Iterable<string> = [],
): ServiceChoice {
  if (!services || services.size === 0) return none("none of its services is registered");
  const names = wanted === undefined ? usualNames : [wanted];
  for (const name of names) {
    const targets = services.get(name);
    if (targets) return { kind: "targets", targets };
  }
  const [only, ...others] = services.values();
  const away = [...known].filter((name) => !services.has(name));
  if (wanted === undefined && only && others.length === 0 && away.length === 0)
    return { kind: "targets", targets: only };
  if (wanted === undefined && away.length > 0) return none(whyAway([...services.keys()], away));
  return none(whyNone([...services.keys()], wanted));
}

function whyAway(names: readonly string[], away: readonly string[]): string {
  return `of its services only ${listOf(names)} is registered now, not ${listOf(away)}`;
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, listedMax).map(quote).join(", ");
  return names.length > listedMax ? `${shown}, …` : shown;
}

function whyNone(names: readonly string[], wanted: string | undefined): string {
  const list = listOf(names);
  if (wanted !== undefined) return `it has no service ${quote(wanted)}, but ${list}`;
  return `it has the services ${list}; none is called http or web, choose one with --service`;
}

function none(reason: string): ServiceChoice {
  return { kind: "none", reason };
}
