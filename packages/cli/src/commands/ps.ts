import { formatAddress, shortCommit, type InstanceSummary } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { collect, withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { badColour, goodColour } from "../output/colour.js";
import { formatAge } from "../output/duration.js";
import { print, printJson } from "../output/print.js";
import { formatPercent } from "../output/route.js";
import { formatTable, type Column } from "../output/table.js";

export function psCommand(): Command {
  const command = withHubFlags(
    new Command("ps")
      .summary("what runs where, since when, and who is sent there")
      .description("Lists every instance as its drone reports it."),
  ).option("--json", "print it as JSON");
  return examples(command, ["propagit ps", "propagit ps --json"]).action(
    async (flags: HubFlags & { readonly json?: boolean }) => {
      const instances = await withHub(flags, (hub) =>
        collect<InstanceSummary>(async (onPart) => {
          const { instances } = await hub.call("hub.ps", {}, { onPart });
          return instances;
        }),
      );
      if (flags.json) printJson(instances);
      else print(formatInstances(instances, Date.now()));
    },
  );
}

function formatInstances(instances: readonly InstanceSummary[], now: number): string {
  if (instances.length === 0)
    return "nothing runs yet; deploy something: propagit deploy REPO COMMIT\n";
  const rows = [...instances].sort((left, right) => sortKey(left).localeCompare(sortKey(right)));
  const notes = rows
    .filter(({ report }) => report.phase !== "ready" && report.reason !== undefined)
    .map(({ drone, report }) => `  ${drone} ${shortCommit(report.commit)}: ${report.reason}\n`);
  return formatTable(columns(now), rows) + notes.join("");
}

function sortKey({ drone, report }: InstanceSummary): string {
  return [report.repo, report.commit, report.service, drone].join("\0");
}

function columns(now: number): readonly Column<InstanceSummary>[] {
  return [
    { head: "REPO", cell: ({ report }) => report.repo },
    { head: "COMMIT", cell: ({ report }) => shortCommit(report.commit) },
    { head: "SERVICE", cell: ({ report }) => report.services.join(",") || report.service },
    { head: "DRONE", cell: ({ drone }) => drone },
    {
      head: "STATE",
      cell: ({ report, away }) => (away ? "away" : report.phase),
      colour: ({ report, away }, text) =>
        !away && report.phase === "ready" ? goodColour(text) : badColour(text),
    },
    { head: "ADDRESS", cell: addressOf },
    { head: "VISITORS", alignRight: true, cell: ({ sharePercent }) => formatPercent(sharePercent) },
    { head: "RESTARTS", alignRight: true, cell: ({ report }) => String(report.restarts) },
    { head: "SINCE", alignRight: true, cell: ({ report }) => formatAge(now - report.since) },
  ];
}

function addressOf({ host, report }: InstanceSummary): string {
  return report.port === undefined ? "-" : formatAddress({ host, port: report.port });
}
