/** Which of a commit's services takes visitors. */
import { quote } from "@propagit/protocol";
import type { ServicesOfCommit, Target } from "./route-table.js";

/** Names that mean "this is the web": first what apps call themselves, then what drones call `web.js`. */
const usualNames = ["http", "web"] as const;
/** Names that a message lists. */
const listedMax = 10;

export type ServiceChoice =
  | { readonly kind: "targets"; readonly targets: readonly Target[] }
  | { readonly kind: "none"; readonly reason: string };

/** @param wanted the proxy's --service, which overrides every guess */
export function pickService(
  services: ServicesOfCommit | undefined,
  wanted: string | undefined,
): ServiceChoice {
  if (!services || services.size === 0) return none("none of its services is registered");
  const names = wanted === undefined ? usualNames : [wanted];
  for (const name of names) {
    const targets = services.get(name);
    if (targets) return { kind: "targets", targets };
  }
  const [only, ...others] = services.values();
  if (wanted === undefined && only && others.length === 0)
    return { kind: "targets", targets: only };
  return none(whyNone([...services.keys()], wanted));
}

function whyNone(names: readonly string[], wanted: string | undefined): string {
  const shown = names.slice(0, listedMax).map(quote).join(", ");
  const list = names.length > listedMax ? `${shown}, …` : shown;
  if (wanted !== undefined) return `it has no service ${quote(wanted)}, but ${list}`;
  return `it has the services ${list}; none is called http or web, choose one with --service`;
}

function none(reason: string): ServiceChoice {
  return { kind: "none", reason };
}
