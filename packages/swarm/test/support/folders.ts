/** Temporary folders and file systems. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A folder that is gone after the test. */
export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-swarm-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Why there can be no file system of its own here; false when there can. */
export const noMount =
  process.platform === "linux" && process.getuid?.() === 0
    ? false
    : "needs root on Linux for a small file system";

/** A file system of its own in memory, gone after the test. */
export async function temporaryMount(
  test: TestContext,
  options: string,
): Promise<{ readonly folder: string; readonly remount: (options: string) => void }> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-swarm-mount-"));
  const mount = (...args: string[]) => execFileSync("mount", args, { stdio: "ignore" });
  mount("-t", "tmpfs", "-o", options, "tmpfs", folder);
  test.after(async () => {
    execFileSync("umount", ["-l", folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return { folder, remount: (changed) => mount("-o", `remount,${changed}`, folder) };
}
