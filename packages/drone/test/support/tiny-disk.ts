import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A file system of 1 MiB, gone with the test; where it cannot be had, the test is skipped with the reason. */
export async function mountTinyDisk(t: TestContext): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return skip(t, "only root can mount a tiny disk");
  const tiny = await mkdtemp(join(tmpdir(), "propagit-tiny-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", tiny], { stdio: "ignore" });
  } catch {
    await rm(tiny, { recursive: true });
    return skip(t, "this machine does not let us mount a tiny disk");
  }
  t.after(async () => {
    execFileSync("umount", [tiny]);
    await rm(tiny, { recursive: true });
  });
  return tiny;
}

function skip(t: TestContext, reason: string): undefined {
  t.skip(reason);
  return undefined;
}
