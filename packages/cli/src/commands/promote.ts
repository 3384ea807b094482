import { Command } from "commander";
import { examples } from "../examples.js";
import { withHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRoute } from "../output/route.js";

export function promoteCommand(): Command {
  const command = withHubFlags(
    new Command("promote")
      .summary("send all visitors of a repository to one commit")
      .description("Sends all visitors to a commit that is deployed; others keep running.")
      .argument("<repo>", "the repository")
      .argument("<commit>", "full hash, unique prefix, branch or tag"),
  ).option("--json", "print the route as JSON");
  return examples(command, ["propagit promote webapp 40548da"]).action(
    async (repo: string, ref: string, flags: HubFlags & { readonly json?: boolean }) => {
      const route = await withHub(flags, (hub) => hub.call("hub.promote", { repo, ref }));
      if (flags.json) printJson(route);
      else print(formatRoute(route));
    },
  );
}
