/** Tasks of plans on a real machine: all that they may ask for here, and what that needs. */
import { localHost, toolBox } from "@propagit/plan";
import { CommandDesk } from "../commands.js";
import type { DroneContext } from "../drone-part.js";
import type { CommandPartOptions } from "./command-part.js";
import { DroneCommits } from "./commit-means.js";
import { projectCommands } from "./project-commands.js";

export function openCommandDesk(
  context: DroneContext,
  { store, commits, distributed, folder }: CommandPartOptions,
): CommandDesk {
  const droneCommits = new DroneCommits({ commits, distributed, dataFolder: folder });
  return new CommandDesk(context, {
    store,
    commands: toolBox,
    host: (name) => localHost({ name }),
    commits: (drone) => droneCommits.for(drone),
    project: (drone) => projectCommands(commits, drone),
    distributed: () => distributed.all,
  });
}
