/** Starts a real drone: its data folder, its world, its connection. */
import { hostname } from "node:os";
import { join } from "node:path";
import { openCredential, version, type Credential, type PropagitError } from "@propagit/protocol";
import { connectIn } from "@propagit/registry";
import { credentialFromSecret, nodeWorld, type Log, type World } from "@propagit/runtime";
import { checkOptions, type DroneOptions, type DroneSettings } from "../core/options.js";
import type { Hider } from "../core/stored-desire.js";
import { Drone, type DroneEnd } from "../drone.js";
import type { SwarmDesk } from "../swarm-desk.js";
import type { DroneWorld, RegistryAccess } from "../world.js";
import { nodeChecks } from "./checks.js";
import { GitCommits } from "./commits.js";
import { claimFolder, readIdentity, type ClaimedFolder } from "./data-folder.js";
import { requireGit } from "./git.js";
import { addressTowards } from "./local-address.js";
import { nodePorts } from "./node-ports.js";
import { NodeProcesses } from "./node-processes.js";
import { LogStore } from "./log-store.js";
import { openHider, openMemory } from "./memory.js";
import { openRelay } from "./relay-part.js";
import { openSwarmDesk } from "./swarm-part.js";
import { taskParts } from "./task-parts.js";
import { watchParts } from "./watch-parts.js";

export interface RunningDrone {
  /** The name that the hub knows it by; the wanted one until the hub was met. */
  readonly name: string;
  /** Its data folder, which no other drone uses meanwhile. */
  readonly dataFolder: string;
  /**
   * Ends its instances, frees their records, says goodbye to the hub. With `instances: "keep"` they run on
   * with their records, and the next drone in this data folder takes them over. Never fails.
   */
  stop(end?: DroneEnd): Promise<void>;
  /** Resolves when it is over: with nothing after `stop`, with the error when the hub refused it. */
  readonly ended: Promise<PropagitError | undefined>;
}

/**
 * Starts a drone. Resolves when the hub has taken it in, or could not be reached: then it keeps trying.
 *
 * @throws BAD_USAGE, BAD_NAME, NO_GIT, DATA_IN_USE, DATA_UNUSABLE, PORT_IN_USE; DENIED, UNPROVEN, DRONE_TAKEN or
 * BAD_VERSION when the hub refuses it
 * @example
 * const drone = await startDrone({
 *   hub: { host: "localhost", port: 6001 },
 *   secret: "beepboop",
 *   command: ["node", "web.js"],
 *   log: silentLog,
 * });
 * await drone.stop();
 */
export async function startDrone(options: DroneOptions): Promise<RunningDrone> {
  const settings = checkOptions(options, hostname());
  const folder = await claimFolder(settings.dataFolder, settings.service);
  try {
    await requireGit(folder.path);
    const drone = await makeDrone(settings, folder.path, options.log);
    const ended = releasedAfter(drone.ended, folder);
    await drone.met.catch(async (thrown: unknown) => {
      await ended;
      throw thrown;
    });
    return {
      get name() {
        return drone.name;
      },
      dataFolder: folder.path,
      ended,
      async stop(end) {
        await drone.stop(end);
        await ended;
      },
    };
  } catch (thrown) {
    await folder.release();
    throw thrown;
  }
}

async function releasedAfter<T>(ended: Promise<T>, folder: ClaimedFolder): Promise<T> {
  const reason = await ended;
  await folder.release();
  return reason;
}

async function makeDrone(settings: DroneSettings, folder: string, log: Log): Promise<Drone> {
  const { hub, secret, host } = settings;
  const world = nodeWorld(log);
  const hider = await openHider(world, folder);
  const identity = await readIdentity(world.disk, world.random, folder);
  const relay = settings.relay && (await openRelay(settings.relay));
  const front = relay && { front: relay.front };
  let swarm: SwarmDesk | undefined;
  try {
    swarm = await openSwarmDesk({ world, folder, settings, hider, ...front });
    const credential = secret === undefined ? openCredential : credentialFromSecret(secret);
    const opening = { world, settings, folder, hider, swarm, credential };
    const { droneWorld, parts, accept } = await openWorld(opening);
    if (accept) relay?.front.openErrands(accept);
    return new Drone(droneWorld, {
      settings,
      identity,
      credential,
      host: host ?? (await addressTowards(hub)),
      environment: process.env,
      version,
      parts: [...(relay ? [relay.make] : []), ...parts, ...(swarm ? [swarm.part] : [])],
    });
  } catch (thrown) {
    await swarm?.stop();
    await relay?.front.close();
    throw thrown;
  }
}

interface Opening {
  readonly world: World;
  readonly settings: DroneSettings;
  readonly folder: string;
  readonly hider: Hider;
  readonly swarm: SwarmDesk | undefined;
  readonly credential: Credential;
}

/** What the drone works with, on this machine. */
async function openWorld({ world, settings, folder, hider, swarm, credential }: Opening) {
  const { clock, random, log } = world;
  const { stopTimeoutMs, logBytesMax } = settings;
  const commits = new GitCommits(folder, random, { log, ways: swarm });
  await commits.tidy();
  const logs = new LogStore({ clock, log, folder: join(folder, "logs"), bytesMax: logBytesMax });
  const droneWorld: DroneWorld = {
    ...world,
    commits,
    checks: nodeChecks,
    memory: openMemory(world, folder, hider),
    ports: nodePorts(random),
    processes: new NodeProcesses({ clock, log, logs, folder, stopTimeoutMs }),
    connectRegistry: (address, access) => connectIn(world, address, registryOptions(access)),
  };
  const isRelay = settings.relay !== undefined;
  const tasks = await taskParts({ world, folder, commits, credential, isRelay });
  const parts = [...tasks.parts, ...watchParts({ clock, logs, folder })];
  return { droneWorld, parts, accept: tasks.accept };
}

function registryOptions({ lease, ...access }: RegistryAccess) {
  return { ...access, ...(lease !== undefined && { lease }) };
}
