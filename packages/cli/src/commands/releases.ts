import { parseRepoName, shortCommit, type ReleaseSummary } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, parseWhole } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { formatAge, formatDuration } from "../output/duration.js";
import { print, printJson } from "../output/print.js";
import { inEnvironment } from "../output/route.js";
import { colourRelease, formatReleaseState } from "../output/release.js";
import { formatTable, type Column } from "../output/table.js";
import { cutTo, plainText } from "../output/text-width.js";
import { fetchReleases } from "../releases.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

interface ReleasesFlags extends HubFlags, EnvironmentFlags {
  readonly last: number;
  readonly json?: boolean;
}

export function releasesCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("releases")
        .summary("the releases: what, who, when, and what came of them")
        .description(
          "Lists releases, newest first. The current one is where visitors are sent; those that run can be gone back to at once, the others are on disk or gone.",
        )
        .argument("[repo]", "the repository (default: all)", asFlag(parseRepoName)),
    ),
  )
    .option(
      "-n, --last <count>",
      "how many",
      asFlag((text) => parseWhole(text, 1, 10_000)),
      20,
    )
    .option("--json", "print it as JSON");
  return examples(command, [
    "propagit releases webapp",
    "propagit releases webapp -e staging",
  ]).action(releases);
}

async function releases(repo: string | undefined, flags: ReleasesFlags): Promise<void> {
  const about = { ...(repo !== undefined && { repo }), ...environmentOf(flags) };
  const found = await withHub(flags, (hub) => fetchReleases(hub, { last: flags.last, ...about }));
  if (flags.json) printJson(found);
  else print(formatReleases(found, { now: Date.now(), ...about }));
}

export function formatReleases(
  releases: readonly ReleaseSummary[],
  options: { readonly now: number; readonly repo?: string; readonly environment?: string },
): string {
  if (releases.length === 0) {
    const { repo, environment } = options;
    const place = repo === undefined ? "" : ` of ${repo}${inEnvironment(environment)}`;
    return `no releases${place} yet; make one: propagit deploy ${repo ?? "REPO"} COMMIT\n`;
  }
  const environments = new Set(releases.map(({ environment }) => environment));
  const all = columns(options.now);
  const hidden = [
    ...(options.repo === undefined ? [] : ["REPO"]),
    ...(environments.size > 1 ? [] : ["ENVIRONMENT"]),
  ];
  return formatTable(
    all.filter(({ head }) => !hidden.includes(head)),
    releases,
  );
}

/** Columns of a message in the table; `release show` has all of it. */
const subjectMax = 40;

function columns(now: number): readonly Column<ReleaseSummary>[] {
  return [
    { head: "RELEASE", alignRight: true, cell: ({ number }) => String(number) },
    { head: "REPO", cell: ({ repo }) => repo },
    { head: "ENVIRONMENT", cell: ({ environment }) => environment },
    { head: "COMMIT", cell: ({ commit }) => shortCommit(commit) },
    { head: "STATE", cell: formatReleaseState, colour: colourRelease },
    {
      head: "RUNS",
      leaveOut: 1,
      cell: ({ presence, pinned }) => `${presence}${pinned ? ", pinned" : ""}`,
    },
    {
      head: "KIND",
      leaveOut: 2,
      cell: ({ kind, from }) => (from === undefined ? kind : `${kind} to ${from}`),
    },
    { head: "BY", leaveOut: 3, cell: ({ by }) => plainText(by) },
    { head: "AGE", alignRight: true, cell: ({ at }) => formatAge(now - at) },
    {
      head: "TOOK",
      alignRight: true,
      leaveOut: 4,
      cell: ({ tookMs }) => (tookMs === undefined ? "-" : formatDuration(tookMs)),
    },
    {
      head: "MESSAGE",
      cut: "early",
      cell: ({ subject }) => cutTo(plainText(subject), subjectMax),
    },
  ];
}
