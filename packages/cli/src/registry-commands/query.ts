import { PropagitError } from "@propagit/protocol";
import { Command } from "commander";
import { examples } from "../examples.js";
import { withSecretFlags } from "../hub-call.js";
import { printJson } from "../output/print.js";
import { findRegistry, withRegistry } from "../registry-call.js";
import type { SecretFlags } from "../secret.js";

interface QueryFlags extends SecretFlags {
  readonly commit?: string;
}

export function queryCommand(): Command {
  const command = withSecretFlags(
    new Command("query")
      .summary("print the records that fit NAME or NAME@RANGE, as JSON")
      .description("Prints the records whose name and version fit; ranges are semver's.")
      .argument("<words...>", "[host:port] and the pattern"),
  ).option("--commit <prefix>", "only of this commit");
  return examples(command, [
    "registry query localhost:6000 http@^1.2",
    "registry query http --commit 74336bc",
  ]).action(query);
}

async function query(words: string[], flags: QueryFlags): Promise<void> {
  const [pattern, address, ...rest] = [...words].reverse();
  if (pattern === undefined || rest.length > 0) {
    throw new PropagitError("BAD_USAGE", `query takes one pattern, not ${words.join(" ")}`, {
      hint: "write it like: registry query localhost:6000 http@^1.2",
    });
  }
  const { queryOver } = await import("@propagit/registry");
  const { endpoints } = await withRegistry(findRegistry(address), flags, (registry) =>
    queryOver(registry, {
      service: pattern,
      ...(flags.commit !== undefined && { commit: flags.commit }),
    }),
  );
  printJson(endpoints);
}
