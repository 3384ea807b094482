import { homedir } from "node:os";
import { join } from "node:path";

/** Data folder of a daemon that was given none: below ~/.propagit, or PROPAGIT_HOME. */
export function dataFolderOf(part: string, env = process.env): string {
  const { PROPAGIT_HOME: home } = env;
  return join(home || join(homedir(), ".propagit"), part);
}
