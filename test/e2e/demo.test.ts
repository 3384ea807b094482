/** `npm run demo` as a newcomer runs it, but for the set-up. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const demo = fileURLToPath(new URL("../demo/demo.js", import.meta.url));

it("the demo ends by itself with 0 and leaves no process and no file behind", async () => {
  const folder = await mkdtemp(join(tmpdir(), "propagit-demo-"));
  try {
    // Everything the demo makes is below TMPDIR, and everything it starts inherits it.
    const { exitCode, stdout, stderr } = await execa(process.execPath, [demo], {
      env: { TMPDIR: folder },
      reject: false,
      timeout: 540_000,
    });
    assert.equal(exitCode, 0, stdout + stderr);
    assert.match(stdout, /500 of 500 visitors who came back got the version they had before/);
    assert.deepEqual(await readdir(folder), []);
    assert.deepEqual(await processesOf(folder), []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Command lines of the processes that were started with or within a folder. */
async function processesOf(folder: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = [];
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.includes(folder)) found.push(await readFile(`/proc/${pid}/cmdline`, "utf8"));
  }
  return found;
}
