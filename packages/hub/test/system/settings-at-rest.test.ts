/** Where the value of a setting is, and where it is not: a real hub, its files, its log and its process. */
import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nodeCrypto, silentLog } from "@propagit/runtime";
import { startHub } from "../../src/index.js";
import { makeBench, secret, type Bench } from "../support/real-hub.js";

const value = "hunter2-and-some-more";

async function setSecret(bench: Bench, name = "TOKEN"): Promise<unknown> {
  const hub = await bench.connect();
  const hidden = nodeCrypto.encrypt(hub.peer?.sessionKey ?? assert.fail(), value);
  return hub.call("hub.configure", {
    repo: "webapp",
    set: [{ name, value: hidden, secret: true }],
    unset: [],
    deploy: true,
    by: "ann",
  });
}

/** All files below a folder, as one text. */
async function contentOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map((entry) => readFile(join(entry.parentPath, entry.name), "latin1"));
  return (await Promise.all(texts)).join("\n");
}

test("a secret is not on disk, in the log, in answers or in what other processes may read", async (t) => {
  const bench = await makeBench(t);
  const hub = await bench.connect();
  const answers = [
    await setSecret(bench),
    await hub.call("hub.settings", { repo: "webapp" }),
    await hub.call("hub.releases", { last: 10 }),
    await bench.events(),
  ];
  await assert.rejects(setSecret(bench, "PORT"), (error: Error) => !error.message.includes(value));
  assert.equal(JSON.stringify(answers).includes(value), false);
  assert.equal(bench.log.join("\n").includes(value), false);
  const process = await readFile("/proc/self/cmdline", "latin1");
  const environment = await readFile("/proc/self/environ", "latin1");
  assert.equal(`${process}${environment}`.includes(value), false);
  assert.equal((await contentOf(join(bench.folder, "hub"))).includes(value), false);
  await bench.restart();
  assert.equal((await contentOf(join(bench.folder, "hub"))).includes(value), false);
});

test("the key is made once, for its user only, and a hub starts again with it", async (t) => {
  const bench = await makeBench(t);
  const file = join(bench.folder, "hub/key");
  const key = await readFile(file, "utf8");
  assert.match(key, /^[0-9a-f]{64}\n$/);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await setSecret(bench);
  await bench.restart();
  assert.equal(await readFile(file, "utf8"), key);
  const { settings } = await (await bench.connect()).call("hub.settings", { repo: "webapp" });
  assert.deepEqual(
    settings.map(({ name, secret: isSecret, by }) => [name, isSecret, by]),
    [["TOKEN", true, "ann"]],
  );
});

test("a hub whose key is lost, another one or nonsense says so, and changes nothing", async (t) => {
  const bench = await makeBench(t);
  await setSecret(bench);
  const dataFolder = join(bench.folder, "hub");
  const file = join(dataFolder, "key");
  const key = await readFile(file, "utf8");
  await bench.hub.stop();
  const start = () => startHub({ port: 0, secret, dataFolder, log: silentLog });
  for (const wrong of [undefined, "a".repeat(64), "nonsense"]) {
    await rm(file, { force: true });
    if (wrong !== undefined) await writeFile(file, wrong);
    await assert.rejects(start(), { code: "DATA_UNUSABLE" }, wrong);
  }
  await writeFile(file, key);
  await bench.restart();
  assert.equal(
    (await (await bench.connect()).call("hub.settings", { repo: "webapp" })).settings.length,
    1,
  );
});

test("without settings a lost key is no loss", async (t) => {
  const bench = await makeBench(t);
  await bench.hub.stop();
  await rm(join(bench.folder, "hub/key"));
  await bench.restart();
  await setSecret(bench);
});
