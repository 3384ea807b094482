/** Lives of a drone: what one leaves running the next takes over, at whatever point the first was ended. */
import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { identifyProcess, nodeClock, nodeDisk, silentLog } from "@propagit/runtime";
import { bootId } from "../../src/system/boot-id.js";
import { endOldLedger } from "../../src/system/process-ledger.js";
import type { InstanceNote } from "../../src/world.js";
import { isAlive } from "../support/bench.js";
import { endOf, gone, noteOf, openProcessBench, runFolders } from "../support/process-bench.js";

const program = fileURLToPath(import.meta.resolve("../support/launch-process.js"));
const lives = `setInterval(() => {}, 1000);`;
const up = (name: string) => `require("fs").writeFileSync("${name}", String(process.pid));`;

test("takes over what runs, with its exit code, its signals and its last lines", async (t) => {
  const { begin, app, said, folder } = await openProcessBench(t);
  const script = `console.log("before"); ${up("up")}
    process.on("SIGUSR2", () => { console.log("after"); process.exit(6); }); ${lives}`;
  const request = app(script);
  const first = await begin().processes.launch(request);
  await said("up");
  await first.remember({ ...request.note, wasReady: true });

  const [adopted, ...others] = await begin().processes.adopt();

  assert.deepEqual(others, []);
  assert.ok(adopted);
  assert.deepEqual(adopted.note, { ...request.note, wasReady: true });
  assert.equal(adopted.running.pid, first.pid);
  assert.deepEqual(await adopted.running.lastLines(), ["before"]);
  adopted.running.signal("SIGUSR2");
  const lastLines = ["before", "after"];
  assert.deepEqual(await endOf(adopted.running), { how: "exited with code 6", code: 6, lastLines });
  assert.deepEqual(await runFolders(folder), []);
});

test("tells how those ended that ended while nobody looked", async (t) => {
  const { begin, app, said, folder } = await openProcessBench(t);
  const { processes } = begin();
  const script = `console.log("bye"); process.on("SIGUSR2", () => process.exit(3)); ${up("up")} ${lives}`;
  const one = await processes.launch(app(script));
  await said("up");
  const two = await processes.launch(app("", { command: ["sleep", "1000"] }));
  const shims = [await groupOf(one.pid), await groupOf(two.pid)];
  processes.leave();
  process.kill(one.pid, "SIGUSR2");
  process.kill(two.pid, "SIGKILL");
  await Promise.all([one.pid, two.pid, ...shims].map(gone));

  const adopted = await begin().processes.adopt();

  const ends = await Promise.all(adopted.map(({ running }) => running.ended));
  assert.deepEqual(
    ends.toSorted((left, right) => (left.code ?? 0) - (right.code ?? 0)),
    [
      { how: "exited with code 3", code: 3, lastLines: ["bye"] },
      { how: "was ended by SIGKILL", code: 137, lastLines: [] },
    ],
  );
  assert.deepEqual(await runFolders(folder), []);
});

test("says that it does not know how those ended whose shim was killed too, and ends what is left", async (t) => {
  const { begin, app, said } = await openProcessBench(t);
  const { processes } = begin();
  const daemon = `process.on("SIGTERM", () => {}); ${up("daemon")} ${lives}`;
  const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(daemon)}],
    { detached: true, stdio: "ignore" }); ${lives}`;
  const running = await processes.launch(app(script));
  const left = Number(await said("daemon"));
  processes.leave();
  const shim = await groupOf(running.pid);
  process.kill(-shim, "SIGKILL");
  await Promise.all([gone(running.pid), gone(shim)]);

  const [adopted] = await begin().processes.adopt();

  assert.ok(adopted);
  const { how, code } = await endOf(adopted.running);
  assert.deepEqual({ how, code }, { how: "ended while nobody watched", code: undefined });
  assert.equal(await isAlive(left), false);
});

test("follows an app whose shim was killed while nobody looked", async (t) => {
  const { begin, app } = await openProcessBench(t);
  const { processes } = begin();
  const running = await processes.launch(app(lives));
  processes.leave();
  const shim = await groupOf(running.pid);
  process.kill(shim, "SIGKILL");
  await gone(shim);

  const [adopted] = await begin().processes.adopt();

  assert.equal(adopted?.running.pid, running.pid);
  adopted?.running.signal("SIGTERM");
  assert.ok(adopted);
  await endOf(adopted.running);
  assert.equal(await isAlive(running.pid), false);
});

test("sees the end of an app whose shim was killed after it was taken over", async (t) => {
  const { begin, app, folder } = await openProcessBench(t);
  const { processes } = begin();
  const { pid } = await processes.launch(app(lives));
  const [adopted] = await begin().processes.adopt();
  assert.ok(adopted);
  const shim = await groupOf(pid);
  process.kill(shim, "SIGKILL");
  await gone(shim);
  assert.equal(await isAlive(pid), true);

  process.kill(pid, "SIGTERM");

  assert.deepEqual(await endOf(adopted.running), {
    how: "ended, and what watched it did too",
    code: undefined,
    lastLines: [],
  });
  assert.deepEqual(await runFolders(folder), []);
});

test("never takes a process for an instance that only has its pid, nor signals it", async (t) => {
  const { begin, folder } = await openProcessBench(t);
  const stranger = await startStranger(t);
  const { pid = 0 } = stranger;
  const stat = `${pid} (node) S 1 ${pid} ${pid} 0 -1 ${"0 ".repeat(13)}1 0 0\n`;
  const note = noteOf();
  await writeFolder(folder, note, { pid: stat, shim: stat, exit: " " });

  const [adopted] = await begin().processes.adopt();

  assert.equal((await adopted?.running.ended)?.how, "ended while nobody watched");
  adopted?.running.signal("SIGKILL");
  assert.equal(await isAlive(pid), true);
  assert.deepEqual(await runFolders(folder), []);
});

test("signals nothing after the machine was started anew", async (t) => {
  const { begin, folder } = await openProcessBench(t);
  const stranger = await startStranger(t);
  const { pid = 0 } = stranger;
  // The same pid and start time again, as may be after a reboot.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  await writeFolder(folder, noteOf(), { pid: stat, shim: stat, exit: " " }, "another-boot");

  const [adopted] = await begin().processes.adopt();

  const { how, code } = (await adopted?.running.ended) ?? {};
  assert.deepEqual({ how, code }, { how: "ended with the machine", code: undefined });
  assert.equal(await isAlive(pid), true);
});

for (const [what, files] of [
  ["an empty folder", {}],
  ["half a note", { "note.json": '{"boot":"' }],
  ["a note alone", { "note.json": "whole" }],
  ["a note that is being written anew", { "note.json": "whole", "note.json.new": '{"bo' }],
  ["blanks for the shim", { "note.json": "whole", shim: "   " }],
  ["blanks for everything", { "note.json": "whole", shim: "   ", pid: "   ", exit: "   " }],
  ["a pipe that nobody holds", { "note.json": "whole", exit: "   ", alive: "fifo" }],
] as const) {
  test(`removes what a launch left that was cut off at ${what}`, async (t) => {
    const { begin, folder } = await openProcessBench(t);
    const note = noteOf();
    const path = join(folder, "run", note.process);
    await mkdir(path, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      const content = text === "whole" ? JSON.stringify({ boot: await bootId(), note }) : text;
      if (text === "fifo") execFileSync("mkfifo", [join(path, name)]);
      else await writeFile(join(path, name), content);
    }
    assert.deepEqual(await begin().processes.adopt(), []);
    assert.deepEqual(await runFolders(folder), []);
  });
}

test("ends an instance whose note cannot be read any more", async (t) => {
  const { begin, app, folder } = await openProcessBench(t);
  const { processes } = begin();
  const request = app(lives);
  const running = await processes.launch(request);
  await writeFile(join(folder, "run", request.note.process, "note.json"), "{");
  assert.deepEqual(await begin().processes.adopt(), []);
  assert.equal(await isAlive(running.pid), false);
  assert.deepEqual(await runFolders(folder), []);
});

test("loses none of ten starts that its drone was killed in the middle of", async (t) => {
  const { begin, folder } = await openProcessBench(t);
  for (let round = 0; round < 10; round++) {
    const child = spawn(process.execPath, [program, folder], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    t.after(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
    // From before the first folder to after the last start, in steps of some milliseconds.
    const end = performance.now() + round * 8;
    while (performance.now() < end);
    child.kill("SIGKILL");
    await once(child, "exit");

    const { processes } = begin();
    const adopted = await processes.adopt();
    const found = await carriers();
    assert.deepEqual(
      found.toSorted(byNumber),
      adopted
        .map(({ running }) => running.pid)
        .filter((pid) => pid > 0)
        .toSorted(byNumber),
    );
    for (const { running } of adopted) running.signal("SIGKILL");
    await Promise.all(adopted.map(({ running }) => endOf(running)));
    assert.deepEqual(await runFolders(folder), []);
  }
});

test("takes over fifty at once", async (t) => {
  const { begin, app } = await openProcessBench(t);
  const { processes } = begin();
  const requests = Array.from({ length: 50 }, () => app("", { command: ["sleep", "1000"] }));
  const all = await Promise.all(requests.map((request) => processes.launch(request)));
  const next = begin().processes;
  const adopted = await next.adopt();
  assert.deepEqual(
    adopted.map(({ running }) => running.pid).toSorted(byNumber),
    all.map(({ pid }) => pid).toSorted(byNumber),
  );
});

test("ends what an earlier version of the drone left, and takes its list away", async (t) => {
  const { folder } = await openProcessBench(t);
  const path = join(folder, "instances.json");
  const [known, marked, stranger] = [
    await startStranger(t),
    await startStranger(t, { PROCESS_ID: "0123456789abcdef" }),
    await startStranger(t),
  ];
  const { startTime } = (await identifyProcess(known.pid ?? 0)) ?? {};
  const entries = [
    { process: "1111111111111111", pid: known.pid, startTime },
    { process: "0123456789abcdef" },
    { process: "2222222222222222", pid: stranger.pid, startTime: "1" },
  ];
  const ledger = { disk: nodeDisk, path, clock: nodeClock, log: silentLog, graceMs: 1_000 };
  await writeFile(path, JSON.stringify(entries));
  await endOldLedger(ledger);
  assert.deepEqual(
    [await isAlive(known.pid), await isAlive(marked.pid), await isAlive(stranger.pid)],
    [false, false, true],
  );
  assert.equal(await nodeDisk.read(path), undefined);
  await writeFile(path, '[{"process":7},null,{"pro');
  await endOldLedger(ledger);
  await endOldLedger(ledger);
});

function byNumber(left: number, right: number): number {
  return left - right;
}

async function startStranger(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const child = spawn("sleep", ["1000"], {
    detached: true,
    stdio: "ignore",
    env: { PATH: process.env["PATH"], ...env },
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

async function writeFolder(
  folder: string,
  note: InstanceNote,
  files: Readonly<Record<string, string>>,
  boot?: string,
): Promise<void> {
  const path = join(folder, "run", note.process);
  await mkdir(path, { recursive: true });
  const text = JSON.stringify({ boot: boot ?? (await bootId()), note });
  await writeFile(join(path, "note.json"), text);
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
}

async function groupOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
}

/** Apps of launch-process.ts that run. */
async function carriers(): Promise<number[]> {
  const text = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
  return text
    .split("\n")
    .map((line) => /^\s*(\d+) sleep 98765$/.exec(line)?.[1])
    .filter((pid) => pid !== undefined)
    .map(Number);
}
