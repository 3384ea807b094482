import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseScale } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { carryOut, withRolloutFlags, type RolloutFlags } from "../rollout.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

export function scaleCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("scale")
        .summary("set how many instances services have")
        .description(
          "Sets the number of instances of services, on each drone or in total as the manifest has it; it holds for later releases too. `SERVICE=-` goes back to what the manifest says.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument("<service=n...>", "services and their instances", asRepeatedFlag(parseScale)),
    ),
  );
  return examples(withRolloutFlags(command), [
    "propagit scale webapp web=4 worker=2",
    "propagit scale webapp web=- -e staging",
  ]).action(scale);
}

type Scale = ReturnType<typeof parseScale>;

async function scale(
  repo: string,
  services: Scale[],
  flags: RolloutFlags & EnvironmentFlags,
): Promise<void> {
  const params = { repo, services, by: author(), ...environmentOf(flags) };
  await carryOut(flags, {
    ask: (hub, options) => hub.call("hub.scale", params, options),
    isRepeatable: true,
  });
}
