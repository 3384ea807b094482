import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { Ledger } from "../src/ledger.js";
import { SettingsDesk } from "../src/settings-desk.js";
import {
  callOf,
  commitOf,
  makeDeskBench,
  sessionKey,
  type DeskBench,
} from "./support/desk-bench.js";

const web = "services:\n  web: { command: node web.mjs }\n";
const hide = (value: string) => nodeCrypto.encrypt(sessionKey, value);
const plain = (name: string, value: string) => ({ name, value: hide(value), secret: false });
const secret = (name: string, value: string) => ({ name, value: hide(value), secret: true });

interface Change {
  readonly set?: { name: string; value: string; secret: boolean }[];
  readonly unset?: string[];
  readonly deploy?: boolean;
}

const configure = (bench: DeskBench, { set = [], unset = [], deploy = true }: Change) =>
  bench.settings.configure(
    { repo: "webapp", set, unset, deploy, by: "ann" },
    callOf("hub.configure").call,
  );

test("a change is a release of what is current, with the new settings", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  const { changed, rollout } = await configure(bench, { set: [plain("A", "1"), secret("S", "s")] });
  assert.deepEqual(changed, ["A", "S"]);
  assert.equal(rollout?.release, 2);
  const request = bench.requests.at(-1);
  assert.equal(request?.kind, "config");
  assert.equal(request.commit, commitOf("one"));
  assert.equal(request.promote, true);
  assert.equal(request.specification.services[0]?.name, "web");
  assert.deepEqual(Object.keys(request.settings), ["A", "S"]);
});

test("with nothing deployed, without a deploy, or without a change there is no release", async () => {
  const bench = await makeDeskBench();
  assert.deepEqual(await configure(bench, { set: [plain("A", "1")] }), { changed: ["A"] });
  await bench.deploy("one", web);
  const batched = await configure(bench, { set: [plain("B", "2")], deploy: false });
  assert.deepEqual(batched, { changed: ["B"] });
  const again = await configure(bench, { set: [plain("B", "2")], unset: ["NONE"] });
  assert.deepEqual(again, { changed: [] });
  assert.equal(bench.requests.length, 1);
  assert.deepEqual(bench.settings.settings({ repo: "webapp" }).pending, ["B"]);
});

test("new settings do not undo a release that is on its way to the visitors", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  await bench.startRollout();
  await configure(bench, { set: [plain("A", "1")] });
  assert.equal(bench.row(3).number, 3);
  await bench.startRollout({ promote: false });
  await configure(bench, { set: [plain("A", "2")] });
  assert.equal(bench.requests.at(-1)?.commit, commitOf("one"));
});

test("values of secrets are told to nobody, others are; names, times and authors are", async () => {
  const bench = await makeDeskBench();
  await bench.deploy("one", web);
  await configure(bench, { set: [secret("TOKEN", "hunter2"), plain("A", "open")] });
  const told = bench.settings.settings({ repo: "webapp" });
  const [at, by] = [1_000_000, "ann"];
  assert.deepEqual(told, {
    settings: [
      { name: "A", value: "open", secret: false, at, by },
      { name: "TOKEN", secret: true, at, by },
    ],
    pending: [],
  });
});

test("a value is nowhere in clear: not on disk, in events, in answers or in refusals", async () => {
  const store = openMemoryStore();
  const bench = await makeDeskBench(store);
  const { call } = callOf("hub.release");
  await bench.deploy("one", web);
  const answers: unknown[] = [];
  answers.push(await configure(bench, { set: [secret("TOKEN", "hunter2")] }));
  answers.push(bench.settings.settings({ repo: "webapp" }));
  answers.push(await bench.releases.release({ repo: "webapp", release: 2 }, call));
  answers.push(await bench.releases.diff({ repo: "webapp", from: 1, to: 2 }));
  answers.push(await bench.ledger.events(100), (await store.list("")).entries, bench.requests);
  assert.equal(JSON.stringify(answers).includes("hunter2"), false);
  for (const wrong of [
    secret("PORT", "hunter2"),
    secret("A-B", "hunter2"),
    plain("TOKEN", "hunter2"),
  ]) {
    await assert.rejects(configure(bench, { set: [wrong] }), (error: Error & { hint: string }) => {
      return !`${error.message} ${error.hint} ${error.stack}`.includes("hunter2");
    });
  }
});

test("a value that did not come hidden under this session's key is refused", async () => {
  const bench = await makeDeskBench();
  for (const value of ["hunter2", "", nodeCrypto.encrypt("other", "x")]) {
    const set = [{ name: "A", value, secret: true }];
    await assert.rejects(configure(bench, { set }), { code: "BAD_SETTING" });
  }
});

test("settings that the key does not open are told when the hub starts", async () => {
  const store = openMemoryStore();
  const bench = await makeDeskBench(store);
  await configure(bench, { set: [secret("TOKEN", "hunter2")] });
  const ledger = await Ledger.open(store, bench.clock);
  const world = { crypto: nodeCrypto, clock: bench.clock, settingsKey: "b2".repeat(32) };
  const open = (key: string) =>
    new SettingsDesk({ ...world, settingsKey: key }, ledger, bench.releases);
  assert.throws(() => open(world.settingsKey), { code: "DATA_UNUSABLE" });
  open("a1".repeat(32));
});
