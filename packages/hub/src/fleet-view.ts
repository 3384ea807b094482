/** What `propagit drones` and `propagit ps` show: the rows of the ledger with what is observed now. */
import {
  environmentDefault,
  type DroneSummary,
  formatAddress,
  type InstanceReport,
  type InstanceSummary,
  type Machine,
  type Route,
  type Usage,
} from "@propagit/protocol";
import type { Contact } from "./core/contact.js";
import type { FoundInstance } from "./core/instance-target.js";
import { placeKey, type DroneRow } from "./core/rows.js";
import { sharePercent } from "./core/shares.js";
import { usesOf, type Use } from "./core/uses.js";
import type { Member } from "./fleet.js";

export function byName(members: readonly Member[]): readonly Member[] {
  return [...members].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** What is shown of a drone beside its row and what the fleet knows. */
export interface DroneSight {
  readonly machine?: Machine | undefined;
  /** Name of the relay through which it is connected. */
  readonly through?: string | undefined;
}

export function droneSummary(
  row: DroneRow,
  { contact, since, instances, labels, ownCommand, swarm }: Member,
  { machine, through }: DroneSight = {},
): DroneSummary {
  const { name, service, host, version, draining, carriesOnly } = row;
  return {
    name,
    ...(service !== undefined && { service }),
    host,
    labels,
    version,
    state: shownState(contact),
    since,
    instances: [...instances.values()].filter(isAlive).length,
    ...(draining && { draining }),
    ...(ownCommand && { ownCommand }),
    ...(swarm?.relay && {
      relay: { address: formatAddress(swarm.relay), ...(carriesOnly && { carriesOnly }) },
    }),
    ...(through !== undefined && contact === "connected" && { through }),
    ...(machine && { machine }),
  };
}

export function instanceSummary(
  { drone, report }: FoundInstance<Member>,
  host: string,
  routes: ReadonlyMap<string, Route>,
  usage?: Usage,
): InstanceSummary {
  const route = routes.get(placeKey(report.repo, report.environment ?? environmentDefault));
  return {
    drone: drone.name,
    host,
    away: drone.contact !== "connected",
    sharePercent: sharePercent(route, report),
    ...servesOf(usesOf(route, report)),
    report,
    ...(usage && { usage }),
  };
}

/** What it has visitors, or copies of their requests, for beside its share. */
function servesOf(uses: readonly Use[]): Pick<InstanceSummary, "serves"> {
  const serves = uses.flatMap((use) => {
    if (use.kind === "experiment") return [`${use.name}=${use.variant}`];
    return use.kind === "shadow" ? [`copy of ${use.percent} %`] : [];
  });
  return serves.length > 0 ? { serves } : {};
}

/** Who was just lost is shown as away at once: it cannot be reached. */
function shownState(contact: Contact): DroneSummary["state"] {
  return contact === "lost" ? "away" : contact;
}

function isAlive({ phase }: InstanceReport): boolean {
  return phase !== "stopped";
}
