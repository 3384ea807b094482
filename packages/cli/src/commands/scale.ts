import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseScale } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "../rollout.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

type Scale = ReturnType<typeof parseScale>;

export function scaleCommand(): Command {
  const command = withScaleWords(
    withHubFlags(
      new Command("scale")
        .summary("set how many instances services have")
        .description(
          "Sets the number of instances of services, on each drone or in total as the manifest has it; it holds for later releases too. `SERVICE=-` goes back to what the manifest says.",
        ),
    ),
  );
  return examples(withDryRunFlag(withRolloutFlags(command)), [
    "propagit scale webapp web=4 worker=2",
    "propagit scale webapp web=- -e staging",
  ]).action(scale);
}

/** What is to be scaled; `plan scale` has the same words. */
export function withScaleWords(command: Command): Command {
  return withEnvironmentFlag(
    command
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<service=n...>", "services and their instances", asRepeatedFlag(parseScale)),
  );
}

export function scaleChange(
  repo: string,
  services: Scale[],
  flags: EnvironmentFlags,
): ChangeOf<"scale"> {
  return { kind: "scale", repo, services, ...environmentOf(flags) };
}

async function scale(
  repo: string,
  services: Scale[],
  flags: RolloutFlags & EnvironmentFlags & DryRunFlags,
): Promise<void> {
  const change = scaleChange(repo, services, flags);
  if (flags.dryRun) return showDryRun(change, flags);
  const { kind: _, ...asked } = change;
  const params = { ...asked, by: author() };
  await carryOut(flags, {
    ask: (hub, options) => hub.call("hub.scale", params, options),
    isRepeatable: true,
  });
}
