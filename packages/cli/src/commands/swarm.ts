import {
  joinViews,
  parseRepoName,
  PropagitError,
  shortCommit,
  type SwarmView,
} from "@propagit/protocol";
import { nodeClock, sleep, type Conversation } from "@propagit/runtime";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { collect, withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { endOnInterrupt } from "../interrupt.js";
import { openPicture } from "../output/picture.js";
import { print, printJson, printJsonLine, terminalColumns } from "../output/print.js";
import { formatNames } from "../output/quantity.js";
import { artifactChars, formatSwarm, nothingYet, repoText } from "../output/swarm.js";
import { formatSwarmDetail } from "../output/swarm-detail.js";

interface SwarmFlags extends HubFlags {
  readonly artifact?: string;
  readonly all?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function swarmCommand(): Command {
  const command = withHubFlags(
    new Command("swarm")
      .summary("how commits travel: who has what, who gets from whom, and who is behind")
      .description(
        "Shows the artifacts that drones get from one another, or did within the last hour: how many have it, how fast it goes, and how often the hub itself sent it. With --artifact everything about one: each drone, what crosses into each zone, bytes by line, and who is not believed any more. What is small, or wanted by one drone only, comes straight from the hub and is not here.",
      )
      .argument("[repo]", "a repository (default: all)", asFlag(parseRepoName)),
  )
    .option(
      "--artifact <prefix>",
      "one of them, by its name or the commit that it brings",
      asFlag(parsePrefix),
    )
    .option("--all", "with --artifact: each drone and each line, however many")
    .option("--watch", "drawn anew each second until ^C")
    .option("--json", "print it as JSON, whole; with --watch a line each second");
  return examples(command, [
    "propagit swarm",
    "propagit swarm webapp --watch",
    "propagit swarm --artifact=74336bc",
  ]).action(swarm);
}

const everyMs = 1_000;

async function swarm(repo: string | undefined, flags: SwarmFlags): Promise<void> {
  await withHub(flags, async (hub) => {
    const first = await fetchViews(hub, repo, flags);
    if (flags.artifact !== undefined && first.length === 0) {
      throw noArtifact(flags.artifact, repo, await fetchViews(hub, repo, {}));
    }
    if (!flags.watch) return show(first, flags);
    const draw = drawn(flags);
    for (let views = first; ; views = await fetchViews(hub, repo, flags)) {
      draw(views);
      await sleep(nodeClock, everyMs);
    }
  });
}

/** Without drones where only counts are shown. */
async function fetchViews(
  hub: Conversation,
  repo: string | undefined,
  { artifact: which, json }: SwarmFlags,
): Promise<readonly SwarmView[]> {
  const params = {
    ...(repo !== undefined && { repo }),
    ...(which !== undefined && { which }),
    ...(which === undefined && !json && { brief: true }),
  };
  return joinViews(
    await collect(async (onPart) => (await hub.call("hub.swarm", params, { onPart })).artifacts),
  );
}

/** Artifacts that are named where the one that was asked for is not there. */
const namedMax = 5;

function noArtifact(
  which: string,
  repo: string | undefined,
  views: readonly SwarmView[],
): PropagitError {
  const of = repo === undefined ? "" : ` of ${repo}`;
  const names = views.map(
    (view) =>
      `${view.artifact.slice(0, artifactChars)} (${repoText(view)} ${shortCommit(view.commit)})`,
  );
  const has = names.length === 0 ? nothingYet : `there is ${formatNames(names, namedMax)}`;
  return new PropagitError(
    "NO_ARTIFACT",
    `no artifact${of} begins with ${which}, or brings a commit that does; ${has}`,
  );
}

function show(views: readonly SwarmView[], flags: SwarmFlags): void {
  if (flags.json) return printJson({ artifacts: views });
  const columns = terminalColumns();
  print(textOf(views, flags, { columns, rowsMax: rowsShown }));
}

function drawn(flags: SwarmFlags): (views: readonly SwarmView[]) => void {
  if (flags.json) {
    endOnInterrupt();
    return (views) => printJsonLine({ artifacts: views });
  }
  const picture = openPicture();
  return (views) => {
    const { columns, rows } = picture;
    picture.show(textOf(views, flags, { columns, rowsMax: rowsOf(rows) }));
  };
}

/** A screen or two. */
const rowsShown = 50;
/** What is around the two tables of one artifact. */
const rowsAround = 14;
const rowsMin = 4;

function rowsOf(rows: number): number {
  if (!Number.isFinite(rows)) return rowsShown;
  return Math.max(rowsMin, Math.floor((rows - rowsAround) / 2));
}

function textOf(
  views: readonly SwarmView[],
  { artifact, all }: SwarmFlags,
  { columns, rowsMax }: { readonly columns: number; readonly rowsMax: number },
): string {
  const options = { now: Date.now(), columns, rowsMax: all ? Infinity : rowsMax };
  if (artifact === undefined) return formatSwarm(views, options);
  // It was there when it was first looked at.
  if (views.length === 0) return `of ${artifact}: ${nothingYet}\n`;
  return views.map((view) => formatSwarmDetail(view, options)).join("\n");
}

/** @throws BAD_USAGE */
function parsePrefix(text: string): string {
  if (/^[0-9a-f]{4,64}$/i.test(text)) return text.toLowerCase();
  throw new PropagitError(
    "BAD_USAGE",
    "it takes 4 to 64 hex characters of an artifact or a commit",
  );
}
