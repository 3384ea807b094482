/** Flags of how a daemon takes part in the swarm, the same for drones and relays. */
import { PropagitError } from "@propagit/protocol";
import { Option, type Command } from "commander";
import { asFlag, parsePort } from "./flags.js";
import { parseBytes } from "./proxy-flags.js";

export interface SwarmFlags {
  /** False with `--no-swarm`. */
  readonly swarm: boolean;
  /** Only of a drone: others get pieces from a relay at the port that it has anyway. */
  readonly swarmPort?: number;
  /** In bytes per second. */
  readonly swarmUpload?: number;
  /** In bytes per second. */
  readonly swarmDownload?: number;
}

export function withSwarmPortFlag(command: Command): Command {
  return command.option(
    "--swarm-port <port>",
    "port where other drones get commits from this one (any free one)",
    asFlag(parsePort),
  );
}

export function withSwarmFlags(command: Command): Command {
  const isOff = new Option(
    "--no-swarm",
    "fetch everything from the hub with git, and serve no other drone",
  ).conflicts(["swarmPort", "swarmUpload", "swarmDownload"]);
  return command
    .option(
      "--swarm-upload <bytes>",
      "at most so much to other drones per second, as 10MB",
      asFlag(parseRate),
    )
    .option(
      "--swarm-download <bytes>",
      "at most so much from hub and other drones per second, as 10MB",
      asFlag(parseRate),
    )
    .addOption(isOff);
}

/** As a drone is started with it. */
export function swarmOf({ swarm, swarmPort, swarmUpload, swarmDownload }: SwarmFlags) {
  if (!swarm) return false;
  return {
    ...(swarmPort !== undefined && { port: swarmPort }),
    ...(swarmUpload !== undefined && { sendBytesPerSecondMax: swarmUpload }),
    ...(swarmDownload !== undefined && { receiveBytesPerSecondMax: swarmDownload }),
  };
}

/** Slower than this a piece takes minutes. A guess, and the least that a drone takes. */
const rateMin = 10_000;

/** Bytes per second: `10MB`, `500KiB`. */
export function parseRate(text: string): number {
  const rate = parseBytes(text);
  if (rate >= rateMin) return rate;
  throw new PropagitError("BAD_USAGE", `${text} per second is too little for pieces of commits`, {
    hint: "give at least 10KB; with --no-swarm a drone takes no part in it at all",
  });
}
