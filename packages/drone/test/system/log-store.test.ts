/** Output of instances: kept within bounds, read by time, followed. */
import assert from "node:assert/strict";
import { appendFile, readdir, stat, utimes } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import type { LogQuery } from "@propagit/protocol";
import type { StoredLine } from "../../src/core/log-label.js";
import { openLogBench, type LogBench } from "../support/log-bench.js";
import { until } from "../support/until.js";

const numbered = (from: number, to: number, tail = "") =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}${tail}`);
const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

test("gives the lines of all instances in the order of their times, with whose they are", async (t) => {
  const { open, write, time, lines } = await openLogBench(t);
  const one = await open({ service: "web", slot: 1, release: 4 });
  const two = await open({ service: "say", slot: 2, environment: "staging" });
  const start = time.now;
  await write(one, "first\nsecond\n");
  time.now = start + 1_000;
  await write(two, "third\n");
  time.now = start + 2_000;
  await write(one, "fourth\n");

  const found = await lines();

  assert.deepEqual(
    found.map(({ at, text }) => [at - start, text]),
    [
      [0, "first"],
      [0, "second"],
      [1_000, "third"],
      [2_000, "fourth"],
    ],
  );
  assert.deepEqual(found[0], {
    at: start,
    repo: "webapp",
    environment: "production",
    release: 4,
    commit: "a".repeat(40),
    service: "web",
    slot: 1,
    process: one.label.process,
    text: "first",
  });
});

test("gives only what is asked for: by repo, environment, release, service, process, time, number, pattern", async (t) => {
  const bench = await openLogBench(t);
  const { open, write, time, texts } = bench;
  const start = time.now;
  const web = await open({ service: "web", release: 1 });
  const say = await open({ service: "say", release: 2, environment: "staging" });
  const other = await open({ repo: "other", service: "web", release: 3 });
  for (const [index, output] of [web, say, other, web].entries()) {
    time.now = start + index * 1_000;
    await write(output, `line ${index}\n`);
  }
  assert.deepEqual(await texts({ repo: "other" }), ["line 2"]);
  assert.deepEqual(await texts({ environment: "staging" }), ["line 1"]);
  assert.deepEqual(await texts({ release: 3 }), ["line 2"]);
  assert.deepEqual(await texts({ deployments: [say.label.deployment], services: ["say"] }), [
    "line 1",
  ]);
  assert.deepEqual(await texts({ deployments: ["0".repeat(16)] }), []);
  assert.deepEqual(await texts({ services: ["say", "none"] }), ["line 1"]);
  assert.deepEqual(await texts({ processes: [web.label.process] }), ["line 0", "line 3"]);
  assert.deepEqual(await texts({ since: start + 2_000 }), ["line 2", "line 3"]);
  assert.deepEqual(await texts({ last: 1 }), ["line 3"]);
  assert.deepEqual(await texts({ last: 3, since: start + 2_000 }), ["line 2", "line 3"]);
  assert.deepEqual(await texts({ last: 0 }), []);
  assert.deepEqual(await texts({ grep: "[13]$" }), ["line 1", "line 3"]);
  assert.deepEqual(await texts({ grep: "[013]$", last: 2 }), ["line 1", "line 3"]);
});

test("gives the last hundred when nothing is said, and all since a time", async (t) => {
  const { open, write, texts, time } = await openLogBench(t);
  const output = await open();
  await write(output, text(numbered(0, 5_000)));
  assert.deepEqual(await texts(), numbered(4_900, 5_000));
  assert.deepEqual(await texts({ since: time.now - 1 }), numbered(0, 5_000));
  assert.deepEqual(await texts({ last: 3_000 }), numbered(2_000, 5_000));
});

test("keeps apart the releases that one process served, by time", async (t) => {
  const { open, write, texts, time } = await openLogBench(t);
  const output = await open({ release: 1 });
  await write(output, "of the first\n");
  time.now += 5_000;
  const { label } = output;
  await output.remember({
    ...label,
    artifact: label.commit,
    release: 2,
    ports: {},
    restarts: 0,
    records: [],
    wasReady: true,
    startedAt: 0,
  });
  time.now += 5_000;
  await write(output, "of the second\n");
  assert.deepEqual(await texts({ release: 1 }), ["of the first"]);
  assert.deepEqual(await texts({ release: 2 }), ["of the second"]);
});

test("shows lines as well as they can be shown: half, long, not text, with NULs, of Windows", async (t) => {
  const { open, write, texts } = await openLogBench(t);
  const output = await open();
  await write(output, "\n");
  await write(output, Buffer.from([0x61, 0xff, 0x62, 0x00, 0x63, 0x0d, 0x0a]));
  await write(output, `${"x".repeat(20_000)}\n`);
  await write(output, "half a li");
  const cut = `${"x".repeat(8_000)} … (line cut)`;
  assert.deepEqual(await texts(), ["", "a\uFFFDbc", cut, "half a li"]);
  await write(output, "ne\n");
  assert.deepEqual(await texts({ last: 1 }), ["half a line"]);
});

test("is readable after the instance and after another life of the drone, with times", async (t) => {
  const { folder, open, write, time, texts, lines } = await openLogBench(t);
  const output = await open();
  const start = time.now;
  await write(output, "seen\n");
  output.stop();
  // Written while there was no drone.
  await appendFile(`${output.path}.log`, "unseen\n");
  const at = new Date(start + 60_000);
  await utimes(`${output.path}.log`, at, at);
  time.now = start + 90_000;
  const again = await open({ process: output.label.process });
  assert.equal(again.path, output.path);
  await write(again, "seen again\n");
  assert.deepEqual(await again.lastLines(), ["seen again"]);
  const found = await lines();
  assert.deepEqual(
    found.map((line) => [line.at - start, line.text]),
    [
      [0, "seen"],
      [60_000, "unseen"],
      [90_000, "seen again"],
    ],
  );
  assert.deepEqual(await texts({ since: start + 60_000 }), ["unseen", "seen again"]);
  assert.ok(folder);
});

test("keeps the newest part within the bound of an instance, and every whole line of it", async (t) => {
  const { open, write, texts } = await openLogBench(t, { bytesMax: 40_000 });
  const output = await open();
  for (let block = 0; block < 50; block++) {
    await write(output, text(numbered(block * 100, block * 100 + 100)));
  }
  const kept = [(await stat(`${output.path}.log`)).size, (await stat(`${output.path}.log.1`)).size];
  assert.ok(
    kept.every((bytes) => bytes <= 21_500),
    String(kept),
  );
  const found = await texts({ last: 100_000 });
  assert.ok(found.length > 1_500);
  assert.deepEqual(found, numbered(5_000 - found.length, 5_000));
});

test("keeps the end of what came far too much at once", async (t) => {
  const { open, write, texts } = await openLogBench(t, { bytesMax: 20_000 });
  const output = await open();
  await write(output, text(numbered(0, 20_000)));
  assert.equal((await stat(`${output.path}.log`)).size, 0);
  assert.ok((await stat(`${output.path}.log.1`)).size <= 10_000);
  const found = await texts({ last: 10 });
  assert.deepEqual(found, numbered(19_990, 20_000));
});

test("removes the oldest output of ended instances when there is too much of all", async (t) => {
  const { folder, open, write, store, texts } = await openLogBench(t, { folderBytesMax: 5_000 });
  const outputs = [];
  for (let index = 0; index < 4; index++) {
    const output = await open({ slot: index + 1 });
    await write(output, `${index}${"x".repeat(1_997)}\n`);
    const at = new Date(1_700_000_000_000 + index * 60_000);
    await utimes(`${output.path}.log`, at, at);
    outputs.push(output);
  }
  const [, second, third] = outputs;
  second?.stop();
  third?.stop();
  await until("the outputs to be closed", () => second?.isOpen === false);

  await store.tidy();

  assert.deepEqual((await texts()).map((line) => line.slice(0, 1)).toSorted(), ["0", "3"]);
  assert.equal((await readdir(`${folder}/webapp/production`)).length, 6);
});

test("refuses a pattern that is none, and stops one that would never end", async (t) => {
  const { open, write, texts } = await openLogBench(t);
  const output = await open();
  await write(output, `${"a".repeat(5_000)}b\n`);
  await assert.rejects(texts({ grep: "(" }), { code: "BAD_USAGE" });
  await assert.rejects(texts({ grep: "^(a+)+$" }), {
    code: "BAD_USAGE",
    message: '--grep "^(a+)+$" takes longer than 0.5 s for 1 lines',
  });
});

test("follows what is written from now on, after what was there, without a gap or a line twice", async (t) => {
  const bench = await openLogBench(t);
  const { open } = bench;
  const output = await open();
  let written = 0;
  const writeMore = () =>
    appendFile(`${output.path}.log`, text(numbered(written, (written += 100))));
  await writeMore();
  const follower = follow(t, bench, { last: 10_000 });
  for (let round = 0; round < 20; round++) await writeMore();
  await until("all lines", () => follower.lines.length >= written);
  assert.deepEqual(follower.texts(), numbered(0, written));
  follower.end();
  await follower.ended;
});

test("follows instances that come later, to their last half line", async (t) => {
  const bench = await openLogBench(t);
  const { open } = bench;
  const follower = follow(t, bench, { last: 0, services: ["web"] });
  const [web, say] = [await open({ service: "web" }), await open({ service: "say" })];
  await appendFile(`${say.path}.log`, "not asked for\n");
  await appendFile(`${web.path}.log`, "one\nhal");
  await until("the first line", () => follower.lines.length === 1);
  await appendFile(`${web.path}.log`, "f a line\nlast words");
  await until("the second line", () => follower.lines.length === 2);
  web.stop();
  await until("the last line", () => follower.lines.length === 3);
  assert.deepEqual(follower.texts(), ["one", "half a line", "last words"]);
});

test("follows through cuts of the file, and does not lose a line to them", async (t) => {
  const bench = await openLogBench(t, { bytesMax: 20_000 });
  const { open, write } = bench;
  const output = await open();
  const follower = follow(t, bench, { last: 10_000 });
  for (let block = 0; block < 40; block++) {
    await write(output, text(numbered(block * 100, block * 100 + 100)));
    await until("read so far", () => follower.lines.length === (block + 1) * 100);
  }
  assert.ok(output.lastCut.number >= 3);
  assert.deepEqual(follower.texts(), numbered(0, 4_000));
});

test("waits for a reader who is slow, and is there for others meanwhile", async (t) => {
  const bench = await openLogBench(t);
  const { open, write, store, texts } = bench;
  const output = await open();
  await write(output, text(numbered(0, 10_000)));
  let release: () => void = () => undefined;
  let calls = 0;
  const slow = store.query(
    { follow: false, last: 10_000 },
    () => {
      calls++;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    },
    new AbortController().signal,
  );
  await until("the first batch", () => calls === 1);
  assert.deepEqual(await texts({ last: 1 }), ["line 9999"]);
  assert.equal(calls, 1);
  const pump = setInterval(() => release(), 1);
  await slow;
  clearInterval(pump);
  assert.equal(calls, 20);
});

interface Follower {
  readonly lines: StoredLine[];
  readonly texts: () => readonly string[];
  readonly end: () => void;
  readonly ended: Promise<void>;
}

function follow(t: TestContext, { store }: LogBench, query: Partial<LogQuery>): Follower {
  const lines: StoredLine[] = [];
  const controller = new AbortController();
  const ended = store.query(
    { follow: true, ...query },
    (some) => void lines.push(...some),
    controller.signal,
  );
  t.after(() => controller.abort());
  return {
    lines,
    texts: () => lines.map(({ text: it }) => it),
    end: () => controller.abort(),
    ended,
  };
}
