import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { nodeWorld } from "@propagit/runtime";
import { AccessLog, type AccessLogOptions } from "../../src/system/access-log.js";

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "propagit-access-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function optionsOf(path: string, more: Partial<AccessLogOptions> = {}) {
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const { clock } = nodeWorld(log);
  return { warnings, options: { path, clock, log: log, ...more } };
}

test("writes lines together and in order, for its owner only", async (t) => {
  const path = join(await folderOf(t), "access.log");
  const log = await AccessLog.open(optionsOf(path).options);
  for (let line = 0; line < 1_000; line++) log.write(`${line}\n`);
  await log.stop();
  const again = await AccessLog.open(optionsOf(path).options);
  again.write("1000\n");
  await again.stop();
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  assert.deepEqual(lines.map(Number), [...Array(1_001).keys()]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("keeps its parts within their bound", async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, "access.log");
  const { options } = optionsOf(path, { partBytesMax: 100, partsKept: 2 });
  const log = await AccessLog.open(options);
  for (let line = 0; line < 60; line++) {
    log.write(`${String(line).padStart(9, "0")}\n`);
    await log.flush();
  }
  await log.stop();
  assert.deepEqual((await readdir(folder)).sort(), ["access.log", "access.log.1", "access.log.2"]);
  const parts = await Promise.all(
    [`${path}.2`, `${path}.1`, path].map((part) => readFile(part, "utf8")),
  );
  const numbers = parts.join("").trimEnd().split("\n").map(Number);
  assert.equal(numbers.at(-1), 59);
  const first = numbers[0] ?? 0;
  assert.deepEqual(numbers, [...Array(60).keys()].slice(first));
  assert.ok(parts.every((part) => part.length <= 110));
});

test("leaves out what comes faster than it can be written, and says how much", async (t) => {
  const path = join(await folderOf(t), "access.log");
  const log = await AccessLog.open(optionsOf(path).options);
  const megabyte = `${"x".repeat(2 ** 20 - 1)}\n`;
  for (let lines = 0; lines < 20; lines++) log.write(megabyte);
  await log.stop();
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  const [notice] = lines.filter((line) => line.startsWith("{"));
  const { dropped } = JSON.parse(notice ?? "{}") as { dropped: number };
  assert.equal(lines.length - 1 + dropped, 20);
});

test("complains once about a disk that is full, and goes on", { skip: noFullDisk() }, async () => {
  const { options, warnings } = optionsOf("/dev/full");
  const log = await AccessLog.open(options);
  for (let line = 0; line < 3; line++) {
    log.write("a line\n");
    await log.flush();
  }
  await log.stop();
  assert.deepEqual(warnings, [
    "the access log /dev/full cannot be written: ENOSPC; lines are left out meanwhile",
  ]);
});

test("refuses a file that cannot be written", async (t) => {
  const path = join(await folderOf(t), "missing", "access.log");
  await assert.rejects(
    AccessLog.open(optionsOf(path).options),
    (thrown) => thrown instanceof PropagitError && thrown.code === "DATA_UNUSABLE",
  );
});

function noFullDisk(): string | false {
  return process.platform === "linux" ? false : "needs /dev/full";
}
