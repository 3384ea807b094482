import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, parseRef } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRoute } from "../output/route.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

interface PromoteFlags extends DryRunFlags, EnvironmentFlags {}

export function promoteCommand(): Command {
  const command = withPromoteWords(
    withHubFlags(
      new Command("promote")
        .summary("send all visitors of a repository to one commit or release")
        .description(
          "Sends all visitors to a commit or release that is deployed; others keep running.",
        ),
    ),
  ).option("--json", "print the route as JSON");
  return examples(withDryRunFlag(command), [
    "propagit promote webapp 40548da",
    "propagit promote webapp 14",
  ]).action(async (repo: string, ref: string, flags: PromoteFlags) => {
    const change = promoteChange(repo, ref, flags);
    if (flags.dryRun) return showDryRun(change, flags);
    const { kind: _, ...asked } = change;
    const params = { ...asked, by: author() };
    const route = await withHub(flags, (hub) => hub.call("hub.promote", params));
    if (flags.json) printJson(route);
    else print(formatRoute(route));
  });
}

/** Who gets the visitors; `plan promote` has the same words. */
export function withPromoteWords(command: Command): Command {
  return withEnvironmentFlag(
    command
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument(
        "<commit>",
        "number of a release, full hash, unique prefix, branch or tag",
        asFlag(parseRef),
      ),
  );
}

export function promoteChange(
  repo: string,
  ref: string,
  flags: EnvironmentFlags,
): ChangeOf<"promote"> {
  return { kind: "promote", repo, ref, ...environmentOf(flags) };
}
