import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, parseRef } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "../rollout.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import { wavesOf, withWaveFlags, type WaveFlags } from "../plans/wave-flags.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

interface DeployWords extends EnvironmentFlags, WaveFlags {
  readonly promote?: boolean;
  readonly redeploy?: boolean;
}

interface DeployFlags extends RolloutFlags, DeployWords, DryRunFlags {
  readonly supersede?: boolean;
}

export function deployCommand(): Command {
  const command = withDeployWords(
    withHubFlags(
      new Command("deploy")
        .summary("make a release of a commit and carry it out")
        .description(
          "Makes a release of a commit: builds and tests it when the repository says so, starts it beside what runs, and sends visitors to it when it is ready. Shows each step; ends with 0 only when all of it is ready. ^C ends the looking on, not the deploy. Behind a deploy of the same repository and environment it waits.",
        ),
    ),
  ).option("--supersede", "take the place of releases that wait and have not begun");
  return examples(withDryRunFlag(withRolloutFlags(command, { follow: true })), [
    "propagit deploy --hub=localhost:6001 --secret=beepboop webapp 74336bc",
    "propagit deploy webapp master -e staging --follow",
    "propagit deploy webapp master --waves=zone --canary-drone=web-1 --dry-run",
    "propagit deploy webapp master --no-promote --detach",
    "propagit deploy webapp master --redeploy --waves=5,25,100",
  ]).action(deploy);
}

/** Which deploy is meant; `plan deploy` has the same words. */
export function withDeployWords(command: Command): Command {
  return withWaveFlags(
    withEnvironmentFlag(
      command
        .argument("<repo>", "the repository, as it was pushed", asFlag(parseRepoName))
        .argument("<commit>", "full hash, unique prefix, branch or tag", asFlag(parseRef)),
    )
      .option("--promote", "send visitors to it when it is ready (default: as the manifest says)")
      .option("--no-promote", "leave visitors where they are")
      .option(
        "--redeploy",
        "also where it runs already: restart its instances, a few drones at a time",
      ),
  );
}

export function deployChange(repo: string, ref: string, flags: DeployWords): ChangeOf<"deploy"> {
  const { promote, redeploy } = flags;
  const asked = {
    ...environmentOf(flags),
    ...wavesOf(flags),
    ...(promote !== undefined && { promote }),
    ...(redeploy && { redeploy }),
  };
  return { kind: "deploy", repo, ref, ...asked };
}

async function deploy(repo: string, ref: string, flags: DeployFlags): Promise<void> {
  const { supersede, detach, dryRun } = flags;
  const change = deployChange(repo, ref, flags);
  if (dryRun) return showDryRun(change, flags);
  const { kind: _, ...asked } = change;
  const params = {
    ...asked,
    by: author(),
    ...(supersede && { supersede }),
    ...(detach && { detach }),
  };
  await carryOut(flags, {
    ask: (hub, options) => hub.call("hub.deploy", params, options),
    // Asked again, the hub finds that the commit is on its way or runs already; a redeploy it would do twice.
    isRepeatable: !flags.redeploy,
  });
}
