import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { author } from "../author.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseShare } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRoute } from "../output/route.js";
import { showDryRun, withDryRunFlag, type ChangeOf, type DryRunFlags } from "../plans/dry-run.js";
import { environmentOf, withEnvironmentFlag, type EnvironmentFlags } from "../targets.js";

interface ShareArgument {
  readonly ref: string;
  readonly weight: number;
}

interface SplitFlags extends DryRunFlags, EnvironmentFlags {}

export function splitCommand(): Command {
  const command = withSplitWords(
    withHubFlags(
      new Command("split")
        .summary("divide the visitors of a repository between commits")
        .description(
          "Divides visitors between deployed commits or releases by weight. A visitor keeps the commit he was given while the split holds; raising a share moves only the new share.",
        ),
    ),
  ).option("--json", "print the route as JSON");
  return examples(withDryRunFlag(command), ["propagit split webapp 74336bc=90 40548da=10"]).action(
    async (repo: string, shares: ShareArgument[], flags: SplitFlags) => {
      const change = splitChange(repo, shares, flags);
      if (flags.dryRun) return showDryRun(change, flags);
      const { kind: _, ...asked } = change;
      const params = { ...asked, by: author() };
      const route = await withHub(flags, (hub) => hub.call("hub.split", params));
      if (flags.json) printJson(route);
      else print(formatRoute(route));
    },
  );
}

/** Who gets how much; `plan split` has the same words. */
export function withSplitWords(command: Command): Command {
  return withEnvironmentFlag(
    command
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument(
        "<commit=weight...>",
        "commits, or numbers of releases, and their weights",
        asRepeatedFlag(parseShare),
      ),
  );
}

export function splitChange(
  repo: string,
  shares: readonly ShareArgument[],
  flags: EnvironmentFlags,
): ChangeOf<"split"> {
  return { kind: "split", repo, shares: [...shares], ...environmentOf(flags) };
}
