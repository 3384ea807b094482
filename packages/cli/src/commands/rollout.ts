import {
  canaryPlanDefault,
  compareChoices,
  inconclusiveChoices,
  parseErrorPoints,
  parseP95Ratio,
  parseRepoName,
  parseStep,
  PropagitError,
  quote,
  type Canary,
  type CanaryChange,
  type CanaryPlan,
} from "@propagit/protocol";
import { Command, Option } from "commander";
import { author } from "../author.js";
import { goesOn, lookOnAtCanary, type CanaryFlags } from "../canary.js";
import { examples } from "../examples.js";
import { asFlag, parseRef, parseWhole } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { describeCanary, formatCanaryEnd, formatCanaryHead } from "../output/canary.js";
import { print, printJson, printJsonLine } from "../output/print.js";
import { formatTable, type Column } from "../output/table.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";
import { parseStepMs } from "../traffic-flags.js";
import { withRepoWord } from "./pause.js";

type PlaceFlags = CanaryFlags & EnvironmentFlags;

/** How it goes; `plan rollout` has the same words. */
interface BeginWords extends EnvironmentFlags {
  readonly steps?: readonly number[];
  readonly every?: number;
  readonly minRequests?: number;
  readonly inconclusive?: CanaryPlan["inconclusive"];
  readonly compare?: CanaryPlan["compare"];
  readonly maxErrorRate?: number;
  readonly maxP95?: number;
}

interface BeginFlags extends PlaceFlags, BeginWords {
  readonly detach?: boolean;
  readonly dryRun?: boolean;
}

export function rolloutCommand(): Command {
  const command = withRolloutWords(
    withHubFlags(
      new Command("rollout")
        .summary("send visitors to a commit step by step, and back when it is worse")
        .description(
          "Sends visitors to a commit step by step, and compares it with the old one by what the proxies count; when it fails more often or answers later than it may, all visitors go back at once. Deploys the commit first when it is not deployed. What is not said is as its manifest says. ^C ends the looking on, not the rollout; ends with 0 only when all visitors go to the commit.",
        ),
    ),
  )
    .option("--detach", "end when the hub has accepted it; it goes on by itself")
    .option("--json", "a line of JSON for each change, the result last");
  return examples(withDryRunFlag(command), [
    "propagit rollout webapp 74336bc --steps 5%,25%,50%,100% --every 5m",
    "propagit rollout webapp main --min-requests 1000 --inconclusive stop --detach",
    "propagit rollout status webapp --follow",
    "propagit rollout abort webapp",
  ])
    .action(begin)
    .addCommand(statusCommand())
    .addCommand(changeCommand("promote"))
    .addCommand(changeCommand("abort"))
    .addCommand(changeCommand("pause"))
    .addCommand(changeCommand("resume"));
}

export function withRolloutWords(command: Command): Command {
  const { minRequests } = canaryPlanDefault;
  return withEnvironmentFlag(
    command
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument(
        "<commit>",
        "number of a release, full hash, unique prefix, branch or tag",
        asFlag(parseRef),
      ),
  )
    .option(
      "--steps <shares>",
      "shares of the visitors, rising to 100% (default: 5%,25%,50%,100%)",
      asFlag(parseSteps),
    )
    .option("--every <time>", "how long each step is looked at (default: 5m)", asFlag(parseStepMs))
    .option(
      "--min-requests <n>",
      `requests that each side needs at a step to tell anything (default: ${minRequests})`,
      asFlag((text) => parseWhole(text, 1, 1_000_000_000)),
    )
    .addOption(
      new Option(
        "--inconclusive <what>",
        "with fewer: wait for more, go on, or stop and go back (default: wait)",
      ).choices(inconclusiveChoices),
    )
    .addOption(
      new Option(
        "--compare <whom>",
        "with as many visitors of the old one, or with all of them (default: same)",
      ).choices(compareChoices),
    )
    .option(
      "--max-error-rate <points>",
      "points of percent that it may fail more often (default: +0.5)",
      asFlag(orUsage("points such as +0.5", parseErrorPoints)),
    )
    .option(
      "--max-p95 <factor>",
      "how many times as long its 95th percentile may be (default: 1.2x)",
      asFlag(orUsage("a factor such as 1.2x", parseP95Ratio)),
    );
}

export function rolloutChange(repo: string, ref: string, flags: BeginWords): ChangeOf<"rollout"> {
  const { steps, every, minRequests, inconclusive, compare, maxErrorRate, maxP95 } = flags;
  const plan = {
    ...(steps && { steps: [...steps] }),
    ...(every !== undefined && { everyMs: every }),
    ...(minRequests !== undefined && { minRequests }),
    ...(inconclusive && { inconclusive }),
    ...(compare && { compare }),
    ...(maxErrorRate !== undefined && { errorPoints: maxErrorRate }),
    ...(maxP95 !== undefined && { p95Ratio: maxP95 }),
  };
  return { kind: "rollout", repo, ref, plan, ...environmentOf(flags) };
}

async function begin(repo: string, ref: string, flags: BeginFlags): Promise<void> {
  const change = rolloutChange(repo, ref, flags);
  if (flags.dryRun) return showDryRun(change, flags);
  const { kind: _, ...asked } = change;
  const place = { repo, ...environmentOf(flags) };
  const params = { ...asked, by: author() };
  if (!flags.detach) {
    await lookOnAtCanary(flags, place, (hub, options) =>
      hub.call("hub.canary-start", params, options),
    );
    return;
  }
  const canary = await withHub(flags, (hub) =>
    hub.call("hub.canary-start", { ...params, detach: true }, { limitMs: 0 }),
  );
  if (flags.json) printJsonLine(canary);
  else print(`${formatCanaryHead(canary)}\n${goesOn(place)}`);
}

interface StatusFlags extends PlaceFlags {
  readonly follow?: boolean;
}

/** Flags before a subcommand's name are taken by `rollout` itself, so these look at both. */
function statusCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("status")
        .summary("how a rollout by steps stands, or how the last one ended")
        .description(
          "Shows how the rollout by steps of a repository stands, or how its last one ended; without a repository those of all, in one environment with -e.",
        )
        .argument("[repo]", "a repository (default: all)", asFlag(parseRepoName)),
    ),
  )
    .option("--follow", "look on until it is over; ends with 0 only when all visitors go there")
    .option("--json", "print it as JSON");
  return examples(command, [
    "propagit rollout status",
    "propagit rollout status webapp --follow",
  ]).action((repo: string | undefined, _: StatusFlags, own: Command) =>
    status(repo, own.optsWithGlobals<StatusFlags>()),
  );
}

async function status(repo: string | undefined, flags: StatusFlags): Promise<void> {
  if (repo === undefined) return listAll(flags);
  const place = { repo, ...environmentOf(flags) };
  if (flags.follow) {
    const ask: Parameters<typeof lookOnAtCanary>[2] = (hub, options) =>
      hub.call("hub.canary", { ...place, follow: true }, options);
    return lookOnAtCanary(flags, place, ask);
  }
  const canary = await withHub(flags, (hub) => hub.call("hub.canary", { ...place, follow: false }));
  if (flags.json) printJson(canary);
  else print(formatStatus(canary));
}

function formatStatus(canary: Canary): string {
  const steps = canary.plan.steps.map((step) => `${step} %`).join(", ");
  const by = `steps ${steps}, begun by ${canary.by}`;
  const how = canary.end ? formatCanaryEnd(canary) : `${describeCanary(canary)}\n`;
  return `${formatCanaryHead(canary)}\n${by}\n${how}`;
}

async function listAll(flags: StatusFlags): Promise<void> {
  if (flags.follow) {
    throw new PropagitError("BAD_USAGE", "--follow needs a repository");
  }
  const params = { over: true, ...environmentOf(flags) };
  const canaries: Canary[] = [];
  const onPart = (part: Canary[]) => void canaries.push(...part);
  const last = await withHub(flags, (hub) => hub.call("hub.canaries", params, { onPart }));
  canaries.push(...last.canaries);
  if (flags.json) printJson(canaries);
  else if (canaries.length === 0) print(noneYet(flags));
  else print(formatTable(columns, canaries));
}

function noneYet({ environment }: EnvironmentFlags): string {
  const where = environment === undefined ? "" : ` in ${environment}`;
  return `there was no rollout by steps${where} yet; begin one: propagit rollout REPO COMMIT\n`;
}

const columns: readonly Column<Canary>[] = [
  { head: "ROLLOUT", cell: (canary) => formatCanaryHead({ ...canary, phase: "over" }) },
  {
    head: "SHARE",
    cell: ({ phase, percent }) => (phase === "over" ? "-" : `${percent} %`),
    alignRight: true,
  },
  { head: "HOW IT STANDS", cell: describeCanary, cut: "early" },
];

/** What may be done with one that is under way; `plan rollout` has the same. */
export const rolloutChanges = {
  promote: "send all visitors to the new commit now",
  abort: "send all visitors back now",
  pause: "stay at this step; a worse commit is still taken back",
  resume: "go on with the steps",
} as const satisfies Record<CanaryChange, string>;

function changeCommand(change: CanaryChange): Command {
  const summary = rolloutChanges[change];
  const command = withEnvironmentFlag(
    withRepoWord(
      withHubFlags(
        new Command(change)
          .summary(summary)
          .description(`Of the rollout by steps that is under way: ${summary}.`),
      ),
    ),
  ).option("--json", "print it as JSON");
  return examples(withDryRunFlag(command), [`propagit rollout ${change} webapp`]).action(
    async (repo: string, _: unknown, own: Command) => {
      const flags = own.optsWithGlobals<PlaceFlags & DryRunFlags>();
      const planned = underWayChange(change, repo, flags);
      if (flags.dryRun) return showDryRun(planned, flags);
      const { kind: __, ...asked } = planned;
      const params = { ...asked, by: author() };
      const canary = await withHub(flags, (hub) => hub.call("hub.canary-change", params));
      if (flags.json) printJson(canary);
      else print(formatStatus(canary));
    },
  );
}

export function underWayChange(
  change: CanaryChange,
  repo: string,
  flags: EnvironmentFlags,
): ChangeOf<"rollout-change"> {
  return { kind: "rollout-change", repo, change, ...environmentOf(flags) };
}

function parseSteps(text: string): readonly number[] {
  return text.split(",").map(orUsage("shares such as 5%,25%,100%", parseStep));
}

function orUsage(
  wanted: string,
  parse: (text: string) => number | undefined,
): (text: string) => number {
  return (text) => {
    const value = parse(text);
    if (value !== undefined) return value;
    throw new PropagitError("BAD_USAGE", `${quote(text)} is not ${wanted}`);
  };
}
