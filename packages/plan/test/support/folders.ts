/** Temporary folders and file systems. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A folder that is gone after the test. */
export async function temporaryFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-plan-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A file system of 1 MiB, gone with the test; where it cannot be had, the test is skipped with the reason. */
export async function tinyDisk(test: TestContext): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-plan-tiny-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    await rm(folder, { recursive: true });
    test.skip("a tiny file system cannot be mounted here");
    return undefined;
  }
  test.after(async () => {
    execFileSync("umount", ["-l", folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}
