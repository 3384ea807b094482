/** What the parts of a drone get of it. */
import { PropagitError } from "@propagit/protocol";
import type { DroneContext } from "./drone-part.js";
import type { Reconciler } from "./reconciler.js";

export interface ContextParts extends Pick<
  DroneContext,
  "world" | "name" | "host" | "upstream" | "hub" | "source" | "environment"
> {
  readonly reconciler: Reconciler;
}

export function contextOf({ reconciler, ...given }: ContextParts): DroneContext {
  const { instances } = reconciler;
  return {
    ...given,
    specified: (id) => reconciler.specified(id),
    tidySoon: () => reconciler.tidySoon(),
    planOf: (specified, service) => {
      const plan = instances.planOf(specified, service);
      if (plan) return plan;
      throw new PropagitError("NO_SERVICE", `there is no service ${service ?? ""} to run`);
    },
    instances: () =>
      instances.all().flatMap(({ note, state: { run } }) => {
        return note && run?.pid !== undefined ? [{ note, pid: run.pid }] : [];
      }),
  };
}
