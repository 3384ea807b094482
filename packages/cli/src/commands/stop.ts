import { parseRepoName, PropagitError, shortCommit, type StopResult } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseRef } from "../flags.js";
import { hold } from "../hold.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatProgress } from "../output/progress.js";
import { formatNames } from "../output/quantity.js";
import { showDryRun, withDryRunFlag, type ChangeOf } from "../plans/dry-run.js";
import {
  environmentOf,
  instanceTarget,
  parseProcess,
  parseRepoRelease,
  withEnvironmentFlag,
  withTargetFlags,
  type EnvironmentFlags,
  type RepoRelease,
  type TargetFlags,
} from "../targets.js";

interface StopFlags extends HubFlags, TargetFlags {
  readonly process?: readonly string[];
  readonly force?: boolean;
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

export function stopCommand(): Command {
  const command = withTargetFlags(
    withHubFlags(
      new Command("stop")
        .summary("stop a commit on every drone, or single instances")
        .description(
          "Stops a commit or release: its endpoints leave the registry first, then its processes get SIGTERM and, after a deadline, SIGKILL. Refused while visitors are routed to it. With --service, --drone, --label or --process it ends only the instances that fit, and keeps them ended until `propagit start`.",
        )
        .argument("<repo>", "the repository, or REPO@RELEASE")
        .argument("[commit]", "number of a release, full hash, unique prefix, branch or tag"),
    ),
  )
    .option(
      "--process <id>",
      "an instance by its id; may be repeated",
      asRepeatedFlag(parseProcess),
    )
    .option("--force", "also when visitors are routed to it; its share goes to the others")
    .option("--json", "print the result as JSON");
  return examples(withDryRunFlag(command), [
    "propagit stop webapp 74336bc",
    "propagit stop webapp --service=worker --drone=web-1",
  ]).action(stop);
}

async function stop(text: string, ref: string | undefined, flags: StopFlags): Promise<void> {
  const { repo, release = ref } = parseRepoRelease(text);
  if (ref !== undefined && release !== ref) {
    throw new PropagitError("BAD_USAGE", `the commit is given twice: ${release} and ${ref}`);
  }
  const isPart = flags.service ?? flags.drone ?? flags.label ?? flags.process;
  if (isPart !== undefined) refuseDryRun(flags);
  if (isPart !== undefined) return stopInstances({ repo, ...(release && { release }) }, flags);
  if (release === undefined) {
    throw new PropagitError("BAD_USAGE", "a commit, or which instances, is missing", {
      hint: `write \`propagit stop ${repo} COMMIT\`, or add --service, --drone, --label or --process; see \`propagit ps\``,
    });
  }
  const change = stopChange(repo, release, flags);
  if (flags.dryRun) return showDryRun(change, flags);
  await stopCommit(change, flags);
}

/** Single instances are ended by no plan. @throws BAD_USAGE */
function refuseDryRun({ dryRun }: StopFlags): void {
  if (!dryRun) return;
  throw new PropagitError("BAD_USAGE", "--dry-run shows what stopping a whole commit would do", {
    hint: "see which instances fit: propagit ps --flat, with the same --service, --drone, --label",
  });
}

export function stopChange(
  repo: string,
  ref: string,
  flags: EnvironmentFlags & { readonly force?: boolean },
): ChangeOf<"stop"> {
  return {
    kind: "stop",
    repo: parseRepoName(repo),
    ref,
    force: flags.force ?? false,
    ...environmentOf(flags),
  };
}

/** What is stopped; `plan stop` has the same words. */
export function withStopWords(command: Command): Command {
  return withEnvironmentFlag(
    command
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument(
        "<commit>",
        "number of a release, full hash, unique prefix, branch or tag",
        asFlag(parseRef),
      ),
  ).option("--force", "also when visitors are routed to it; its share goes to the others");
}

function stopInstances(what: RepoRelease, flags: StopFlags): Promise<void> {
  const target = instanceTarget(what, flags, flags.process);
  return hold({ target, start: false, force: flags.force ?? false }, flags);
}

async function stopCommit(change: ChangeOf<"stop">, flags: StopFlags): Promise<void> {
  const { kind: _, ...asked } = change;
  const params = { ...asked, by: author() };
  const result = await withHub(flags, (hub) =>
    hub.call("hub.stop", params, {
      limitMs: 0,
      onPart: (progress) => {
        if (!flags.json) print(formatProgress(progress));
      },
    }),
  );
  if (flags.json) printJson(result);
  else if (result.outcome === "stopped")
    print(`${result.repo} ${shortCommit(result.commit)} is stopped\n`);
  if (result.outcome === "failed") throw failure(result);
}

function failure({ repo, commit, drones }: StopResult): PropagitError {
  const names = drones.filter(({ outcome }) => outcome !== "stopped").map(({ drone }) => drone);
  return new PropagitError(
    "STOP_FAILED",
    `${repo} ${shortCommit(commit)} is not stopped on ${formatNames(names)}`,
  );
}
