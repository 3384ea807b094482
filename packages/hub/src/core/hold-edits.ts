/** What is written when instances are ended by hand, and when they may start again. */
import { environmentDefault, type InstanceReport } from "@propagit/protocol";
import type { Draft, LedgerRows } from "./draft.js";
import { ownService } from "./readiness.js";
import { holdKey, placeKey, type HoldRow } from "./rows.js";
import { usesOf, type Use } from "./uses.js";

/** An instance with its drone. */
export interface HeldInstance {
  readonly identity: string;
  readonly ownCommand: boolean;
  readonly report: InstanceReport;
}

/** Those that belong to a deployment that is still wanted. */
export function holdInstances(draft: Draft, instances: readonly HeldInstance[], by: string): void {
  for (const instance of instances) {
    const place = placeOf(instance);
    const deployment = place && draft.rows("deployments").get(place.deployment);
    if (!place || !deployment) continue;
    const known = draft.rows("holds").get(holdKey(place))?.slots ?? [];
    const slots = [...new Set([...known, slotOf(instance)])].sort((left, right) => left - right);
    draft.put("holds", holdKey(place), { ...place, slots });
    const { repo, environment, commit, release } = deployment;
    const drone = draft.rows("drones").get(instance.identity)?.name;
    const text = `${by} stopped ${instance.report.service} of ${repo} on ${drone ?? "a drone"}`;
    const where = drone === undefined ? {} : { drone };
    draft.note({ kind: "stopped", repo, environment, commit, release, ...where, by, text });
  }
}

/** Services of them, by deployment. */
export function servicesOf(
  instances: readonly HeldInstance[],
): ReadonlyMap<string, readonly string[]> {
  const services = new Map<string, string[]>();
  for (const instance of instances) {
    const place = placeOf(instance);
    if (!place) continue;
    const own = services.get(place.deployment) ?? [];
    if (!own.includes(place.service)) own.push(place.service);
    services.set(place.deployment, own);
  }
  return services;
}

/** The given slots are free again. */
export function releaseHolds(draft: Draft, freed: readonly HoldRow[], by: string): void {
  for (const row of freed) {
    const key = holdKey(row);
    const known = draft.rows("holds").get(key)?.slots ?? [];
    const slots = known.filter((slot) => !row.slots.includes(slot));
    if (slots.length > 0) draft.put("holds", key, { ...row, slots });
    else draft.delete("holds", key);
    const deployment = draft.rows("deployments").get(row.deployment);
    const drone = draft.rows("drones").get(row.identity)?.name;
    if (!deployment || drone === undefined) continue;
    const { repo, environment, commit, release } = deployment;
    const text = `${by} lets ${row.service || "its command"} of ${repo} start again on ${drone}`;
    draft.note({ kind: "restarted", repo, environment, commit, release, drone, by, text });
  }
}

/** What of these instances is held, with just their slots. */
export function heldPlaces(
  ledger: LedgerRows,
  instances: readonly HeldInstance[],
): readonly HoldRow[] {
  return instances.flatMap((instance) => {
    const place = placeOf(instance);
    const slots = place ? (ledger.rows("holds").get(holdKey(place))?.slots ?? []) : [];
    const slot = slotOf(instance);
    return place && slots.includes(slot) ? [{ ...place, slots: [slot] }] : [];
  });
}

/** An instance after whose end visitors would find nothing of its service any more. */
export function routedAway(
  ledger: LedgerRows,
  all: readonly InstanceReport[],
  ended: readonly InstanceReport[],
): { readonly report: InstanceReport; readonly use: Use } | undefined {
  const going = new Set(ended.map(({ process }) => process));
  for (const report of ended) {
    const use = useOf(ledger, report);
    if (!use || report.phase !== "ready") continue;
    const isLast = !all.some(
      ({ process, deployment, service, phase }) =>
        phase === "ready" &&
        deployment === report.deployment &&
        service === report.service &&
        !going.has(process),
    );
    if (isLast) return { report, use };
  }
  return undefined;
}

function useOf(ledger: LedgerRows, report: InstanceReport): Use | undefined {
  const { repo, environment = environmentDefault, commit, deployment, services } = report;
  const route = ledger.rows("routes").get(placeKey(repo, environment));
  return services.length > 0 ? usesOf(route, { commit, deployment })[0] : undefined;
}

function placeOf({
  identity,
  ownCommand,
  report: { deployment, service },
}: HeldInstance): Omit<HoldRow, "slots"> | undefined {
  if (deployment === undefined) return undefined;
  return { deployment, identity, service: ownCommand ? ownService : service };
}

function slotOf({ report: { slot = 1 } }: HeldInstance): number {
  return slot;
}
