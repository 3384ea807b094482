/** A file that is cut while somebody appends to it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { copyAndCut } from "../../src/system/log-cut.js";

const block = `${"x".repeat(99)}\n`.repeat(10_000);

test("keeps the newest of what is written faster than it is copied", async (t) => {
  const path = await fileOf(t, block);
  let isCut = false;
  let written = block.length;
  // Three times as much as is copied in between, and less than is written in all.
  const write = () => {
    if (isCut) return;
    appendFileSync(path, block.repeat(3) + "the end\n");
    written += 3 * block.length + 8;
    setImmediate(write);
  };
  write();
  const dropped = await copyAndCut(path, 4 * 2 ** 20);
  isCut = true;
  const kept = await readFile(`${path}.1`, "utf8");
  assert.equal((await stat(path)).size, 0);
  assert.ok(kept.endsWith("\nthe end\n"), `ends with ${kept.slice(-20)}`);
  assert.equal(dropped + kept.length, written);
  assert.ok(kept.length <= 2 * 4 * 2 ** 20, `${kept.length} bytes`);
});

test("leaves out the beginning, and keeps all of the end", async (t) => {
  const path = await fileOf(t, "one\ntwo\nthree\n");
  assert.equal(await copyAndCut(path, 6), 8);
  assert.equal(await readFile(`${path}.1`, "utf8"), "three\n");
  assert.equal((await stat(path)).size, 0);
});

test("does not cut a write in two that is going on", async (t) => {
  const path = await fileOf(t, "");
  const blockBytes = 4 * block.length;
  // Goes on until it is told that there were enough cuts, and says how often it wrote. However slow the disk is, most of
  // the time nothing is being written.
  const script = `const block = ("x".repeat(99) + "\\n").repeat(40_000);
    let blocks = 0, timer;
    const write = () => {
      const began = performance.now();
      require("fs").writeSync(1, block);
      blocks++;
      timer = setTimeout(write, 10 + 3 * (performance.now() - began));
    };
    write();
    process.once("message", () => {
      clearTimeout(timer);
      process.send(blocks, () => process.disconnect());
    });`;
  const file = openSync(path, "a");
  const app = spawn(process.execPath, ["-e", script], {
    stdio: ["ignore", file, "inherit", "ipc"],
  });
  t.after(() => app.kill("SIGKILL"));
  closeSync(file);
  let bytes = 0;
  let cuts = 0;
  while (cuts < 30) {
    if ((await stat(path)).size === 0) continue;
    const dropped = await copyAndCut(path, 2 ** 30);
    bytes += dropped + (await stat(`${path}.1`)).size;
    cuts++;
  }
  app.send("enough");
  const [blocks] = (await once(app, "message")) as [number];
  bytes += (await stat(path)).size;
  const lost = blocks * blockBytes - bytes;
  t.diagnostic(`${blocks} blocks, ${lost} bytes lost`);
  // What begins in the very microseconds of a cut is lost; without waiting, most cuts lose a part of a write.
  assert.ok(lost <= (cuts / 5) * blockBytes, `${lost} bytes lost`);
});

async function fileOf(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-cut-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "web.log");
  await writeFile(path, text);
  return path;
}
