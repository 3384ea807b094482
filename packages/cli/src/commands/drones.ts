import type { DroneSummary, DroneTarget, Machine } from "@propagit/protocol";
import { parseSelector } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { collect, withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { badColour, dimColour, goodColour } from "../output/colour.js";
import { formatAge } from "../output/duration.js";
import { print, printJson } from "../output/print.js";
import { formatBytes } from "../output/quantity.js";
import { formatTable, type Column } from "../output/table.js";
import { droneTarget, parseDroneNames } from "../targets.js";

interface DronesFlags extends HubFlags {
  readonly json?: boolean;
}

export function dronesCommand(): Command {
  const command = withHubFlags(
    new Command("drones")
      .summary("the drones the hub knows")
      .description(
        "Lists drones with their labels, how many instances they run, and how busy their machines are.",
      )
      .argument(
        "[drones...]",
        "names, lists a,b, /regex/, or label selectors like role=web (default: all)",
      ),
  ).option("--json", "print it as JSON");
  return examples(command, ["propagit drones", "propagit drones 'zone in (a,b)' '!gpu'"]).action(
    drones,
  );
}

async function drones(words: readonly string[], flags: DronesFlags): Promise<void> {
  const target = targetOf(words);
  const drones = await withHub(flags, (hub) =>
    collect<DroneSummary>(async (onPart) => {
      const params = { machine: true, ...(target && { target }) };
      const { drones } = await hub.call("hub.drones", params, { onPart });
      return drones;
    }),
  );
  if (flags.json) printJson(drones);
  else print(formatDrones(drones, { now: Date.now(), isPart: target !== undefined }));
}

/** What has a sign in it that no name has is a selector of labels. @throws BAD_NAME, BAD_PATTERN */
export function targetOf(words: readonly string[]): DroneTarget | undefined {
  const isSelector = (word: string) => !word.startsWith("/") && /[=!()\s]/.test(word);
  const selector = words.filter(isSelector).join(",");
  parseSelector(selector);
  const names = words.filter((word) => !isSelector(word)).map(parseDroneNames);
  return droneTarget({
    ...(names.length > 0 && { drone: names }),
    ...(selector !== "" && { label: selector }),
  });
}

function formatDrones(
  drones: readonly DroneSummary[],
  { now, isPart }: { readonly now: number; readonly isPart: boolean },
): string {
  if (drones.length > 0) return formatTable(columns(drones, now), drones);
  if (isPart) return "no drone fits; see them all with: propagit drones\n";
  return "no drones yet; start one: propagit drone --hub=… --secret=…\n";
}

function columns(drones: readonly DroneSummary[], now: number): readonly Column<DroneSummary>[] {
  const ofMachine = (format: (machine: Machine) => string) => (drone: DroneSummary) =>
    drone.machine ? format(drone.machine) : "-";
  return [
    { head: "DRONE", cell: ({ name }) => name },
    { head: "STATE", cell: formatState, colour: colourState },
    { head: "RUNS", leaveOut: 3, cell: formatRuns },
    { head: "INSTANCES", alignRight: true, cell: ({ instances }) => String(instances) },
    {
      head: "LOAD",
      alignRight: true,
      leaveOut: 5,
      cell: ofMachine(({ load, cores }) => `${load.toFixed(2)}/${cores}`),
    },
    {
      head: "MEMORY FREE",
      alignRight: true,
      leaveOut: 6,
      cell: ofMachine(({ memoryFreeBytes }) => formatBytes(memoryFreeBytes)),
    },
    {
      head: "DISK FREE",
      alignRight: true,
      leaveOut: 7,
      cell: ofMachine(({ diskFreeBytes }) => formatBytes(diskFreeBytes)),
    },
    { head: "HOST", leaveOut: 4, cell: ({ host }) => host },
    ...(drones.some(({ through }) => through !== undefined)
      ? [{ head: "THROUGH", cell: ({ through }: DroneSummary) => through ?? "-" }]
      : []),
    { head: "LABELS", cut: "early", cell: ({ labels }) => formatLabels(labels) },
    { head: "VERSION", leaveOut: 2, cell: ({ version }) => version },
    { head: "SINCE", alignRight: true, leaveOut: 1, cell: ({ since }) => formatAge(now - since) },
  ];
}

function formatRuns({ service, relay }: DroneSummary): string {
  if (relay) return relay.carriesOnly ? "a relay" : "services, a relay";
  return service ?? "services";
}

function formatState({ state, draining }: DroneSummary): string {
  return draining ? `${state}, draining` : state;
}

function colourState({ state, draining }: DroneSummary, text: string): string {
  switch (state) {
    case "connected":
      return draining ? badColour(text) : goodColour(text);
    case "away":
      return badColour(text);
    case "left":
      return dimColour(text);
    default:
      return state satisfies never;
  }
}

export function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return pairs.map(([key, value]) => `${key}=${value}`).join(",") || "-";
}
