import { parseRepoName, PropagitError } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseSetting, parseVariableName } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { configure, listCommand, withSettingsFlags } from "../settings.js";

export function envCommand(): Command {
  return withHubFlags(
    new Command("env")
      .summary("settings of a repository, as variables of its instances")
      .description(
        "Settings of a repository's environment: variables that its instances get. Each change is a new release. For passwords and keys see `propagit help secrets`.",
      ),
  )
    .addCommand(setCommand())
    .addCommand(unsetCommand("env"))
    .addCommand(listCommand("env"));
}

function setCommand(): Command {
  const command = withSettingsFlags(
    new Command("set")
      .summary("set variables")
      .description("Sets variables, and makes a release of the commit that is current with them.")
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<NAME=VALUE...>", "the variables", asRepeatedFlag(parseSetting)),
  );
  return examples(command, [
    "propagit env set webapp LOG=debug WORKERS=4",
    "propagit env set webapp -e staging --no-deploy URL=https://staging.example.com",
  ]).action(
    async (
      repo: string,
      variables: (readonly [string, string])[],
      _: unknown,
      command: Command,
    ) => {
      const set = variables.map(([name, value]) => ({ name, value, secret: false }));
      const names = set.map(({ name }) => name);
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      if (twice !== undefined) throw new PropagitError("BAD_USAGE", `${twice} is given twice`);
      await configure({ repo, set, unset: [] }, command.optsWithGlobals());
    },
  );
}

/** `env unset` and `secrets unset`: the hub keeps both in one place. */
export function unsetCommand(parent: "env" | "secrets"): Command {
  const command = withSettingsFlags(
    new Command("unset")
      .summary(parent === "env" ? "take variables away" : "take secrets away")
      .description("Takes them away, and makes a release of the commit that is current.")
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<NAME...>", "their names", asRepeatedFlag(parseVariableName)),
  );
  return examples(command, [`propagit ${parent} unset webapp TOKEN`]).action(
    async (repo: string, names: string[], _: unknown, command: Command) =>
      configure({ repo, set: [], unset: names }, command.optsWithGlobals()),
  );
}
