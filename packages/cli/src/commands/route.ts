import { readRuleChanges, readRuleName } from "@propagit/manifest";
import { parseRepoName, type Rules } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRouteView } from "../output/route-view.js";
import {
  changeSaid,
  fetchRoutes,
  rulesChange,
  withRuleFlags,
  withSightFlags,
  type RuleFlags,
  type TrafficFlags,
} from "../traffic-change.js";
import { addHostCommand, removeHostCommand } from "./route-hosts.js";

export function routeCommand(): Command {
  return withHubFlags(
    new Command("route")
      .summary("rules and host names of a repository, by hand")
      .description(
        "How visitors of a repository are treated, and by which names they come. What is said here holds over releases, and wins over the manifest rule by rule. All rules are in docs/manifest.md, examples in docs/traffic.md.",
      ),
  )
    .addCommand(showCommand())
    .addCommand(setCommand())
    .addCommand(unsetCommand())
    .addCommand(addHostCommand())
    .addCommand(removeHostCommand());
}

function showCommand(): Command {
  const command = withSightFlags(
    new Command("show")
      .summary("what holds, and who says so")
      .description(
        "Shows where visitors go, every rule with its origin, host names, experiments and shadows.",
      )
      .argument("[repo]", "the repository (default: all)", asFlag(parseRepoName)),
  );
  return examples(command, ["propagit route show webapp", "propagit route show --json"]).action(
    async (repo: string | undefined, _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<TrafficFlags>();
      const routes = await withHub(flags, (hub) => fetchRoutes(hub, repo, flags));
      if (flags.json) printJson(routes);
      else if (routes.length > 0) print(routes.map((view) => formatRouteView(view)).join("\n"));
      else print("no visitors are sent anywhere, and nothing is said by hand\n");
    },
  );
}

function setCommand(): Command {
  const command = withRuleFlags(
    new Command("set")
      .summary("set rules, written as in the manifest")
      .description(
        "Sets rules over what the manifest says: `rate=100/s`, `timeouts.head=30s`, `allow=10.0.0.0/8,192.0.2.7`. A rule is set as a whole. `KEY=off` takes away what the manifest says.",
      )
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<KEY=VALUE...>", "the rules"),
  );
  return examples(command, [
    "propagit route set webapp rate=100/s max-body=10MB https-only=true",
    "propagit route set webapp pins=true visitor.header=X-User",
    "propagit route set webapp retries=off",
  ]).action(async (repo: string, words: string[], _: unknown, self: Command) => {
    const { set, off } = readRuleChanges(words);
    await change(repo, { set, off: [...off], unset: [] }, self);
  });
}

function unsetCommand(): Command {
  const command = withRuleFlags(
    new Command("unset")
      .summary("go back to what the manifest says")
      .description("Takes back what was said by hand; the manifest counts again.")
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<KEY...>", "the rules", asRepeatedFlag(readAnyRuleName)),
  );
  return examples(command, ["propagit route unset webapp rate max-body"]).action(
    async (repo: string, names: (keyof Rules)[], _: unknown, self: Command) =>
      change(repo, { set: {}, off: [], unset: [...new Set(names)] }, self),
  );
}

/** Also those that have commands of their own. */
function readAnyRuleName(word: string): keyof Rules {
  return word === "pause" || word === "users" ? word : readRuleName(word);
}

type RuleChange = Parameters<typeof rulesChange>[2];

async function change(repo: string, rules: RuleChange, self: Command): Promise<void> {
  const flags = self.optsWithGlobals<RuleFlags>();
  await changeSaid(rulesChange(repo, flags, rules), flags, (view) =>
    formatRouteView(view).trimEnd(),
  );
}
