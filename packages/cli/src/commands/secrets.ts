import { parseRepoName } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { asFlag, parseVariableName } from "../flags.js";
import { withHubFlags } from "../hub-call.js";
import { readSecretValue } from "../secret-value.js";
import { configure, listCommand, withSettingsFlags, type SettingsFlags } from "../settings.js";
import { unsetCommand } from "./env.js";

export function secretsCommand(): Command {
  return withHubFlags(
    new Command("secrets")
      .summary("passwords and keys that only the instances get")
      .description(
        "Secrets of a repository's environment: variables whose values are hidden at rest and told to nobody but the instances. Each change is a new release.",
      ),
  )
    .addCommand(setCommand())
    .addCommand(unsetCommand("secrets"))
    .addCommand(listCommand("secrets"));
}

function setCommand(): Command {
  const command = withSettingsFlags(
    new Command("set")
      .summary("set a secret, from standard input or a file")
      .description(
        "Sets a secret, and makes a release of the commit that is current with it. The value comes from standard input or a file, never from the command line, which everybody on the machine can read; on a terminal it is asked for. One line end at its end is left out.",
      )
      .argument("<repo>", "the repository", asFlag(parseRepoName))
      .argument("<NAME>", "its name", asFlag(parseVariableName))
      .option("--file <path>", "file with the value"),
  );
  return examples(command, [
    "propagit secrets set webapp DATABASE_URL <database.url",
    "propagit secrets set webapp TLS_KEY --file=key.pem --no-deploy",
  ]).action(async (repo: string, name: string, _: unknown, command: Command) => {
    const flags = command.optsWithGlobals<SettingsFlags & { readonly file?: string }>();
    const value = await readSecretValue(name, flags.file);
    await configure({ repo, set: [{ name, value, secret: true }], unset: [] }, flags);
  });
}
