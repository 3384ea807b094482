/** Temporary folders and file systems, and whether this machine can make them. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A folder that is gone after the test. */
export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-runtime-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A file system of its own, mounted with these options; undefined where one may not mount. */
export async function temporaryMount(
  test: TestContext,
  options: string,
): Promise<{ readonly folder: string; remount(options: string): void } | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-mount-"));
  const mount = (...args: string[]) => execFileSync("mount", args, { stdio: "ignore" });
  try {
    mount("-t", "tmpfs", "-o", options, "tmpfs", folder);
  } catch {
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }
  test.after(async () => {
    execFileSync("umount", ["-l", folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return { folder, remount: (changed) => mount("-o", `remount,${changed}`, folder) };
}
