import { formatAddress, shortCommit, type Endpoint, type EndpointUpdate } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withSecretFlags } from "../hub-call.js";
import { badColour, dimColour, goodColour } from "../output/colour.js";
import { formatMoment } from "../output/duration.js";
import { print, printJsonLine } from "../output/print.js";
import { findRegistry, withRegistry } from "../registry-call.js";
import type { SecretFlags } from "../secret.js";

interface WatchFlags extends SecretFlags {
  readonly json?: boolean;
}

export function watchCommand(): Command {
  const command = withSecretFlags(
    new Command("watch")
      .summary("print every change as it happens, until ^C")
      .description("Prints what is there, then a line for every service that comes or goes.")
      .argument("[host:port]", "the registry (default: localhost:6000 or PROPAGIT_REGISTRY)"),
  ).option("--json", "print one update a line as JSON");
  return examples(command, ["registry watch localhost:6000"]).action(
    async (address: string | undefined, flags: WatchFlags) => {
      const onPart = flags.json ? printJsonLine : (update: EndpointUpdate) => print(format(update));
      await withRegistry(findRegistry(address), flags, (registry) =>
        registry.call("registry.watch", {}, { limitMs: 0, onPart }),
      );
    },
  );
}

function format(update: EndpointUpdate): string {
  const at = dimColour(formatMoment(Date.now()));
  switch (update.kind) {
    case "snapshot":
      return update.endpoints
        .map((endpoint) => `${at}  ${goodColour("is up")}  ${describe(endpoint)}\n`)
        .join("");
    case "up":
      return `${at}  ${goodColour("up   ")}  ${describe(update.endpoint)}\n`;
    case "down":
      return `${at}  ${badColour("down ")}  ${describe(update.endpoint)} (${update.reason})\n`;
    case "settled":
      return `${at}  everybody who was there had time to come back\n`;
    default:
      return update satisfies never;
  }
}

function describe({ service, version, commit, host, port }: Endpoint): string {
  const of = commit === undefined ? "" : ` of ${shortCommit(commit)}`;
  return `${service}@${version}${of} at ${formatAddress({ host, port })}`;
}
