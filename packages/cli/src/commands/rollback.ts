import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "../rollout.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import { wavesOf, withWaveFlags, type WaveFlags } from "../plans/wave-flags.js";
import {
  environmentOf,
  parseReleaseNumber,
  withEnvironmentFlag,
  type EnvironmentFlags,
} from "../targets.js";

interface RollbackWords extends EnvironmentFlags, WaveFlags {}

interface RollbackFlags extends RolloutFlags, RollbackWords, DryRunFlags {
  readonly supersede?: boolean;
}

export function rollbackCommand(): Command {
  const command = withRollbackWords(
    withHubFlags(
      new Command("rollback")
        .summary("go back to an earlier release, settings included")
        .description(
          "Makes a new release out of an old one, with its commit and settings, and carries it out like any deploy. What still runs need not be started again. Without a number it is the release that was live before the present one.",
        ),
    ),
  ).option("--supersede", "take the place of releases that wait and have not begun");
  return examples(withDryRunFlag(withRolloutFlags(command, { follow: true })), [
    "propagit rollback webapp",
    "propagit rollback webapp 12 -e staging",
  ]).action(rollback);
}

/** Which rollback is meant; `plan rollback` has the same words. */
export function withRollbackWords(command: Command): Command {
  return withWaveFlags(
    withEnvironmentFlag(
      command
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("[release]", "number of a release", asFlag(parseReleaseNumber)),
    ),
  );
}

export function rollbackChange(
  repo: string,
  release: number | undefined,
  flags: RollbackWords,
): ChangeOf<"rollback"> {
  const asked = { ...environmentOf(flags), ...wavesOf(flags) };
  return { kind: "rollback", repo, ...asked, ...(release !== undefined && { release }) };
}

async function rollback(
  repo: string,
  release: number | undefined,
  flags: RollbackFlags,
): Promise<void> {
  const change = rollbackChange(repo, release, flags);
  if (flags.dryRun) return showDryRun(change, flags);
  const { kind: _, ...asked } = change;
  const params = {
    ...asked,
    by: author(),
    ...(flags.supersede && { supersede: true }),
    ...(flags.detach && { detach: true }),
  };
  // Asked twice without a number it could go back twice.
  await carryOut(flags, {
    ask: (hub, options) => hub.call("hub.rollback", params, options),
    isRepeatable: release !== undefined,
  });
}
