/** Names in a folder, on disk. */
import { open } from "node:fs/promises";

/** Without this a rename may be undone by a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
