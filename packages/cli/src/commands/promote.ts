import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, parseRef } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRoute } from "../output/route.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

interface PromoteFlags extends HubFlags, EnvironmentFlags {
  readonly json?: boolean;
}

export function promoteCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("promote")
        .summary("send all visitors of a repository to one commit or release")
        .description(
          "Sends all visitors to a commit or release that is deployed; others keep running.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument(
          "<commit>",
          "number of a release, full hash, unique prefix, branch or tag",
          asFlag(parseRef),
        ),
    ),
  ).option("--json", "print the route as JSON");
  return examples(command, [
    "propagit promote webapp 40548da",
    "propagit promote webapp 14",
  ]).action(async (repo: string, ref: string, flags: PromoteFlags) => {
    const params = { repo, ref, by: author(), ...environmentOf(flags) };
    const route = await withHub(flags, (hub) => hub.call("hub.promote", params));
    if (flags.json) printJson(route);
    else print(formatRoute(route));
  });
}
