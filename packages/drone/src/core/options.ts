/** What a drone is started with: checked, and completed with defaults. */
import {
  parseDroneName,
  parseLabel,
  parseServiceName,
  PropagitError,
  type Address,
} from "@propagit/protocol";
import { portRangeDefault, type Log, type PortRange } from "@propagit/runtime";
import { checkExtra, type Environment } from "./environment.js";
import { asName, serviceNameOf } from "./service-name.js";

export interface DroneOptions {
  /** The hub to serve. */
  readonly hub: Address;
  /** The secret it shares with the hub; without one only a hub that has none is followed. */
  readonly secret?: string;
  /** What runs for every deployment, whatever its repository says; default: what the repository says. */
  readonly command?: readonly string[];
  /** Name of what the command is; default: the script's file name (`node web.js` is `web`). */
  readonly service?: string;
  /** Wanted name; default: the host name. The hub appends `-1`, `-2`, … when it is taken. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Address to publish; default: the one of this machine that leads to the hub. */
  readonly host?: string;
  /** Ports for instances, both ends included; default 10000–65000. */
  readonly portRange?: PortRange;
  /** Default: `~/.propagit/drone-<service>` (without a command `drone`), with `-2`, `-3`, … when another drone works there. */
  readonly dataFolder?: string;
  /** Variables for every instance, over everything else. */
  readonly env?: Environment;
  /** The command never listens: ready when it has lived for 1 s. Default false. */
  readonly worker?: boolean;
  /** From the start of the command until it must listen, in ms, 100–3,600,000; default 30,000. */
  readonly readyTimeoutMs?: number;
  /** For the command: from SIGTERM to SIGKILL, in ms, 0–3,600,000; default 10,000. */
  readonly stopTimeoutMs?: number;
  /** From the end of its records to SIGTERM, in ms, 0–3,600,000; default 300. */
  readonly drainMs?: number;
  /** How it swaps artifacts with other drones; `false`: it only fetches with git. */
  readonly swarm?: SwarmWish | false;
  /** Size at which an output file is cut, in bytes, at least 1,024; default 10 MiB. */
  readonly logBytesMax?: number;
  /** It takes other drones in, as a hub would. */
  readonly relay?: RelaySettings;
  readonly log: Log;
}

export interface RelaySettings {
  /** Where it takes them in; 0 for any free port. */
  readonly port: number;
  /** It runs no instances itself. */
  readonly carriesOnly?: boolean;
}

interface SwarmWish {
  /** Where others get pieces from it; default: any free one. */
  readonly port?: number;
  /** For all artifacts together; default: no bound. */
  readonly sendBytesPerSecondMax?: number;
  readonly receiveBytesPerSecondMax?: number;
}

export interface DroneSettings {
  readonly hub: Address;
  readonly secret: string | undefined;
  /** Undefined: repositories say what runs. */
  readonly command: readonly string[] | undefined;
  /** Of the command. */
  readonly service: string | undefined;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly host: string | undefined;
  readonly portRange: PortRange;
  readonly dataFolder: string | undefined;
  readonly env: Environment;
  readonly worker: boolean;
  readonly readyTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly drainMs: number;
  readonly logBytesMax: number;
  readonly relay: RelaySettings | undefined;
  /** Undefined: it only fetches with git. */
  readonly swarm: SwarmWish | undefined;
}

const hourMs = 3_600_000;

/** @throws BAD_USAGE, BAD_NAME */
export function checkOptions(options: DroneOptions, hostName: string): DroneSettings {
  const { command, labels = {}, env = {}, portRange = portRangeDefault, host } = options;
  if (command) checkCommand(command);
  else refuseCommandOptions(options);
  for (const [key, value] of Object.entries(labels)) parseLabel(`${key}=${value}`);
  checkExtra(env);
  checkPortRange(portRange);
  if (host !== undefined && !/^[A-Za-z0-9._:-]{1,255}$/.test(host)) {
    throw new PropagitError("BAD_USAGE", `--host ${JSON.stringify(host)} is not an address`);
  }
  return {
    hub: options.hub,
    secret: options.secret,
    command,
    service: command && parseServiceName(options.service ?? serviceNameOf(command)),
    name: parseDroneName(options.name ?? asName(hostName)),
    labels,
    host,
    portRange,
    dataFolder: options.dataFolder,
    env,
    worker: options.worker ?? false,
    readyTimeoutMs: within("readyTimeoutMs", options.readyTimeoutMs ?? 30_000, 100, hourMs),
    stopTimeoutMs: within("stopTimeoutMs", options.stopTimeoutMs ?? 10_000, 0, hourMs),
    drainMs: within("drainMs", options.drainMs ?? 300, 0, hourMs),
    logBytesMax: within("logBytesMax", options.logBytesMax ?? 10 * 2 ** 20, 1_024, 2 ** 40),
    relay: options.relay,
    swarm: checkSwarm(options.swarm ?? {}),
  };
}

/** Slower than this a piece takes minutes. A guess. */
const rateMin = 10_000;

function checkSwarm(wish: SwarmWish | false): SwarmWish | undefined {
  if (wish === false) return undefined;
  const { port, sendBytesPerSecondMax: send, receiveBytesPerSecondMax: receive } = wish;
  if (port !== undefined) within("swarm.port", port, 1, 65_535);
  if (send !== undefined) within("swarm.sendBytesPerSecondMax", send, rateMin, 2 ** 40);
  if (receive !== undefined) within("swarm.receiveBytesPerSecondMax", receive, rateMin, 2 ** 40);
  return wish;
}

function checkCommand(command: readonly string[]): void {
  const [program] = command;
  if (program === undefined || program === "") {
    throw new PropagitError("BAD_USAGE", "a drone needs a command to run", {
      hint: "write it after --, for example: propagit drone --hub=localhost:6001 -- node web.js",
    });
  }
  if (command.some((word) => word.includes("\0"))) {
    throw new PropagitError("BAD_USAGE", "the command holds a NUL character");
  }
}

/** They say how the drone's own command is run; a repository says that for itself. */
function refuseCommandOptions(options: DroneOptions): void {
  const names = ["service", "worker", "readyTimeoutMs", "stopTimeoutMs"] as const;
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new PropagitError("BAD_USAGE", `${given} is for a drone with a command of its own`, {
    hint: "add the command after --, or say it in the repository's propagit.yaml",
  });
}

function checkPortRange({ low, high }: PortRange): void {
  const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (isPort(low) && isPort(high) && low <= high) return;
  throw new PropagitError("BAD_USAGE", `port range ${low}-${high} is not possible`, {
    hint: "write it like --port-range 10000-20000",
  });
}

function within(name: string, value: number, low: number, high: number): number {
  if (Number.isFinite(value) && value >= low && value <= high) return value;
  throw new PropagitError("BAD_USAGE", `${name} must be from ${low} to ${high}, not ${value}`);
}
