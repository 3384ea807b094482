/**
 * The parts of a drone that carry out what it is called to do, on a real machine: tasks of releases and of plans,
 * commands, pushes of files.
 */
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { localHost, toolBox } from "@propagit/plan";
import type { Handlers, World } from "@propagit/runtime";
import type { CommandWorld } from "../command-world.js";
import { CommandDesk } from "../commands.js";
import { roomFor } from "../core/artifact-room.js";
import { DistributedCommits } from "../distributed-commits.js";
import type { MakePart } from "../drone-part.js";
import { RunDesk } from "../runs.js";
import { TaskDesk } from "../tasks.js";
import { FilesDesk } from "../files.js";
import { GitArtifacts } from "./artifacts.js";
import { DiskCommandStore } from "./command-store.js";
import { DroneCommits } from "./commit-means.js";
import type { GitCommits } from "./commits.js";
import { NodeDestinations } from "./files/destinations.js";
import { FilesRecords } from "./files/records.js";
import { projectCommands } from "./project-commands.js";
import { NodeTaskCommands } from "./task-commands.js";
import { NodeTaskFolders } from "./task-folders.js";
import { DiskTaskStore } from "./task-store.js";
import { NodeCommands } from "./terminals.js";

export interface TaskPartsOptions {
  readonly world: Pick<World, "clock" | "disk" | "random">;
  /** The drone's data folder. */
  readonly folder: string;
  readonly commits: GitCommits;
}

/** Reads what an earlier life left; what it began goes on as soon as the parts are made. */
export async function taskParts(options: TaskPartsOptions): Promise<readonly MakePart[]> {
  const { world, folder, commits } = options;
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
  const droneCommits = new DroneCommits({ commits, distributed, dataFolder: folder });
  const commands: CommandWorld = {
    store: await DiskCommandStore.open(world.disk, join(folder, "commands")),
    commands: toolBox,
    host: (name) => localHost({ name }),
    commits: (drone) => droneCommits.for(drone),
    project: (drone) => projectCommands(commits, drone),
    distributed: () => distributed.all,
  };
  return [
    (context) => new TaskDesk(context, tasks),
    (context) => new CommandDesk(context, commands),
    (context) => new RunDesk(context, new NodeCommands(world.clock)),
    (context) => new FilesDesk(context, files, (name) => commits.hold(name)),
    () => ({ handlers: roomHandlers(folder, commits) }),
  ];
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
