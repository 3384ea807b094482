import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { hold } from "../hold.js";
import { withHubFlags } from "../hub-call.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import {
  instanceTarget,
  parseProcess,
  parseRepoRelease,
  withTargetFlags,
  type RepoRelease,
  type TargetFlags,
} from "../targets.js";

/** What of it says what is started. */
export interface StartWords extends TargetFlags {
  readonly process?: readonly string[];
}

interface StartFlags extends DryRunFlags, StartWords {}

export function startCommand(): Command {
  const command = withStartWords(
    withHubFlags(
      new Command("start")
        .summary("start instances again that were stopped one by one")
        .description(
          "Starts again what `propagit stop` with --service, --drone, --label or --process has ended.",
        ),
    ),
  ).option("--json", "print the instances as JSON");
  return examples(withDryRunFlag(command), [
    "propagit start webapp --service=worker --drone=web-1",
  ]).action(async (what: RepoRelease, flags: StartFlags) => {
    const change = startChange(what, flags);
    if (flags.dryRun) return showDryRun(change, flags);
    await hold({ target: change.target, start: true, force: false }, flags);
  });
}

/** Which instances; `plan start` has the same words. */
export function withStartWords(command: Command): Command {
  return withTargetFlags(
    command.argument("<repo>", "the repository, or REPO@RELEASE", asFlag(parseRepoRelease)),
  ).option(
    "--process <id>",
    "an instance by its id; may be repeated",
    asRepeatedFlag(parseProcess),
  );
}

export function startChange(what: RepoRelease, flags: StartWords): ChangeOf<"start"> {
  return { kind: "start", target: instanceTarget(what, flags, flags.process) };
}
