/** An app that writes more than anybody could want, for real. */
import assert from "node:assert/strict";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nodeClock, silentLog } from "@propagit/runtime";
import { LogStore } from "../../src/system/log-store.js";
import { endOf, openProcessBench } from "../support/process-bench.js";
import { until } from "../support/until.js";

test("survives an app that writes 100 MB in a second: bounded disk, a drone that answers", async (t) => {
  const bytesMax = 4 * 2 ** 20;
  const { begin, app, folder } = await openProcessBench(t, { logBytesMax: bytesMax });
  const { processes, logs } = begin();
  const script = `const block = ("x".repeat(99) + "\\n").repeat(10_000);
    let i = 0; const timer = setInterval(() => {
      require("fs").writeSync(1, block);
      if (++i < 100) return;
      clearInterval(timer); console.log("the end");
    }, 10);`;
  let beats = 0;
  let mostBytes = 0;
  const beat = setInterval(() => void beats++, 5);
  const running = await processes.launch(app(script));
  const watch = until("the end", async () => {
    mostBytes = Math.max(mostBytes, await sizeOf(join(folder, "logs")));
    return ended;
  });
  let ended = false;
  const { lastLines } = await endOf(running);
  ended = true;
  await watch;
  clearInterval(beat);

  assert.equal(lastLines.at(-1), "the end");
  assert.ok(beats > 20, `the drone came to other things ${beats} times`);
  assert.ok(mostBytes < 16 * bytesMax, `${mostBytes >> 20} MB on disk`);
  t.diagnostic(`at most ${mostBytes >> 20} MB on disk, ${beats} times for other things`);
  const found: string[] = [];
  const { signal } = new AbortController();
  const onLines = (lines: readonly { readonly text: string }[]) =>
    void found.push(...lines.map((line) => line.text));
  await logs.query({ follow: false, last: 2 }, onLines, signal);
  assert.deepEqual(found, ["x".repeat(99), "the end"]);
  await until(
    "the file to be cut",
    async () => (await sizeOf(join(folder, "logs"))) < 2 * bytesMax,
  );
});

test("reads of a gigabyte no more than its end, in little memory", async (t) => {
  const { folder, app, begin } = await openProcessBench(t, { logBytesMax: 4 * 2 ** 30 });
  const { processes } = begin();
  const script = `const block = ("x".repeat(99) + "\\n").repeat(100_000);
    for (let i = 0; i < 100; i++) require("fs").writeSync(1, block); console.log("the end");`;
  await endOf(await processes.launch(app(script)));
  const logs = new LogStore({
    clock: nodeClock,
    log: silentLog,
    folder: join(folder, "logs"),
    bytesMax: 2 ** 30,
  });
  const before = process.memoryUsage().rss;
  const readBefore = await bytesRead();
  let count = 0;
  const { signal } = new AbortController();
  await logs.query({ follow: false, last: 1_000 }, (lines) => void (count += lines.length), signal);
  assert.equal(count, 1_000);
  assert.ok((await bytesRead()) - readBefore < 16 * 2 ** 20);
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20);
});

/** That this process ever read, from wherever. */
async function bytesRead(): Promise<number> {
  const [, bytes] = /^rchar: (\d+)$/m.exec(await readFile("/proc/self/io", "utf8")) ?? [];
  return Number(bytes);
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((it) => it.isFile())
    .map(
      async (it) => (await stat(join(it.parentPath, it.name)).catch(() => undefined))?.size ?? 0,
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
