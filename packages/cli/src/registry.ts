/**
 * The `registry` command line. Two spellings of the same: `registry show localhost:6000` and, as the
 * ancestor had it, `registry localhost:6000 show`; a port alone runs the registry.
 */
import { Command } from "commander";
import { examples } from "./examples.js";
import { finish } from "./program.js";
import { listenCommand } from "./registry-commands/listen.js";
import { queryCommand } from "./registry-commands/query.js";
import { registerCommand } from "./registry-commands/register.js";
import { showCommand } from "./registry-commands/show.js";
import { watchCommand } from "./registry-commands/watch.js";
import { version } from "./version.js";

export function registryProgram(): Command {
  const program = new Command("registry")
    .description("Knows which service of which commit listens where.")
    .version(version, "-V, --version", "print the version");
  for (const command of [
    listenCommand(),
    showCommand(),
    watchCommand(),
    queryCommand(),
    registerCommand(),
  ]) {
    program.addCommand(command);
  }
  return finish(
    examples(program, [
      "registry 6000 &",
      "registry show localhost:6000",
      "registry localhost:6000 query http@1.x",
      "registry register localhost:6000 api@1.2.3 -- node api.js",
    ]),
  );
}

const addressPattern = /^(?:\[[0-9A-Fa-f:.]+\]:|[A-Za-z0-9_.-]+:)?\d{1,5}$/;

/** Brings an address in front of the command behind it; an address alone means `listen`. */
export function normaliseRegistryArguments(args: readonly string[]): readonly string[] {
  const [first, second, ...rest] = args;
  if (first === undefined || !addressPattern.test(first)) return args;
  if (second === undefined || second.startsWith("-")) return ["listen", ...args];
  return [second, first, ...rest];
}
