import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { PropagitError } from "@propagit/protocol";
import type { Disk } from "../disk.js";
import { errnoOf } from "./errno.js";
import { makeFolder } from "./make-folder.js";
import { syncFolder } from "./sync-folder.js";

export const nodeDisk: Disk = {
  async read(path) {
    try {
      return await readFile(path, "utf8");
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return undefined;
      throw unusable(path, thrown);
    }
  },

  writeAtomic(path, content, { mode = 0o644 } = {}) {
    return inTurn(path, () => replace(path, content, mode));
  },

  remove(path) {
    return inTurn(path, async () => {
      try {
        await rm(path, { force: true });
      } catch (thrown) {
        throw unusable(path, thrown);
      }
    });
  },
};

/** The last change of each path that is still under way; the next one waits for it. */
const turns = new Map<string, Promise<void>>();

/** Changes of one path happen one after the other, in the order in which they were asked for. */
async function inTurn(path: string, change: () => Promise<void>): Promise<void> {
  const before = turns.get(path) ?? Promise.resolve();
  const turn = before.catch(() => undefined).then(change);
  turns.set(path, turn);
  try {
    await turn;
  } finally {
    if (turns.get(path) === turn) turns.delete(path);
  }
}

async function replace(path: string, content: string, mode: number): Promise<void> {
  // One name for all: what a killed process left half-written is overwritten by the next write.
  const fresh = `${path}.new`;
  try {
    await makeFolder(dirname(path));
    await writeSynced(fresh, content, mode);
    await rename(fresh, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw unusable(path, thrown);
  }
}

async function writeSynced(path: string, content: string, mode: number): Promise<void> {
  const file = await open(path, "w", mode);
  try {
    // A file that was there before keeps its mode when it is opened.
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function unusable(path: string, thrown: unknown): PropagitError {
  const reason = errnoOf(thrown) ?? String(thrown);
  return new PropagitError("DATA_UNUSABLE", `${path} cannot be used: ${reason}`, { cause: thrown });
}
