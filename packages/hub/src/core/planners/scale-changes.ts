/** What other numbers of instances begin and end on each drone. */
import type { Specification } from "@propagit/protocol";
import { loadsOf, placesOf } from "../assignments.js";
import { place } from "../placement.js";
import { someOf } from "../some-of.js";
import type { PlannerView } from "./planner-view.js";

export interface ScaleChange {
  readonly service: string;
  readonly before: number;
  readonly after: number;
  /** With the same numbers, by name. */
  readonly drones: readonly string[];
}

interface Counted extends ScaleChange {
  readonly drones: string[];
}

export function scaleChanges(
  view: PlannerView,
  {
    deployment,
    specification,
  }: { readonly deployment: string; readonly specification: Specification },
): readonly ScaleChange[] {
  const loads = loadsOf(view.counts);
  return specification.services.flatMap((service) => {
    const has = view.counts.get(deployment)?.get(service.name);
    const drones = placesOf(view.drones, `${deployment}/${service.name}`, has, loads);
    const next = place({ service, drones });
    const changes = new Map<string, Counted>();
    for (const { identity, name } of drones) {
      const [before, after] = [has?.get(identity) ?? 0, next.get(identity) ?? 0];
      if (before === after) continue;
      const key = `${before} ${after}`;
      const change = changes.get(key) ?? { service: service.name, before, after, drones: [] };
      change.drones.push(name);
      changes.set(key, change);
    }
    return [...changes.values()];
  });
}

/** `web: 2 of 3 end on each of web-1, web-2`. */
export function scaleText({ service, before, after, drones }: ScaleChange): string {
  const on = drones.length > 1 ? `each of ${someOf(drones)}` : someOf(drones);
  const many = Math.abs(after - before);
  if (after > before) {
    const beside = before > 0 ? ` beside ${before}` : "";
    return `${service}: ${many} ${many === 1 ? "starts" : "start"}${beside} on ${on}`;
  }
  return `${service}: ${many} of ${before} ${many === 1 ? "ends" : "end"} on ${on}`;
}
