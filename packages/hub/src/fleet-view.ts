/** What `propagit drones` and `propagit ps` show: the rows of the ledger with what is observed now. */
import type { DroneSummary, InstanceReport, InstanceSummary, Route } from "@propagit/protocol";
import type { DroneRow } from "./core/rows.js";
import { sharePercent } from "./core/shares.js";
import type { Contact } from "./core/verdict.js";
import type { Member } from "./fleet.js";

type Rows = ReadonlyMap<string, DroneRow>;
type Members = ReadonlyMap<string, Member>;

export function droneSummaries(rows: Rows, members: Members): DroneSummary[] {
  return inOrder(rows).map((row) => {
    const member = members.get(row.identity);
    const { name, service, host, labels, version } = row;
    const instances = [...(member?.instances.values() ?? [])].filter(isAlive).length;
    const state = shownState(member?.contact ?? "away");
    return {
      name,
      service,
      host,
      labels,
      version,
      state,
      since: member?.since ?? row.since,
      instances,
    };
  });
}

export function instanceSummaries(
  rows: Rows,
  members: Members,
  routes: ReadonlyMap<string, Route>,
): InstanceSummary[] {
  return inOrder(rows).flatMap((row) => {
    const member = members.get(row.identity);
    return [...(member?.instances.values() ?? [])].map((report) => ({
      drone: row.name,
      host: row.host,
      away: member?.contact !== "connected",
      sharePercent: sharePercent(routes.get(report.repo), report.commit),
      report,
    }));
  });
}

function inOrder(rows: Rows): readonly DroneRow[] {
  return [...rows.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Who was just lost is shown as away at once: it cannot be reached. */
function shownState(contact: Contact): DroneSummary["state"] {
  return contact === "lost" ? "away" : contact;
}

function isAlive({ phase }: InstanceReport): boolean {
  return phase !== "stopped";
}
