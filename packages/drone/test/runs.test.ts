import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Service } from "@propagit/protocol";
import { identifyProcess } from "@propagit/runtime";
import type { LivingInstance } from "../src/drone-part.js";
import type { InstanceNote } from "../src/world.js";
import { deployment, openParts, shell, type Parts } from "./support/parts.js";
import { openPlace } from "./support/place.js";
import { bytesIn, runIn } from "./support/runs.js";
import { until } from "./support/until.js";

const terminal = { columns: 80, rows: 24, kind: "xterm-256color" };

async function openBench(t: TestContext, service: Partial<Service> = {}) {
  const place = await openPlace(t);
  const sha = await place.commit({ "web.js": "listen()\n", "sub/file": "in sub\n" });
  const note = { process: "a1b2", service: "http", ports: { port: 8123 } };
  const parts: Parts = await openParts({
    folder: place.folder,
    url: `file://${place.hub}`,
    specified: {
      id: deployment,
      services: [{ name: "http", env: { FROM: "service" }, ...service } as Service],
      config: { KEY: "config" },
    },
    instances: [{ note: note as unknown as InstanceNote, pid: 1 } satisfies LivingInstance],
  });
  t.after(() => parts.runs.stop());
  return { ...place, parts, sha, run: runIn.bind(undefined, parts, sha) };
}

test("runs a command in the folder and environment of a deployment, and tells how it ended", async (t) => {
  const { run, folder, sha, parts } = await openBench(t);
  const ran = run(shell('pwd; echo "$FROM $KEY $MORE [$PORT] $SERVICE"; echo oops >&2; exit 7'), {
    env: { MORE: "caller" },
    stream: "c0ffee",
  });
  assert.deepEqual(await ran.result, { drone: "one", code: 7 });
  const checkout = join(folder, "commits", "webapp", sha);
  assert.deepEqual(ran.parts[0], { kind: "started", drone: "one", process: "c0ffee" });
  assert.equal(ran.text("out"), `${checkout}\nservice config caller [] http\n`);
  assert.equal(ran.text("err"), "oops\n");
  assert.deepEqual(parts.runs.commitsInUse(), []);
});

test("keeps only so much of what is said before a command runs", async (t) => {
  const { run } = await openBench(t);
  const ran = run(["cat"], { input: true });
  for (let columns = 1; columns <= 1_001; columns++) ran.tell("run.resize", { columns, rows: 1 });
  await assert.rejects(ran.result, { code: "OVERLOADED" });
});

test("runs a command inside a running instance, and says when there is none", async (t) => {
  const { run } = await openBench(t, { cwd: "sub" });
  const ran = run(shell('cat file; echo "$PORT $PROCESS_ID"'), { process: "a1b2" });
  assert.equal((await ran.result).code, 0);
  assert.equal(ran.text(), "in sub\n8123 a1b2\n");
  await assert.rejects(run(["true"], { process: "beef" }).result, {
    code: "NO_INSTANCE",
    message: "no instance beef runs on one",
  });
});

test("says why a command cannot run, as a shell does", async (t) => {
  const { run } = await openBench(t);
  const missing = run(["no-such-command"]);
  assert.equal((await missing.result).code, 127);
  assert.match(missing.text("err"), /no-such-command: not found/);
  assert.equal((await run(["./web.js"]).result).code, 126);
  const { run: elsewhere } = await openBench(t, { user: "nobody-like-this" });
  await assert.rejects(elsewhere(["true"]).result, {
    code: "COMMAND_FAILED",
    message: "the command cannot be started: there is no user nobody-like-this on this machine",
  });
});

test("hands on every byte that is typed and written", async (t) => {
  const { run } = await openBench(t);
  const ran = run(["cat"], { input: true });
  const bytes = randomBytes(700_000);
  for (let at = 0; at < bytes.length; at += 50_000) ran.type(bytes.subarray(at, at + 50_000));
  ran.type("");

  assert.equal((await ran.result).code, 0);
  const hash = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
  assert.equal(hash(bytesIn(ran.parts, "out")), hash(bytes));
  for (const part of ran.parts) if (part.kind === "output") assert.ok(part.data.length <= 90_000);
  assert.deepEqual(
    ran.parts.findLast(({ kind }) => kind === "taken"),
    { kind: "taken", drone: "one", bytes: bytes.length },
  );
});

test("ends with what it read when nothing is typed at all", async (t) => {
  const { run } = await openBench(t);
  assert.equal((await run(["cat"]).result).code, 0);
});

test("does not let a command run ahead of a slow reader", async (t) => {
  const { run } = await openBench(t);
  const script = "head -c 6000000 /dev/zero; echo over >&2";
  const ran = run(shell(script));
  ran.tell("run.taken", { bytes: 0 });
  const { told } = ran;
  await until("it waits", () => told() >= 1024 * 1024);
  let before = -1;
  await until("nothing more comes", async () => {
    const same = before === told();
    before = told();
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    return same;
  });
  assert.ok(told() < 2 * 1024 * 1024, `${told()} bytes`);

  const reading = setInterval(() => ran.tell("run.taken", { bytes: told() }), 5);
  t.after(() => clearInterval(reading));
  assert.equal((await ran.result).code, 0);
  assert.equal(told(), 6_000_005);
  assert.equal(ran.text("err"), "over\n");
});

test("waits for its own connection too, and gives all to a reader who comes back after the end", async (t) => {
  const { run } = await openBench(t);
  const ran = run(shell("head -c 300000 /dev/zero; echo end"));
  ran.line.bufferedBytes = 5 * 1024 * 1024;
  await until("it begins", () => ran.told() > 0);
  const first = ran.told();
  assert.ok(first < 300_000, `${first} bytes`);
  ran.line.bufferedBytes = 0;
  assert.equal((await ran.result).code, 0);
  assert.equal(ran.told(), 300_004);
});

test("ends a caller who types more than the command takes", async (t) => {
  const { run } = await openBench(t);
  const ran = run(["sleep", "1000"], { input: true });
  for (let number = 0; number < 100; number++) ran.type(Buffer.alloc(60_000));
  await assert.rejects(ran.result, { code: "OVERLOADED" });
});

test("gives it a terminal: size, kind, keys and all", async (t) => {
  const { run } = await openBench(t);
  const script =
    'tty; stty size; echo "$TERM"; trap "stty size; exit 4" WINCH; echo set; while :; do sleep 0.05; done';
  const ran = run(shell(script), { terminal, input: true });
  await until("it is set", () => ran.text().includes("set\r\n"));
  assert.match(ran.text(), /^\/dev\/pts\/\d+\r\n24 80\r\nxterm-256color\r\nset\r\n$/);
  ran.tell("run.resize", { columns: 100, rows: 30 });
  assert.deepEqual(await ran.result, { drone: "one", code: 4 });
  assert.match(ran.text(), /30 100\r\n$/);

  const typed = run(shell('read line; echo "got $line"; cat; exit 9'), { terminal, input: true });
  typed.type("wörd\r");
  await until("it answers", () => typed.text().includes("got wörd"));
  typed.type("");
  assert.equal((await typed.result).code, 9);

  const interrupted = run(shell("echo on; exec sleep 1000"), { terminal, input: true });
  await until("it runs", () => interrupted.text() === "on\r\n");
  interrupted.type("\u0003");
  assert.deepEqual(await interrupted.result, { drone: "one", code: 130, signal: "SIGINT" });
});

test("gives a slow reader the end of what a terminal showed", async (t) => {
  const { run } = await openBench(t);
  const ran = run(shell("head -c 3000000 /dev/zero | tr '\\0' x; echo over"), { terminal });
  ran.tell("run.taken", { bytes: 0 });
  await until("it waits", () => ran.told() >= 1024 * 1024);
  const reading = setInterval(() => ran.tell("run.taken", { bytes: ran.told() }), 5);
  t.after(() => clearInterval(reading));
  assert.equal((await ran.result).code, 0);
  assert.equal(ran.text().length, 3_000_006);
});

test("passes signals on, and tells which one ended it", async (t) => {
  const { run } = await openBench(t);
  const ran = run(shell("echo on; exec sleep 1000"));
  await until("it runs", () => ran.text() === "on\n");
  ran.tell("run.signal", { signal: "SIGTERM" });
  assert.deepEqual(await ran.result, { drone: "one", code: 143, signal: "SIGTERM" });
});

test("ends everything it started when the caller goes, with a terminal or without", async (t) => {
  const { run } = await openBench(t);
  const script =
    "trap '' HUP TERM; echo pid $$; (trap '' HUP; sleep 1000) & echo pid $!; set -m; sleep 1000 & echo pid $!; wait; sleep 1000";
  for (const more of [{}, { terminal, input: true }]) {
    const ran = run(shell(script), more);
    await until("it runs", () => ran.text().split("pid").length === 4);
    ran.leave();
    await assert.rejects(ran.result, { code: "LINK_LOST", message: "the caller has gone" });
    for (const [, pid] of ran.text().matchAll(/pid (\d+)/g)) {
      assert.equal(await identifyProcess(Number(pid)), undefined, `${pid} of ${ran.text()}`);
    }
  }
});

test("leaves nothing in the background of a command that ended", async (t) => {
  const { run } = await openBench(t);
  const ran = run(shell("sleep 1000 & echo $!"));
  assert.equal((await ran.result).code, 0);
  assert.equal(await identifyProcess(Number(ran.text())), undefined);
});

test("runs a hundred commands at the same time, and refuses one more", async (t) => {
  const { run, sha, parts } = await openBench(t);
  await run(["true"]).result;
  const many = Array.from({ length: 100 }, () => run(["cat"], { input: true }));
  await until("all run", () => many.every(({ parts: said }) => said.length > 0));
  await assert.rejects(run(["true"]).result, {
    code: "OVERLOADED",
    message: "drone one runs 100 commands already",
  });
  assert.equal(parts.runs.commitsInUse()[0]?.commit, sha);
  for (const ran of many) ran.type("");
  for (const ran of many) assert.equal((await ran.result).code, 0);

  const last = run(["sleep", "1000"]);
  await until("it runs", () => last.parts.length > 0);
  await parts.runs.stop();
  await assert.rejects(last.result, { code: "COMMAND_FAILED", message: "drone one ends" });
  await assert.rejects(run(["true"]).result, { code: "COMMAND_FAILED" });
});
