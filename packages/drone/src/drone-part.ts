/**
 * What answers the hub's calls beside the reconciling itself (tasks, commands, output, figures): parts that
 * are plugged into the drone's connection, and what they know of the drone.
 */
import type { Address, Params } from "@propagit/protocol";
import type { Conversation, Handlers, LinkState, TellingHandlers } from "@propagit/runtime";
import type { InstancePlan } from "./core/instance-plan.js";
import type { Environment } from "./core/environment.js";
import type { CommitName, DroneWorld, GitSource, InstanceNote, Specified } from "./world.js";

export interface DronePart {
  readonly handlers: Handlers;
  readonly tellingHandlers?: TellingHandlers;
  /** Commits that must stay on disk for it, whatever the hub keeps. */
  readonly commitsInUse?: () => readonly CommitName[];
  /** What the drone says of it when it introduces itself; parts of several are put together. */
  readonly introduction?: () => Introduction;
  /** The hub took the drone in, on this connection. */
  readonly joined?: (conversation: Conversation) => void;
  /** Told which commits stay on disk, each time when that was looked at. */
  readonly keeps?: (names: readonly CommitName[]) => void;
  /** Told of every change of the connection to the hub. */
  readonly linkChanged?: (state: LinkState) => void;
  /** Added to the address at which the hub is asked for. */
  readonly query?: () => string;
  /** The drone ends: what runs is left to its next life, or ended, as its instances are. */
  readonly stop?: (how: "leave" | "end") => Promise<void>;
}

export interface Introduction {
  readonly swarm?: NonNullable<Params<"hub.join">["swarm"]>;
}

export type MakePart = (context: DroneContext) => DronePart;

/** The drone as its parts see it. */
export interface DroneContext {
  readonly world: DroneWorld;
  /** As the hub knows it; may change with each join. */
  readonly name: () => string;
  /** The address that is published for this machine. */
  readonly host: string;
  /** Where the hub was reached, or is tried just now. */
  readonly upstream: () => Address;
  /** Where git fetches from and pushes to; waits for the hub. @throws UNREACHABLE */
  readonly source: (repo: string) => Promise<GitSource>;
  /** The hub, as soon as it is there. @throws UNREACHABLE when it is not within `limitMs`, default 10 s */
  readonly hub: (limitMs?: number) => Promise<Conversation>;
  /** A deployment as the hub specified it; asked for when it is not known here. @throws UNREACHABLE */
  readonly specified: (id: string) => Promise<Specified>;
  /** How a service of it is run; of a drone with a command of its own always that. @throws NO_SERVICE */
  readonly planOf: (specified: Specified, service: string | undefined) => InstancePlan;
  /**
   * Environment of a command beside the instances of a deployment: as theirs, over it `variables`. With
   * `ports` those of an instance, else none.
   */
  readonly environment: (command: CommandPlace) => Environment;
  /** What `commitsInUse` says has changed: what nobody needs may go from disk. */
  readonly tidySoon: () => void;
  /** Instances that have a process. */
  readonly instances: () => readonly LivingInstance[];
}

export interface CommandPlace {
  readonly identity: Pick<
    InstanceNote,
    "process" | "repo" | "commit" | "deployment" | "environment" | "release" | "service"
  >;
  readonly plan: Pick<InstancePlan, "variables"> & {
    readonly rules: Pick<InstancePlan["rules"], "ports">;
  };
  /** The checkout. */
  readonly folder: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly variables: Environment;
}

export interface LivingInstance {
  readonly note: InstanceNote;
  readonly pid: number;
}

/** What all parts together say. */
export function introductionOf(parts: readonly DronePart[]): Introduction {
  const all = parts.flatMap((part) => part.introduction?.() ?? []);
  const swarms = all.flatMap(({ swarm }) => swarm ?? []);
  const [first, ...others] = swarms;
  return first ? { swarm: Object.assign({ ...first }, ...others) as typeof first } : {};
}
