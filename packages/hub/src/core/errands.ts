/** What drones will be asked by a relay: of each part its tasks, by drone; not those of the relay itself. */
import type { Errand, Errands } from "@propagit/protocol";
import { tasksOfPlan, type PlanPart } from "@propagit/plan";

/** Where a relay takes lines. */
export interface RelayAddress {
  readonly host: string;
  readonly port: number;
}

export function errandsOf(
  { run, hash, plan, relay }: Pick<PlanPart, "run" | "hash" | "plan" | "relay">,
  { host, port }: RelayAddress,
  until: number,
): ReadonlyMap<string, Errands> {
  const byDrone = new Map<string, Errand[]>();
  for (const task of tasksOfPlan(plan)) {
    const { where, id, command, args, timeoutMs, once } = task;
    if (where.kind !== "drone" || where.drone === relay) continue;
    const errand = { task: id, command, args: JSON.stringify(args), timeoutMs, once };
    const known = byDrone.get(where.drone);
    if (known) known.push(errand);
    else byDrone.set(where.drone, [errand]);
  }
  const place = { name: relay, host, port };
  return new Map(
    [...byDrone].map(([drone, tasks]) => [drone, { run, hash, relay: place, until, tasks }]),
  );
}
