import { PropagitError } from "@propagit/protocol";
import { Command } from "commander";
import { daemonLog, hideSecret, keepRunning } from "../daemon.js";
import { examples } from "../examples.js";
import { asRepeatedFlag, parseLabelFlag } from "../flags.js";
import { credentialOf, withSecretFlags } from "../hub-call.js";
import { findRegistry } from "../registry-call.js";
import { findSecret, type SecretFlags } from "../secret.js";

interface RegisterFlags extends SecretFlags {
  readonly meta?: readonly (readonly [string, string])[];
  readonly host?: string;
}

export function registerCommand(): Command {
  const command = withSecretFlags(
    new Command("register")
      .summary("run a command on a free port and keep it registered")
      .description(
        "Chooses a free port, registers NAME@VERSION there and runs the command with the port as $PORT and as last argument; restarts it 1 s after it exits.",
      )
      .argument("<words...>", "[host:port] NAME@VERSION, then the command after `--`")
      .usage("[options] [host:port] NAME@VERSION -- <command...>"),
  )
    .option("--host <address>", "address to publish (default: as the registry sees it)")
    .option("--meta <key=value>", "metadata; may be repeated", asRepeatedFlag(parseLabelFlag));
  return examples(command, ["registry register localhost:6000 api@1.2.3 -- node api.js"]).action(
    register,
  );
}

async function register(words: string[], flags: RegisterFlags, command: Command): Promise<void> {
  const { address, service, run } = divide(words, commandStart(command));
  hideSecret(`registry register ${service} -- ${run.join(" ")}`);
  const secret = findSecret(flags);
  const { runRegistered } = await import("@propagit/registry");
  const running = await runRegistered({
    address: findRegistry(address),
    credential: credentialOf(secret),
    service,
    command: run,
    meta: Object.fromEntries(flags.meta ?? []),
    log: daemonLog("registry"),
    ...(flags.host !== undefined && { host: flags.host }),
  });
  await keepRunning(running);
}

/** How many words stand before `--`; commander itself does not tell. */
function commandStart(command: Command): number {
  const raw = (command.parent as { readonly rawArgs?: readonly string[] } | null)?.rawArgs ?? [];
  const at = raw.indexOf("--");
  return at < 0 ? 0 : raw.length - at - 1;
}

function divide(
  words: readonly string[],
  commandLength: number,
): {
  readonly address: string | undefined;
  readonly service: string;
  readonly run: readonly string[];
} {
  const before = words.slice(0, words.length - commandLength);
  const run = words.slice(words.length - commandLength);
  const [service, address, ...rest] = [...before].reverse();
  if (service === undefined || rest.length > 0 || run.length === 0) {
    throw new PropagitError("BAD_USAGE", "register takes a service and a command", {
      hint: "write it like: registry register localhost:6000 api@1.2.3 -- node api.js",
    });
  }
  return { address, service, run };
}
