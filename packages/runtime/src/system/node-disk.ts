import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { PropagitError } from "@propagit/protocol";
import type { Disk } from "../disk.js";

export const nodeDisk: Disk = {
  async read(path) {
    try {
      return await readFile(path, "utf8");
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return undefined;
      throw unusable(path, thrown);
    }
  },

  async writeAtomic(path, content, { mode = 0o644 } = {}) {
    const fresh = `${path}.${process.pid}.new`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeSynced(fresh, content, mode);
      await rename(fresh, path);
      await syncFolder(dirname(path));
    } catch (thrown) {
      await rm(fresh, { force: true }).catch(() => undefined);
      throw unusable(path, thrown);
    }
  },

  async remove(path) {
    await rm(path, { force: true });
  },
};

/** The code of a system error (`ENOENT`, `EADDRINUSE`, …), or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  const { code } = (thrown ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

async function writeSynced(path: string, content: string, mode: number): Promise<void> {
  const file = await open(path, "w", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without this a rename may be undone by a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unusable(path: string, thrown: unknown): PropagitError {
  const reason = errnoOf(thrown) ?? String(thrown);
  return new PropagitError("DATA_UNUSABLE", `${path} cannot be used: ${reason}`, { cause: thrown });
}
