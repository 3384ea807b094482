/** An app that writes more than anybody could want, for real. */
import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
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
  let worstMs = 0;
  let mostBytes = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    worstMs = Math.max(worstMs, performance.now() - last - 5);
    last = performance.now();
  }, 5);
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
  assert.ok(worstMs < 2_000, `the drone was away for ${Math.round(worstMs)} ms`);
  assert.ok(mostBytes < 10 * bytesMax, `${mostBytes >> 20} MB on disk`);
  t.diagnostic(
    `at most ${mostBytes >> 20} MB on disk, ${Math.round(worstMs)} ms without an answer`,
  );
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

test("reads the end of a gigabyte at once, in little memory", async (t) => {
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
  const start = performance.now();
  let count = 0;
  const { signal } = new AbortController();
  await logs.query({ follow: false, last: 1_000 }, (lines) => void (count += lines.length), signal);
  const tookMs = performance.now() - start;
  assert.equal(count, 1_000);
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20);
});

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((it) => it.isFile())
    .map(
      async (it) => (await stat(join(it.parentPath, it.name)).catch(() => undefined))?.size ?? 0,
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
