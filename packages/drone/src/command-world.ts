/** What carrying out tasks of plans needs from outside; made in `system/`. */
import type { Commands, CommitMeans, Host, ProjectCommands } from "@propagit/plan";
import type { CommandRecord } from "./core/command-record.js";
import type { DroneContext } from "./drone-part.js";
import type { CommitName } from "./world.js";

export interface CommandWorld {
  readonly store: CommandStore;
  /** All that a plan may ask for here. */
  readonly commands: Commands;
  /** This machine, by the name that the hub knows it by. */
  readonly host: (name: string) => Host;
  /** Of what was pushed to the hub. */
  readonly commits?: (drone: DroneContext) => CommitMeans;
  /** Of commands that are none of those: what a commit of the hub brings. */
  readonly project?: (drone: DroneContext) => ProjectCommands;
  /** Brought here ahead of their use: they stay on disk. */
  readonly distributed?: () => readonly CommitName[];
}

/** Ends of tasks, across lives of the drone; the oldest are forgotten. */
export interface CommandStore {
  read(key: string): Promise<CommandRecord | undefined>;
  /** On disk when it resolves. @throws DATA_UNUSABLE */
  write(record: CommandRecord): Promise<void>;
}
