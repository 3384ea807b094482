import { Command } from "commander";
import { examples } from "../examples.js";
import { withConfigFlags, type SourceFlags } from "../plans/source-flags.js";

export function configCommand(): Command {
  const command = new Command("config")
    .summary("check and show the configuration that plans are made of")
    .description(
      "Checks and shows the configuration that generators make plans of: files, laid over by PROPAGIT_CONFIG_… variables, laid over by flags.",
    );
  command.addCommand(verifyCommand());
  command.addCommand(showCommand());
  return examples(command, [verifyExample, showExample]);
}

const verifyExample = "propagit config verify --config staging.yaml";
const showExample = "propagit config show -e production --set service.web.port=8080";

function verifyCommand(): Command {
  const command = withConfigFlags(
    new Command("verify")
      .summary("whether a configuration is right")
      .description(
        "Checks a configuration against what its generator takes, and tells all that is wrong, with its place.",
      ),
  );
  return examples(command, [verifyExample]).action(async (flags: SourceFlags) => {
    const { verifyConfig } = await import("../plans/show-config.js");
    await verifyConfig(flags);
  });
}

function showCommand(): Command {
  const command = withConfigFlags(
    new Command("show")
      .summary("the merged configuration, and where each value comes from")
      .description(
        "Prints the merged configuration with every default, and where each value was written.",
      ),
  ).option("--json", "print it as JSON");
  return examples(command, [showExample]).action(
    async (flags: SourceFlags & { readonly json?: boolean }) => {
      const { showConfig } = await import("../plans/show-config.js");
      await showConfig(flags);
    },
  );
}
