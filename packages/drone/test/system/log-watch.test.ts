/** When files are looked at: at once after a silence, seldom in a flood, never while nothing happens. */
import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { GrowthWatch } from "../../src/system/log-watch.js";
import { until } from "../support/until.js";

test("looks at once when a file grows after a silence, and then no more than it must", async (t) => {
  const { path, watch } = await openWatch(t, true);
  await appendFile(path, "a line\n");
  await until("a look", () => watch.sizes.includes(7));
  const writes = 200;
  for (let index = 0; index < writes; index++) await appendFile(path, "a line\n");
  const all = 7 * (writes + 1);
  await until("a look at all of it", () => watch.sizes.includes(all));
  assert.ok(watch.sizes.length < 40, `${watch.sizes.length} looks`);
});

test("does not look at a file that does not grow", async (t) => {
  const { path, watch } = await openWatch(t, true);
  const other = await openWatch(t, true);
  await appendFile(path, "a line\n");
  await until("calm", () => watch.sizes.filter((size) => size === 7).length >= 3);
  const looks = watch.sizes.length;
  // Time in which another file is looked at many times.
  let bytes = 0;
  await until("many looks at the other", async () => {
    await appendFile(other.path, "x");
    bytes++;
    return other.watch.sizes.length > 6;
  });
  assert.ok(bytes > 0);
  assert.equal(watch.sizes.length, looks);
});

test("looks now and then at what the kernel does not watch for it", async (t) => {
  const sizes: number[] = [];
  const watch = new GrowthWatch("/no/such/file", {
    isFollowed: () => false,
    async look() {
      sizes.push(0);
      return "nothing";
    },
  });
  t.after(() => watch.stop());
  // Its timers keep no process alive.
  const alive = setInterval(() => undefined, 100);
  t.after(() => clearInterval(alive));
  await until("two looks", () => sizes.length >= 2);
});

test("looks again soon after the little that begins a flood", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "propagit-watch-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "file");
  await appendFile(path, "");
  // Timers of a process that stood still come in their order, however late.
  const order: string[] = [];
  const watch = new GrowthWatch(path, {
    isFollowed: () => false,
    async look() {
      order.push("look");
      setTimeout(() => order.push("half a second"), 500);
      return "some";
    },
  });
  t.after(() => watch.stop());
  await appendFile(path, "a line\n");
  await until("three looks", () => order.filter((one) => one === "look").length >= 3);
  // There was no flood, so the third one took its time.
  assert.deepEqual(order.slice(0, 5), ["look", "look", "half a second", "half a second", "look"]);
});

async function openWatch(t: TestContext, isFollowed: boolean) {
  const folder = await mkdtemp(join(tmpdir(), "propagit-watch-"));
  const path = join(folder, "file");
  await appendFile(path, "");
  const sizes: number[] = [];
  let before = 0;
  const watch = new GrowthWatch(path, {
    isFollowed: () => isFollowed,
    async look() {
      const { size } = await stat(path);
      sizes.push(size);
      const grown = size - before;
      before = size;
      return grown > 0 ? "some" : "nothing";
    },
  });
  t.after(async () => {
    watch.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return { path, watch: { sizes } };
}
