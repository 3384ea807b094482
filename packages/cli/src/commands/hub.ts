import { formatAddress, type Address } from "@propagit/protocol";
import { Command } from "commander";
import { daemonLog, hideSecret, keepRunning } from "../daemon.js";
import { examples } from "../examples.js";
import { asFlag, parseAddressFlag, parsePort, parseSeconds } from "../flags.js";
import { dataFolderOf } from "../folders.js";
import { withSecretFlags } from "../hub-call.js";
import { metricsOf, withMetricsFlags, type MetricsFlags } from "../metrics-flags.js";
import { findSecret, type SecretFlags } from "../secret.js";
import { version } from "../version.js";
import { parseRate } from "../swarm-flags.js";

interface HubDaemonFlags extends SecretFlags, MetricsFlags {
  readonly port: number;
  readonly gitPort?: number;
  readonly host?: string;
  readonly registry?: Address;
  readonly openRegistry?: boolean;
  readonly openPush?: boolean;
  /** In ms. */
  readonly droneTimeout?: number;
  readonly planCommands?: boolean;
  readonly proxyUrl?: string;
  /** In bytes per second. */
  readonly swarmUpload?: number;
  readonly data?: string;
}

export function hubCommand(): Command {
  const command = new Command("hub")
    .summary("run the hub: takes pushes and commands, tells the drones")
    .description(
      "Runs the hub. Git is served on its port and on the port after it; the registry is served on its port too, unless --registry names another one. Without a secret it makes one and keeps it in its data folder.",
    )
    .option("--port <port>", "port for drones, commands and git", asFlag(parsePort), 6001)
    .option("--git-port <port>", "second port for git (default: port + 1)", asFlag(parsePort))
    .option("--host <address>", "address to listen on (default: all)")
    .option(
      "--registry <host:port>",
      "use this registry instead of an own one",
      asFlag(parseAddressFlag),
    )
    .option("--open-registry", "accept a --registry without a secret on another machine")
    .option("--open-push", "let anybody push, without the secret")
    .option("--plan-commands", "let plans run programs as this user, here and on hosts by ssh")
    .option(
      "--drone-timeout <seconds>",
      "how long a drone may be gone before its work is moved (default: 30)",
      asFlag(parseSeconds),
    )
    .option(
      "--proxy-url <url>",
      "where visitors find the proxies, for the URLs that are shown: http://example.com:8080",
    )
    .option(
      "--swarm-upload <bytes>",
      "at most so much of artifacts to drones per second, as 10MB",
      asFlag(parseRate),
    )
    .option("--data <folder>", "data folder (default: ~/.propagit/hub-PORT)");
  return examples(withSecretFlags(withMetricsFlags(command)), [
    "propagit hub --port=6001 --secret=beepboop",
    "propagit hub --port=6001 --registry=localhost:6000 --secret-file=/etc/propagit/secret",
  ]).action(runHub);
}

async function runHub(flags: HubDaemonFlags): Promise<void> {
  hideSecret(`propagit hub --port=${flags.port}`);
  const secret = findSecret(flags);
  const { metrics } = metricsOf(flags);
  const log = daemonLog("hub");
  const { startHub } = await import("@propagit/hub");
  const hub = await startHub({
    port: flags.port,
    dataFolder: flags.data ?? dataFolderOf(`hub-${flags.port}`),
    log,
    ...(flags.gitPort !== undefined && { gitPort: flags.gitPort }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(secret !== undefined && { secret }),
    ...(flags.registry && { registry: flags.registry }),
    ...(flags.openRegistry && { openRegistry: true }),
    ...(flags.openPush && { openPush: true }),
    ...(flags.planCommands && { planCommands: true }),
    ...(flags.droneTimeout !== undefined && { droneTimeoutMs: flags.droneTimeout }),
    ...(flags.proxyUrl !== undefined && { proxyUrl: flags.proxyUrl }),
    ...(flags.swarmUpload !== undefined && { swarmUploadBytesPerSecond: flags.swarmUpload }),
    ...(metrics && { metrics: { ...metrics, version } }),
  });
  const registry = flags.registry ? formatAddress(flags.registry) : "on the same port";
  log.info(`listening on ${hub.port}, git also on ${hub.gitPort}, registry ${registry}`);
  await keepRunning(hub);
}
