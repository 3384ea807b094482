import { readRuleChanges, readRuleName } from "@propagit/manifest";
import { parseRepoName, type RouteView, type Rules } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag } from "../flags.js";
import { withHub, withHubFlags } from "../hub-call.js";
import { print, printJson } from "../output/print.js";
import { formatRouteView } from "../output/route-view.js";
import type { ChangeOf } from "../plans/dry-run.js";
import type { EnvironmentFlags } from "../targets.js";
import {
  changeSaid,
  fetchRoutes,
  rulesChange,
  withRuleFlags,
  withSightFlags,
  type RuleFlags,
  type TrafficFlags,
} from "../traffic-change.js";
import { withRepoWord } from "./pause.js";
import { addHostCommand, removeHostCommand } from "./route-hosts.js";

type RuleName = keyof Rules;

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
  const command = withSetWords(
    withRuleFlags(
      new Command("set")
        .summary("set rules, written as in the manifest")
        .description(
          "Sets rules over what the manifest says: `rate=100/s`, `timeouts.head=30s`, `allow=10.0.0.0/8,192.0.2.7`. A rule is set as a whole. `KEY=off` takes away what the manifest says.",
        ),
    ),
  );
  return examples(command, [
    "propagit route set webapp rate=100/s max-body=10MB https-only=true",
    "propagit route set webapp pins=true visitor.header=X-User",
    "propagit route set webapp retries=off",
  ]).action(async (repo: string, words: string[], _: unknown, self: Command) => {
    const flags = self.optsWithGlobals<RuleFlags>();
    await changeSaid(setChange(repo, words, flags), flags, wholeRoute);
  });
}

function unsetCommand(): Command {
  const command = withUnsetWords(
    withRuleFlags(
      new Command("unset")
        .summary("go back to what the manifest says")
        .description("Takes back what was said by hand; the manifest counts again."),
    ),
  );
  return examples(command, ["propagit route unset webapp rate max-body"]).action(
    async (repo: string, names: RuleName[], _: unknown, self: Command) => {
      const flags = self.optsWithGlobals<RuleFlags>();
      await changeSaid(unsetChange(repo, names, flags), flags, wholeRoute);
    },
  );
}

/** Which rules; `plan route set` has the same words. */
export function withSetWords(command: Command): Command {
  return withRepoWord(command).argument("<KEY=VALUE...>", "the rules");
}

export function setChange(
  repo: string,
  words: readonly string[],
  flags: EnvironmentFlags,
): ChangeOf<"rules"> {
  const { set, off } = readRuleChanges(words);
  return rulesChange(repo, flags, { set, off: [...off] });
}

/** Which rules; `plan route unset` has the same words. */
export function withUnsetWords(command: Command): Command {
  return withRepoWord(command).argument(
    "<KEY...>",
    "the rules",
    asRepeatedFlag((word: string): RuleName =>
      // Also those that have commands of their own.
      word === "pause" || word === "users" ? word : readRuleName(word),
    ),
  );
}

export function unsetChange(
  repo: string,
  names: readonly RuleName[],
  flags: EnvironmentFlags,
): ChangeOf<"rules"> {
  return rulesChange(repo, flags, { unset: [...new Set(names)] });
}

function wholeRoute(view: RouteView): string {
  return formatRouteView(view).trimEnd();
}
