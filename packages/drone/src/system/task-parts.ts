/**
 * The parts of a drone that carry out what it is called to do, on a real machine: tasks of releases and of plans,
 * commands, pushes of files.
 */
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Handlers, World } from "@propagit/runtime";
import { roomFor } from "../core/artifact-room.js";
import { DistributedCommits } from "../distributed-commits.js";
import type { DronePart, MakePart } from "../drone-part.js";
import { RunDesk } from "../runs.js";
import { TaskDesk } from "../tasks.js";
import { FilesDesk } from "../files.js";
import { GitArtifacts } from "./artifacts.js";
import { DiskCommandStore } from "./command-store.js";
import { CommandPart } from "./command-part.js";
import type { GitCommits } from "./commits.js";
import { NodeDestinations } from "./files/destinations.js";
import { FilesRecords } from "./files/records.js";
import { planParts, type PlanPartsOfDrone, type PlanPartsOptions } from "./plan-parts.js";
import { NodeTaskCommands } from "./task-commands.js";
import { NodeTaskFolders } from "./task-folders.js";
import { DiskTaskStore } from "./task-store.js";
import { NodeCommands } from "./terminals.js";

export interface TaskPartsOptions extends Pick<PlanPartsOptions, "credential" | "isRelay"> {
  readonly world: Pick<World, "clock" | "disk" | "random">;
  /** The drone's data folder. */
  readonly folder: string;
  readonly commits: GitCommits;
}

export interface TaskParts extends Pick<PlanPartsOfDrone, "accept"> {
  readonly parts: readonly MakePart[];
}

/** Reads what an earlier life left; what it began goes on as soon as the parts are made. */
export async function taskParts(options: TaskPartsOptions): Promise<TaskParts> {
  const { world, folder, commits, credential, isRelay } = options;
  const store = await DiskTaskStore.open(world.disk, join(folder, "tasks"));
  const tasks = {
    store,
    folders: new NodeTaskFolders(folder, commits),
    commands: new NodeTaskCommands(join(folder, "tasks"), world.clock),
    artifacts: new GitArtifacts(commits.repositories, world.random),
  };
  const files = new NodeDestinations({
    clock: world.clock,
    repositories: commits.repositories,
    records: await FilesRecords.open(world.disk, folder),
    dataFolder: folder,
  });
  const distributed = await DistributedCommits.open({
    ...world,
    file: join(folder, "distributed"),
  });
  const commandStore = await DiskCommandStore.open(world.disk, join(folder, "commands"));
  const commands = { store: commandStore, commits, distributed, folder };
  // What plans of a relay do here is done by the parts that the hub calls.
  const own: Handlers[] = [];
  const noted = (part: DronePart) => {
    own.push(part.handlers);
    return part;
  };
  const plans = await planParts({
    disk: world.disk,
    folder,
    credential,
    isRelay,
    handlers: () => Object.assign({}, ...own) as Handlers,
  });
  const parts: readonly MakePart[] = [
    (context) => new TaskDesk(context, tasks),
    (context) => noted(new CommandPart(context, commands)),
    (context) => new RunDesk(context, new NodeCommands(world.clock)),
    (context) => noted(new FilesDesk(context, files, (name) => commits.hold(name))),
    () => ({ handlers: roomHandlers(folder, commits) }),
    ...plans.makeParts,
  ];
  return { parts, accept: plans.accept };
}

function roomHandlers(folder: string, commits: GitCommits): Handlers {
  return {
    "drone.room": async ({ repo, commit, bytes }) => {
      const { bsize, blocks, bavail } = await statfs(folder);
      const needed = (await commits.has({ repo, commit })) ? 0 : bytes;
      return roomFor(needed, { totalBytes: blocks * bsize, freeBytes: bavail * bsize });
    },
  };
}
