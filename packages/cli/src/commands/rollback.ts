import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "../rollout.js";
import {
  environmentOf,
  parseReleaseNumber,
  withEnvironmentFlag,
  type EnvironmentFlags,
} from "../targets.js";

interface RollbackFlags extends RolloutFlags, EnvironmentFlags {
  readonly supersede?: boolean;
}

export function rollbackCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("rollback")
        .summary("go back to an earlier release, settings included")
        .description(
          "Makes a new release out of an old one, with its commit and settings, and carries it out like any deploy. What still runs need not be started again. Without a number it is the release that was live before the present one.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("[release]", "number of a release", asFlag(parseReleaseNumber)),
    ),
  ).option("--supersede", "take the place of releases that wait and have not begun");
  return examples(withRolloutFlags(command, { follow: true }), [
    "propagit rollback webapp",
    "propagit rollback webapp 12 -e staging",
  ]).action(rollback);
}

async function rollback(
  repo: string,
  release: number | undefined,
  flags: RollbackFlags,
): Promise<void> {
  const params = {
    repo,
    by: author(),
    ...environmentOf(flags),
    ...(release !== undefined && { release }),
    ...(flags.supersede && { supersede: true }),
    ...(flags.detach && { detach: true }),
  };
  // Asked twice without a number it could go back twice.
  await carryOut(flags, {
    ask: (hub, options) => hub.call("hub.rollback", params, options),
    isRepeatable: release !== undefined,
  });
}
