import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { hold } from "../hold.js";
import { withHubFlags, type HubFlags } from "../hub-call.js";
import {
  instanceTarget,
  parseProcess,
  parseRepoRelease,
  withTargetFlags,
  type RepoRelease,
  type TargetFlags,
} from "../targets.js";

interface StartFlags extends HubFlags, TargetFlags {
  readonly process?: readonly string[];
  readonly json?: boolean;
}

export function startCommand(): Command {
  const command = withTargetFlags(
    withHubFlags(
      new Command("start")
        .summary("start instances again that were stopped one by one")
        .description(
          "Starts again what `propagit stop` with --service, --drone, --label or --process has ended.",
        )
        .argument("<repo>", "the repository, or REPO@RELEASE", asFlag(parseRepoRelease)),
    ),
  )
    .option(
      "--process <id>",
      "an instance by its id; may be repeated",
      asRepeatedFlag(parseProcess),
    )
    .option("--json", "print the instances as JSON");
  return examples(command, ["propagit start webapp --service=worker --drone=web-1"]).action(
    async (what: RepoRelease, flags: StartFlags) => {
      const target = instanceTarget(what, flags, flags.process);
      await hold({ target, start: true, force: false }, flags);
    },
  );
}
