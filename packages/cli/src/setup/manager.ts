/**
 * Who keeps the drone of a host running: systemd for its user, systemd for the machine, or a loop of `sh` of our own
 * where there is no systemd. All of them end it by SIGTERM, which leaves its instances running, and start it again
 * when it ends.
 */
import type { CommandContext } from "@propagit/plan";
import type { Place } from "./there.js";

export type ManagerKind = "user" | "system" | "none";

/** How the drone is started. */
interface DroneStart {
  /** Flags of `propagit drone`. */
  readonly words: readonly string[];
  readonly dataFolder: string;
  /** Who it runs as. */
  readonly user: string;
}

/** A file at the host that says how, and the ways to have it carried out. */
export interface Manager {
  readonly kind: ManagerKind;
  readonly file: string;
  readonly mode: number;
  /** Whether it takes root to write the file. */
  readonly sudo: boolean;
  /** In messages. */
  readonly name: string;
  text(start: DroneStart): string;
  /** Starts it, or ends it and starts it again. @throws TASK_FAILED */
  restart(context: CommandContext): Promise<void>;
  isActive(context: CommandContext): Promise<boolean>;
  /** The last of what the drone said. */
  log(context: CommandContext): Promise<readonly string[]>;
  /** How a person sees more of it. */
  readonly logCommand: string;
}

/** The drone by the links, so that the unit stays the same over versions. */
export function programOf({ base }: Place): readonly string[] {
  return [`${base}/node/bin/node`, `${base}/current/bin/propagit.js`, "drone"];
}

/** Of a log, as it is shown. */
export function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
