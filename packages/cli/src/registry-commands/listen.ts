import { formatAddress, type Address } from "@propagit/protocol";
import { Command } from "commander";
import { daemonLog, hideSecret, keepRunning } from "../daemon.js";
import { examples } from "../examples.js";
import { asFlag, parsePort } from "../flags.js";
import { withSecretFlags } from "../hub-call.js";
import { findSecret, type SecretFlags } from "../secret.js";

interface ListenFlags extends SecretFlags {
  readonly host?: string;
  readonly data?: string;
}

export function listenCommand(): Command {
  const command = withSecretFlags(
    new Command("listen")
      .summary("run a registry (the same as: registry PORT)")
      .description(
        "Runs a registry. Without a secret it listens on loopback only, unless --host says otherwise; with one, only those who know it read and write.",
      )
      .argument("<port>", "port to listen on", asFlag(parsePort)),
  )
    .option("--host <address>", "address to listen on (default: all, or loopback without a secret)")
    .option("--data <folder>", "keep leases here, so that a restart does not end them");
  return examples(command, [
    "registry 6000",
    "registry 6000 --secret=beepboop --data=/var/lib/registry",
  ]).action(listen);
}

async function listen(port: number, flags: ListenFlags): Promise<void> {
  hideSecret(`registry ${port}`);
  const secret = findSecret(flags);
  const log = daemonLog("registry");
  const { serveRegistry } = await import("@propagit/registry");
  const registry = await serveRegistry({
    port,
    log,
    ...(secret !== undefined && { secret }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.data !== undefined && { dataFolder: flags.data }),
  });
  log.info(`listening on ${where(registry.address, flags, secret)}`);
  await keepRunning(registry);
}

/** Who can reach it, and whether that is enough: a secret may have come from the environment unnoticed. */
function where(address: Address, flags: ListenFlags, secret: string | undefined): string {
  const place =
    flags.host === undefined && secret !== undefined
      ? `port ${address.port} of all addresses`
      : formatAddress(address);
  return `${place}, ${secret === undefined ? "open to everybody there" : "for those with the secret"}`;
}
