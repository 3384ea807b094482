import { parseRepoName, shortCommit, type Result } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { badColour, dimColour } from "../output/colour.js";
import { print, printJson } from "../output/print.js";
import { formatTable, type Column } from "../output/table.js";
import { plainText } from "../output/text-width.js";

interface ReapFlags extends HubFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type Reaped = Result<"hub.reap">["releases"][number];

export function reapCommand(): Command {
  const command = withHubFlags(
    new Command("reap")
      .summary("stop and remove old releases, as retention says")
      .description(
        "Does at once what retention does from time to time: stops and removes releases that nothing needs any more, and says why the others stay. What is live, routed, pinned, being deployed or next in line for a rollback always stays.",
      )
      .argument("[repo]", "the repository (default: all)", asFlag(parseRepoName)),
  )
    .option("--dry-run", "only say what would be done")
    .option("--json", "print it as JSON");
  return examples(command, ["propagit reap --dry-run", "propagit reap webapp"]).action(reap);
}

/** Stopping waits for the last visitors to leave. */
const reapMsMax = 120_000;

async function reap(repo: string | undefined, flags: ReapFlags): Promise<void> {
  const asked = { dryRun: flags.dryRun ?? false, ...(repo !== undefined && { repo }) };
  const { releases } = await withHub(flags, (hub) =>
    hub.call("hub.reap", { ...asked, by: author() }, { limitMs: reapMsMax }),
  );
  if (flags.json) printJson(releases);
  else print(formatReaped(releases, asked.dryRun));
}

export function formatReaped(releases: readonly Reaped[], isDryRun: boolean): string {
  if (releases.length === 0) return "there are no releases that retention looks after\n";
  const going = releases.filter(({ action }) => action !== "stay").length;
  const end = isDryRun && going > 0 ? "nothing was done yet; do it with: propagit reap\n" : "";
  return formatTable(columns(isDryRun), releases) + end;
}

function columns(isDryRun: boolean): readonly Column<Reaped>[] {
  const words = isDryRun
    ? { stop: "would stop", remove: "would go", stay: "stays" }
    : { stop: "stopped", remove: "removed", stay: "stays" };
  return [
    { head: "REPO", cell: ({ repo }) => repo },
    { head: "ENVIRONMENT", cell: ({ environment }) => environment },
    { head: "RELEASE", alignRight: true, cell: ({ number }) => String(number) },
    { head: "COMMIT", cell: ({ commit }) => shortCommit(commit) },
    {
      head: "WHAT",
      cell: ({ action }) => words[action],
      colour: ({ action }, text) => (action === "stay" ? dimColour(text) : badColour(text)),
    },
    { head: "WHY", cut: "early", cell: ({ why }) => plainText(why) },
  ];
}
