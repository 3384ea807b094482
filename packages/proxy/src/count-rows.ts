/** Finds the rows that a request is counted in, without making keys for every request. */
import { controlVariant, directVariant } from "@propagit/protocol";
import type { Forwarding } from "./core/outcome.js";
import type { CountedAs, CountRow, Counters } from "./counters.js";

/** The row of its arm first, then one for each experiment. */
export type Rows = readonly CountRow[];

export class RowFinder {
  readonly #counters: Counters;
  /** By variant of the table, which goes when the table changes, then by what is counted apart. */
  readonly #known = new WeakMap<object, Map<string, Rows>>();

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  of(forwarding: Forwarding): Rows {
    const { variant, label = "" } = forwarding;
    const arm = armOf(forwarding);
    const key = label === "" ? arm : `${arm} ${label}`;
    let known = this.#known.get(variant);
    if (!known) this.#known.set(variant, (known = new Map<string, Rows>()));
    const rows = known.get(key);
    if (rows && !rows.some(({ isForgotten }) => isForgotten)) return rows;
    const made = this.#make(forwarding, arm);
    known.set(key, made);
    return made;
  }

  #make({ place, variant, target, label }: Forwarding, arm: string): Rows {
    const of: CountedAs = {
      repo: place.repo,
      environment: place.environment,
      commit: target.commit,
      ...(variant.deployment !== undefined && { deployment: variant.deployment }),
    };
    const own = this.#counters.rowOf(arm === "" ? of : { ...of, variant: arm });
    const experiments = label === undefined ? [] : label.split(", ");
    return [own, ...experiments.map((name) => this.#counters.rowOf({ ...of, variant: name }))];
  }
}

/** Empty: sent there by the shares. */
function armOf({ how, isControl }: Forwarding): string {
  if (how !== "shares" && how !== "experiment") return directVariant;
  return isControl ? controlVariant : "";
}
