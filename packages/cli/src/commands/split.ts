import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseShare } from "../flags.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRoute } from "../output/route.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

interface ShareArgument {
  readonly ref: string;
  readonly weight: number;
}

interface SplitFlags extends HubFlags, EnvironmentFlags {
  readonly json?: boolean;
}

export function splitCommand(): Command {
  const command = withEnvironmentFlag(
    withHubFlags(
      new Command("split")
        .summary("divide the visitors of a repository between commits")
        .description(
          "Divides visitors between deployed commits or releases by weight. A visitor keeps the commit he was given while the split holds; raising a share moves only the new share.",
        )
        .argument("<repo>", "the repository", asFlag(parseRepoName))
        .argument(
          "<commit=weight...>",
          "commits, or numbers of releases, and their weights",
          asRepeatedFlag(parseShare),
        ),
    ),
  ).option("--json", "print the route as JSON");
  return examples(command, ["propagit split webapp 74336bc=90 40548da=10"]).action(
    async (repo: string, shares: ShareArgument[], flags: SplitFlags) => {
      const params = { repo, shares, by: author(), ...environmentOf(flags) };
      const route = await withHub(flags, (hub) => hub.call("hub.split", params));
      if (flags.json) printJson(route);
      else print(formatRoute(route));
    },
  );
}
