import { PropagitError, shortCommit, type StopResult } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asRepeatedFlag } from "../flags.js";
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
  withTargetFlags,
  type TargetFlags,
} from "../targets.js";

/** What of it says what is stopped. */
export interface StopWords extends TargetFlags {
  readonly process?: readonly string[];
  readonly force?: boolean;
}

interface StopFlags extends HubFlags, StopWords {
  readonly json?: boolean;
  readonly dryRun?: boolean;
}

export function stopCommand(): Command {
  const command = withStopWords(
    withHubFlags(
      new Command("stop")
        .summary("stop a commit on every drone, or single instances")
        .description(
          "Stops a commit or release: its endpoints leave the registry first, then its processes get SIGTERM and, after a deadline, SIGKILL. Refused while visitors are routed to it. With --service, --drone, --label or --process it ends only the instances that fit, and keeps them ended until `propagit start`.",
        ),
    ),
  ).option("--json", "print the result as JSON");
  return examples(withDryRunFlag(command), [
    "propagit stop webapp 74336bc",
    "propagit stop webapp --service=worker --drone=web-1",
  ]).action(stop);
}

async function stop(text: string, ref: string | undefined, flags: StopFlags): Promise<void> {
  const change = stopChange(text, ref, flags);
  if (flags.dryRun) return showDryRun(change, flags);
  if (change.kind === "stop") return stopCommit(change, flags);
  const { target, force } = change;
  await hold({ target, start: false, force }, flags);
}

/** @throws BAD_USAGE */
export function stopChange(
  text: string,
  ref: string | undefined,
  flags: StopWords,
): ChangeOf<"stop" | "hold"> {
  const { force = false } = flags;
  const { repo, release = ref } = parseRepoRelease(text);
  if (ref !== undefined && release !== ref) {
    throw new PropagitError("BAD_USAGE", `the commit is given twice: ${release} and ${ref}`);
  }
  const isPart = flags.service ?? flags.drone ?? flags.label ?? flags.process;
  if (isPart !== undefined) {
    const what = { repo, ...(release !== undefined && { release }) };
    return { kind: "hold", target: instanceTarget(what, flags, flags.process), force };
  }
  if (release === undefined) {
    throw new PropagitError("BAD_USAGE", "a commit, or which instances, is missing", {
      hint: `write \`propagit stop ${repo} COMMIT\`, or add --service, --drone, --label or --process; see \`propagit ps\``,
    });
  }
  return { kind: "stop", repo, ref: release, force, ...environmentOf(flags) };
}

/** What is stopped; `plan stop` has the same words. */
export function withStopWords(command: Command): Command {
  return withTargetFlags(
    command
      .argument("<repo>", "the repository, or REPO@RELEASE")
      .argument("[commit]", "number of a release, full hash, unique prefix, branch or tag"),
  )
    .option(
      "--process <id>",
      "an instance by its id; may be repeated",
      asRepeatedFlag(parseProcess),
    )
    .option("--force", "also when visitors are routed to it; its share goes to the others");
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
