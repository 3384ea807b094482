import type { ProxySummary } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { badColour, dimColour, goodColour } from "../output/colour.js";
import { formatAge } from "../output/duration.js";
import { print, printJson } from "../output/print.js";
import { formatCount } from "../output/quantity.js";
import { formatTable, type Column } from "../output/table.js";

interface ProxiesFlags extends HubFlags {
  readonly json?: boolean;
}

export function proxiesCommand(): Command {
  const command = withHubFlags(
    new Command("proxies")
      .summary("the proxies the hub knows")
      .description(
        "Lists proxies, where they take visitors, and whether they go by the routes as they are now.",
      ),
  ).option("--json", "print it as JSON");
  return examples(command, ["propagit proxies"]).action(proxies);
}

async function proxies(flags: ProxiesFlags): Promise<void> {
  const answer = await withHub(flags, (hub) => hub.call("hub.proxies", {}));
  if (flags.json) printJson(answer.proxies);
  else print(formatProxies(answer.proxies, Date.now()));
}

function formatProxies(proxies: readonly ProxySummary[], now: number): string {
  if (proxies.length > 0) return formatTable(columns(now), proxies);
  return "no proxies yet; start one: propagit proxy --hub=… --secret=… --port=80\n";
}

function columns(now: number): readonly Column<ProxySummary>[] {
  return [
    { head: "PROXY", cell: ({ name }) => name },
    { head: "STATE", cell: ({ state }) => state, colour: colourState },
    { head: "ADDRESS", leaveOut: 4, cell: ({ address }) => address },
    { head: "ZONE", leaveOut: 3, cell: ({ zone = "-" }) => zone },
    { head: "ROUTES", cell: formatRoutes, colour: colourRoutes },
    {
      head: "REQUESTS/S",
      alignRight: true,
      leaveOut: 5,
      cell: ({ requestsPerSecond: rate }) => (rate === undefined ? "-" : formatRate(rate)),
    },
    { head: "VERSION", leaveOut: 2, cell: ({ version }) => version },
    { head: "SINCE", alignRight: true, leaveOut: 1, cell: ({ since }) => formatAge(now - since) },
  ];
}

/** Whether it goes by the book as it is; what it cannot hear of right now. */
function formatRoutes({ state, revision, behind, stale }: ProxySummary): string {
  if (state !== "connected" || revision === undefined) return "unknown";
  const lag = behind === 0 ? "up to date" : `${formatCount(behind, "change")} behind`;
  return stale.length === 0 ? lag : `${lag}, without its ${stale.join(" and ")}`;
}

function colourRoutes({ state, behind, stale }: ProxySummary, text: string): string {
  if (state !== "connected") return dimColour(text);
  return behind > 0 || stale.length > 0 ? badColour(text) : text;
}

function colourState({ state }: ProxySummary, text: string): string {
  switch (state) {
    case "connected":
      return goodColour(text);
    case "lost":
    case "away":
      return badColour(text);
    case "left":
      return dimColour(text);
    default:
      return state satisfies never;
  }
}

function formatRate(rate: number): string {
  return rate >= 10 || rate === 0 ? String(Math.round(rate)) : rate.toFixed(1);
}
