import { formatAddress } from "@propagit/protocol";
import { Command } from "commander";
import { daemonLog, hideSecret, keepRunning } from "../daemon.js";
import { examples } from "../examples.js";
import { asFlag, parsePort, parseSeconds } from "../flags.js";
import { dataFolderOf } from "../folders.js";
import { findHub, findHubSecret, withHubFlags, type HubFlags } from "../hub-call.js";

interface ProxyFlags extends HubFlags {
  readonly port: number;
  readonly host?: string;
  readonly domain?: string;
  readonly service?: string;
  readonly timeout?: number;
  readonly data?: string;
}

export function proxyCommand(): Command {
  const command = withHubFlags(
    new Command("proxy")
      .summary("run a proxy: one listener in front of all versions")
      .description(
        "Runs a proxy. `REPO.anything` goes where the repository's route says, `COMMIT--REPO.anything` to that commit. It keeps its last good table when hub or registry are away.",
      ),
  )
    .option("--port <port>", "port for visitors", asFlag(parsePort), 8000)
    .option("--host <address>", "address to listen on (default: all)")
    .option("--domain <domain>", "take host names below this domain only")
    .option("--service <name>", "service to send visitors to (default: http, web, or the only one)")
    .option("--timeout <seconds>", "longest wait for an answer's head (60)", asFlag(parseSeconds))
    .option("--data <folder>", "data folder (default: ~/.propagit/proxy-PORT)");
  return examples(command, [
    "propagit proxy --hub=localhost:6001 --secret=beepboop --port=8000",
    "curl -H 'Host: webapp.localhost' localhost:8000",
  ]).action(runProxy);
}

async function runProxy(flags: ProxyFlags): Promise<void> {
  const hub = findHub(flags);
  hideSecret(`propagit proxy --hub=${formatAddress(hub)} --port=${flags.port}`);
  const secret = findHubSecret(flags);
  const log = daemonLog("proxy");
  const { startProxy } = await import("@propagit/proxy");
  const proxy = await startProxy({
    hub,
    port: flags.port,
    dataFolder: flags.data ?? dataFolderOf(`proxy-${flags.port}`),
    log,
    ...(secret !== undefined && { secret }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.domain !== undefined && { domain: flags.domain }),
    ...(flags.service !== undefined && { service: flags.service }),
    ...(flags.timeout !== undefined && { timeoutMs: flags.timeout }),
  });
  log.info(`listening on ${proxy.port}`);
  await keepRunning(proxy);
}
