import { formatAddress, parseLabel } from "@propagit/protocol";
import type { PortRange } from "@propagit/runtime";
import { Command } from "commander";
import { daemonLog, hideSecret, keepRunning } from "../daemon.js";
import { examples } from "../examples.js";
import { asFlag, asRepeatedFlag, parseLabelFlag, parsePort, parsePortRange } from "../flags.js";
import { dataFolderOf } from "../folders.js";
import { findHub, findHubSecret, withHubFlags, type HubFlags } from "../hub-call.js";
import { swarmOf, withSwarmFlags, type SwarmFlags } from "../swarm-flags.js";

interface RelayFlags extends HubFlags, SwarmFlags {
  readonly zone: string;
  readonly port: number;
  readonly name?: string;
  readonly label?: readonly (readonly [string, string])[];
  readonly host?: string;
  readonly portRange?: PortRange;
  /** False with `--no-instances`. */
  readonly instances: boolean;
  readonly data?: string;
}

export function relayCommand(): Command {
  const command = withHubFlags(
    new Command("relay")
      .summary("run a relay: a drone that the drones of its zone connect to as to a hub")
      .description(
        "Runs a relay: a drone with a port where drones, commands, proxies and git reach the hub through it, over the one connection that it has itself. Drones with the same label zone=… find it by themselves, share its artifacts, and go another way when it is gone; others may name it with --hub. It sees nothing of what it carries: drones and hub prove themselves to each other. Relays nest: --hub may name another relay. Like any drone it runs what is placed on it, unless --no-instances is given.",
      ),
  )
    .requiredOption("--zone <name>", "the zone that it serves: the label zone=… of its drones")
    .option("--port <port>", "port for the drones of the zone", asFlag(parsePort), 6001)
    .option("--host <address>", "address to publish (default: the one that leads to the hub)")
    .option("--name <name>", "name of the relay (default: host name; a clash gets -1)")
    .option(
      "--label <key=value>",
      "label of the relay; may be repeated",
      asRepeatedFlag(parseLabelFlag),
    )
    .option("--no-instances", "run nothing here, only carry")
    .option("--port-range <low-high>", "ports for instances (10000-65000)", asFlag(parsePortRange));
  const withSwarm = withSwarmFlags(command).option(
    "--data <folder>",
    "data folder (default: ~/.propagit/relay-PORT)",
  );
  return examples(withSwarm, [
    "propagit relay --hub=hub:6001 --zone=b --secret-file=/etc/propagit/secret",
    "propagit relay --hub=relay-b:6001 --zone=b2 --port=6101 --no-instances",
  ]).action(runRelay);
}

async function runRelay(flags: RelayFlags): Promise<void> {
  const hub = findHub(flags);
  hideSecret(`propagit relay --hub=${formatAddress(hub)} --zone=${flags.zone}`);
  const zone = parseLabel(`zone=${flags.zone}`).value;
  const secret = findHubSecret(flags);
  const { startDrone } = await import("@propagit/drone");
  const relay = await startDrone({
    hub,
    labels: { ...Object.fromEntries(flags.label ?? []), zone },
    relay: { port: flags.port, carriesOnly: !flags.instances },
    swarm: swarmOf(flags),
    dataFolder: flags.data ?? dataFolderOf(`relay-${flags.port}`),
    log: daemonLog("relay"),
    ...(secret !== undefined && { secret }),
    ...(flags.name !== undefined && { name: flags.name }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.portRange && { portRange: flags.portRange }),
  });
  await keepRunning({
    ended: relay.ended,
    stop: (signal) => relay.stop({ instances: signal === "SIGTERM" ? "keep" : "stop" }),
  });
}
