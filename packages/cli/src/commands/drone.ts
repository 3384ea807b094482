import { formatAddress, PropagitError } from "@propagit/protocol";
import type { PortRange } from "@propagit/runtime";
import { Command } from "commander";
import { daemonLog, hideSecret, keepRunning } from "../daemon.js";
import { examples } from "../examples.js";
import {
  asFlag,
  asRepeatedFlag,
  parseLabelFlag,
  parsePortRange,
  parseSeconds,
  parseVariable,
} from "../flags.js";
import { findHub, withHubFlags, type HubFlags } from "../hub-call.js";
import { findSecret } from "../secret.js";

interface DroneFlags extends HubFlags {
  readonly name?: string;
  readonly service?: string;
  readonly label?: readonly (readonly [string, string])[];
  readonly env?: readonly (readonly [string, string])[];
  readonly host?: string;
  readonly portRange?: PortRange;
  readonly worker?: boolean;
  readonly readyTimeout?: number;
  readonly stopTimeout?: number;
  readonly data?: string;
}

export function droneCommand(): Command {
  const command = withHubFlags(
    new Command("drone")
      .summary("run a drone: runs a command in every deployed commit")
      .description(
        "Runs a drone: for every deployed commit it checks the commit out and runs the command in it, with PORT, HOST, REPO, COMMIT, SERVICE, DRONE_ID, PROCESS_ID and REGISTRY set and next to nothing of its own environment. When the command listens on PORT it is registered under the service's name.",
      )
      .argument("[command...]", "the command to run, after `--`")
      .usage("[options] -- <command...>"),
  )
    .option("--name <name>", "name of the drone (default: host name; a clash gets -1)")
    .option("--service <name>", "name of what it runs (default: the script's file name)")
    .option(
      "--label <key=value>",
      "label of the drone; may be repeated",
      asRepeatedFlag(parseLabelFlag),
    )
    .option(
      "--env <NAME=VALUE>",
      "variable for the command; may be repeated",
      asRepeatedFlag(parseVariable),
    )
    .option("--host <address>", "address to publish (default: as the registry sees it)")
    .option("--port-range <low-high>", "ports to give (10000-65000)", asFlag(parsePortRange))
    .option("--worker", "the command never listens: ready once it stays up")
    .option("--ready-timeout <seconds>", "until it must listen (30)", asFlag(parseSeconds))
    .option("--stop-timeout <seconds>", "from SIGTERM to SIGKILL (10)", asFlag(parseSeconds))
    .option("--data <folder>", "data folder (default: ~/.propagit/drone-SERVICE)");
  return examples(command, [
    "propagit drone --hub=localhost:6001 --secret=beepboop -- node web.js",
    "propagit drone --hub=hub:6001 --label role=web --env LOG=debug --service api -- npm start",
  ]).action(runDrone);
}

async function runDrone(words: string[], flags: DroneFlags): Promise<void> {
  if (words.length === 0) {
    throw new PropagitError("BAD_USAGE", "a drone needs a command to run", {
      hint: "add it after `--`: propagit drone --hub=localhost:6001 -- node web.js",
    });
  }
  const hub = findHub(flags);
  hideSecret(`propagit drone --hub=${formatAddress(hub)} -- ${words.join(" ")}`);
  const secret = findSecret(flags);
  const { startDrone } = await import("@propagit/drone");
  const drone = await startDrone({
    hub,
    command: words,
    labels: Object.fromEntries(flags.label ?? []),
    env: Object.fromEntries(flags.env ?? []),
    log: daemonLog("drone"),
    ...(secret !== undefined && { secret }),
    ...(flags.name !== undefined && { name: flags.name }),
    ...(flags.service !== undefined && { service: flags.service }),
    ...(flags.host !== undefined && { host: flags.host }),
    ...(flags.portRange && { portRange: flags.portRange }),
    ...(flags.worker && { worker: true }),
    ...(flags.readyTimeout !== undefined && { readyTimeoutMs: flags.readyTimeout }),
    ...(flags.stopTimeout !== undefined && { stopTimeoutMs: flags.stopTimeout }),
    ...(flags.data !== undefined && { dataFolder: flags.data }),
  });
  await keepRunning(drone);
}
