import type { DroneSummary } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { collect, withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { badColour, dimColour, goodColour } from "../output/colour.js";
import { formatAge } from "../output/duration.js";
import { print, printJson } from "../output/print.js";
import { formatTable, type Column } from "../output/table.js";

export function dronesCommand(): Command {
  const command = withHubFlags(
    new Command("drones").summary("the drones the hub knows").description("Lists the drones."),
  ).option("--json", "print it as JSON");
  return examples(command, ["propagit drones"]).action(
    async (flags: HubFlags & { readonly json?: boolean }) => {
      const drones = await withHub(flags, (hub) =>
        collect<DroneSummary>(async (onPart) => {
          const { drones } = await hub.call("hub.drones", {}, { onPart });
          return drones;
        }),
      );
      if (flags.json) printJson(drones);
      else print(formatDrones(drones, Date.now()));
    },
  );
}

function formatDrones(drones: readonly DroneSummary[], now: number): string {
  if (drones.length === 0) {
    return "no drones yet; start one: propagit drone --hub=… --secret=… -- node web.js\n";
  }
  return formatTable(columns(now), drones);
}

function columns(now: number): readonly Column<DroneSummary>[] {
  return [
    { head: "DRONE", cell: ({ name }) => name },
    { head: "RUNS", cell: ({ service }) => service },
    {
      head: "STATE",
      cell: ({ state }) => state,
      colour: ({ state }, text) => stateColour(state)(text),
    },
    { head: "INSTANCES", alignRight: true, cell: ({ instances }) => String(instances) },
    { head: "HOST", cell: ({ host }) => host },
    { head: "LABELS", cell: ({ labels }) => formatLabels(labels) },
    { head: "VERSION", cell: ({ version }) => version },
    { head: "SINCE", alignRight: true, cell: ({ since }) => formatAge(now - since) },
  ];
}

function stateColour(state: DroneSummary["state"]): (text: string) => string {
  switch (state) {
    case "connected":
      return goodColour;
    case "away":
      return badColour;
    case "left":
      return dimColour;
    default:
      return state satisfies never;
  }
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",") || "-"
  );
}
