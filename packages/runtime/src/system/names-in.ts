/** What lies in a folder. */
import { readdir } from "node:fs/promises";

/** Nothing where there is no folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
