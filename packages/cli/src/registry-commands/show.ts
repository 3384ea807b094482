import { Command } from "commander";
import { examples } from "../examples.js";
import { withSecretFlags } from "../hub-call.js";
import { formatPortTable } from "../output/port-table.js";
import { print } from "../output/print.js";
import { findRegistry, withRegistry } from "../registry-call.js";
import type { SecretFlags } from "../secret.js";

export function showCommand(): Command {
  const command = withSecretFlags(
    new Command("show")
      .summary("print who listens where, by commit and service, as JSON")
      .description(
        "Prints { commit: { service: [ { host, port } ] } }; what has no commit is under `-`.",
      )
      .argument("[host:port]", "the registry (default: localhost:6000 or PROPAGIT_REGISTRY)"),
  );
  return examples(command, ["registry show localhost:6000", "registry localhost:6000 show"]).action(
    async (address: string | undefined, flags: SecretFlags) => {
      const { queryOver, showTable } = await import("@propagit/registry");
      const { endpoints, settled } = await withRegistry(findRegistry(address), flags, (registry) =>
        queryOver(registry, {}),
      );
      if (!settled && endpoints.length === 0) {
        process.stderr.write("the registry was just started; services may still be coming back\n");
      }
      print(formatPortTable(showTable(endpoints)));
    },
  );
}
