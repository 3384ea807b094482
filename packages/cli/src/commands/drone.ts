import { formatAddress, PropagitError, quote } from "@propagit/protocol";
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
import { findHub, findHubSecret, withHubFlags, type HubFlags } from "../hub-call.js";
import { swarmOf, withSwarmFlags, withSwarmPortFlag, type SwarmFlags } from "../swarm-flags.js";

interface DroneFlags extends HubFlags, SwarmFlags {
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
  readonly onExit?: OnExit;
}

/** What becomes of the instances when the drone ends. */
type OnExit = "keep" | "stop";

export function droneCommand(): Command {
  const command = withHubFlags(
    new Command("drone")
      .summary("run a drone: runs what is deployed, on this machine")
      .description(
        "Runs a drone: it checks out what is deployed and runs the services that the repository's propagit.yaml (or Procfile, or package.json) says, as many as the hub places here. With a command after `--` it runs that instead, once for every deployment. Either way with PORT, HOST, REPO, COMMIT, RELEASE, ENVIRONMENT, SERVICE, DRONE_ID, PROCESS_ID and REGISTRY set and next to nothing of its own environment; what listens on its port is registered under the service's name. Ended by SIGTERM the drone leaves its instances running for its next life, ended by ^C it ends them.",
      )
      .argument("[command...]", "a command to run instead of what repositories say, after `--`")
      .usage("[options] [-- <command...>]"),
  )
    .option("--name <name>", "name of the drone (default: host name; a clash gets -1)")
    .option("--service <name>", "name of what the command is (default: the script's file name)")
    .option(
      "--label <key=value>",
      "label of the drone; may be repeated",
      asRepeatedFlag(parseLabelFlag),
    )
    .option(
      "--env <NAME=VALUE>",
      "variable for all instances; may be repeated",
      asRepeatedFlag(parseVariable),
    )
    .option("--host <address>", "address to publish (default: as the registry sees it)")
    .option("--port-range <low-high>", "ports to give (10000-65000)", asFlag(parsePortRange))
    .option("--worker", "the command never listens: ready once it stays up")
    .option("--ready-timeout <seconds>", "until it must listen (30)", asFlag(parseSeconds))
    .option("--stop-timeout <seconds>", "from SIGTERM to SIGKILL (10)", asFlag(parseSeconds))
    .option(
      "--on-exit <what>",
      "keep or stop the instances when the drone ends (keep; stop on ^C)",
      asFlag(parseOnExit),
    );
  const withSwarm = withSwarmFlags(withSwarmPortFlag(command)).option(
    "--data <folder>",
    "data folder (default: ~/.propagit/drone, or drone-SERVICE)",
  );
  return examples(withSwarm, [
    "propagit drone --hub=hub:6001 --secret=beepboop --label role=web",
    "propagit drone --hub=localhost:6001 --secret=beepboop -- node web.js",
    "propagit drone --hub=hub:6001 --label role=web --env LOG=debug --service api -- npm start",
  ]).action(runDrone);
}

async function runDrone(words: string[], flags: DroneFlags): Promise<void> {
  const hub = findHub(flags);
  const title = `propagit drone --hub=${formatAddress(hub)}`;
  hideSecret(words.length === 0 ? title : `${title} -- ${words.join(" ")}`);
  const secret = findHubSecret(flags);
  const { startDrone } = await import("@propagit/drone");
  const drone = await startDrone({
    hub,
    ...(words.length > 0 && { command: words }),
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
    swarm: swarmOf(flags),
  });
  await keepRunning({
    ended: drone.ended,
    stop: (signal) =>
      drone.stop({ instances: flags.onExit ?? (signal === "SIGTERM" ? "keep" : "stop") }),
  });
}

function parseOnExit(text: string): OnExit {
  if (text === "keep" || text === "stop") return text;
  throw new PropagitError("BAD_USAGE", `--on-exit ${quote(text)} is not possible`, {
    hint: "write --on-exit=keep or --on-exit=stop",
  });
}
