/** Processes under their shims: how they start, and how they end. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readlink, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isAlive } from "../support/bench.js";
import {
  endOf,
  gone,
  openProcessBench,
  runFolders,
  writeScript,
  zombiesOf,
} from "../support/process-bench.js";
import { until } from "../support/until.js";

const lives = `setInterval(() => {}, 1000);`;
/** Says its name when it is ready, so that handlers are there. */
const up = (name: string) => `require("fs").writeFileSync("${name}", String(process.pid));`;
const child = (script: string, options = "{}") =>
  `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(script)}], { stdio: "inherit", ...${options} })`;

test("tells the exit code of an app, and what it said last", async (t) => {
  const { begin, app, folder } = await openProcessBench(t);
  const { processes } = begin();
  const running = await processes.launch(
    app(`console.log("hello"); console.error("no config"); process.exit(3)`),
  );
  assert.deepEqual(await endOf(running), {
    how: "exited with code 3",
    code: 3,
    lastLines: ["hello", "no config"],
  });
  assert.deepEqual(await runFolders(folder), []);
  await until("no zombie", async () => (await zombiesOf(process.pid)) === 0);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR2", "SIGKILL"] as const) {
  test(`gives ${signal} to the app with its default, and tells that it ended by it`, async (t) => {
    const { begin, app, said } = await openProcessBench(t);
    const running = await begin().processes.launch(app(up("up") + lives));
    assert.equal(Number(await said("up")), running.pid);
    running.signal(signal);
    const { how, code } = await endOf(running);
    assert.equal(how, `was ended by ${signal}`);
    assert.ok(code !== undefined && code > 128);
  });
}

test("gives the app its folder and its variables, and nothing else", async (t) => {
  const { begin, app, said, folder } = await openProcessBench(t);
  const request = app(
    `require("fs").writeFileSync("seen", JSON.stringify({ env: process.env, cwd: process.cwd() }));${lives}`,
  );
  const running = await begin().processes.launch(request);
  const { env, cwd } = JSON.parse(await said("seen")) as {
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  };
  // Some shells add where they are.
  const { PWD: _, ...variables } = env;
  assert.deepEqual(variables, request.variables);
  assert.equal(cwd, join(folder, "work"));
  assert.equal(await readlink(`/proc/${running.pid}/fd/0`), "/dev/null");
});

test("gives the app every signal as it would be without a shim", async (t) => {
  const { begin, app } = await openProcessBench(t);
  const running = await begin().processes.launch(
    app("", { command: ["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"] }),
  );
  const none = "0".repeat(16);
  assert.deepEqual((await endOf(running)).lastLines, [`SigBlk:\t${none}`, `SigIgn:\t${none}`]);
});

test("shows in a list of processes what is run, and nothing of how it is watched", async (t) => {
  const { begin, app, folder } = await openProcessBench(t);
  const request = app("", { command: ["sleep", "1000"] });
  const { pid } = await begin().processes.launch(request);
  const shim = await groupOf(pid);
  const list = () =>
    execFileSync("ps", ["-o", "args=", "-p", `${shim},${pid}`], { encoding: "utf8" });
  // Between fork and exec it is the shim's own shell for a moment.
  await until("the app to be the app", () => list().includes("\nsleep"));
  const run = join(folder, "run", request.note.process);
  assert.deepEqual(list().trim().split("\n"), [
    `/bin/sh -c eval "$PROPAGIT_SHIM" propagit-shim webapp aaaaaaa web.1 ${run} sleep 1000`,
    "sleep 1000",
  ]);
});

test("leaves nothing of an app and its children that ignore SIGTERM, no zombie either", async (t) => {
  const { begin, app, said, folder } = await openProcessBench(t, { stopTimeoutMs: 10_000 });
  const stubborn = `process.on("SIGTERM", () => {});`;
  const script = `${stubborn} ${child(`${stubborn} ${up("child")} ${lives}`)}; ${up("up")} ${lives}`;
  const running = await begin().processes.launch(app(script));
  const [pid, shim] = [Number(await said("child")), await groupOf(running.pid)];
  await said("up");
  running.signal("SIGTERM");
  running.signal("SIGKILL");
  const { how, code } = await endOf(running);
  assert.deepEqual({ how, code }, { how: "was ended by SIGKILL", code: 137 });
  // The shim asked how the app ended, this process how the shim did: no process 1 is needed for them.
  await until("both to be gone", async () =>
    [running.pid, shim].every((one) => !existsSync(`/proc/${one}`)),
  );
  assert.equal(await isAlive(pid), false);
  assert.deepEqual(await runFolders(folder), []);
});

test("ends an app whose shim is stopped and cannot tell of it", async (t) => {
  const { begin, app, said } = await openProcessBench(t);
  const running = await begin().processes.launch(app(up("up") + lives));
  await said("up");
  process.kill(await groupOf(running.pid), "SIGSTOP");
  running.signal("SIGKILL");
  assert.equal((await endOf(running)).how, "was ended by SIGKILL");
});

test("lets the app go before the drone when memory runs out", async (t) => {
  const own = "/proc/self/oom_score_adj";
  const before = await readFile(own, "utf8");
  const isSpared = await writeFile(own, "-10").then(
    () => true,
    () => false,
  );
  if (!isSpared) return t.skip("only a privileged process may be spared");
  t.after(() => writeFile(own, before));
  const { begin, app } = await openProcessBench(t);
  const { pid } = await begin().processes.launch(app(lives));
  const scores = [await groupOf(pid), pid].map((one) =>
    readFile(`/proc/${one}/oom_score_adj`, "utf8"),
  );
  assert.deepEqual(await Promise.all(scores), ["-10\n", "0\n"]);
});

test("tells what is wrong with a command before anything is started", async (t) => {
  const { begin, app, folder } = await openProcessBench(t);
  const { processes } = begin();
  const plain = await writeScript(folder, "plain", "#!/bin/sh\n");
  execFileSync("chmod", ["644", plain]);
  await writeScript(folder, "lost", "#!/no/such/interpreter -x\n");
  const cases = [
    [["nothing-of-that-name"], "command not found: nothing-of-that-name"],
    [["./nothing"], "command not found: ./nothing"],
    [["./plain"], "./plain cannot be run: it is not executable"],
    [["./lost"], "./lost cannot be run: the interpreter in its first line is missing"],
  ] as const;
  for (const [command, message] of cases) {
    await assert.rejects(processes.launch(app("", { command })), {
      code: "DEPLOY_FAILED",
      message,
    });
  }
  await assert.rejects(processes.launch(app("", { folder: join(folder, "away") })), {
    message: `there is no folder ${folder}/away to run it in`,
  });
  assert.deepEqual(await runFolders(folder), []);
});

test("ends children that outlive the app, also those that ignore SIGTERM", async (t) => {
  const { begin, app, said } = await openProcessBench(t, { stopTimeoutMs: 300 });
  const stubborn = `process.on("SIGTERM", () => {}); ${up("child")} ${lives}`;
  const script = `${child(stubborn)}; process.on("SIGUSR2", () => process.exit(7)); ${up("up")} ${lives}`;
  const running = await begin().processes.launch(app(script));
  const pid = Number(await said("child"));
  await said("up");
  running.signal("SIGUSR2");
  assert.equal((await endOf(running)).how, "exited with code 7");
  assert.equal(await isAlive(pid), false);
});

test("ends daemons that left the group by a session of their own and closed every file", async (t) => {
  const { begin, app, said } = await openProcessBench(t, { stopTimeoutMs: 300 });
  const daemon = `${up("daemon")} process.on("SIGTERM", () => {}); ${lives}`;
  const script = `const c = require("child_process").spawn("sh", ["-c", 'exec 9>&- "$0" "$@"', process.execPath, "-e", ${JSON.stringify(daemon)}],
    { stdio: "ignore", detached: true }); c.unref(); setTimeout(() => process.exit(0), 300);`;
  const running = await begin().processes.launch(app(script));
  const pid = Number(await said("daemon"));
  assert.equal((await endOf(running)).how, "exited with code 0");
  assert.equal(await isAlive(pid), false);
});

test("waits for the port that a child keeps for a while after the end of its app", async (t) => {
  const { begin, app, said } = await openProcessBench(t, { stopTimeoutMs: 10_000 });
  const keeper = `process.on("SIGTERM", () => setTimeout(() => process.exit(), 600));
    require("net").createServer().listen(0, () => { ${up("keeper")} }); ${lives}`;
  const script = `${child(keeper)}; process.on("SIGTERM", () => process.exit(0)); ${up("up")} ${lives}`;
  const running = await begin().processes.launch(app(script));
  const pid = Number(await said("keeper"));
  await said("up");
  running.signal("SIGTERM");
  await endOf(running);
  assert.equal(await isAlive(pid), false);
});

test("lets an app that closes its output and every other file run until it ends", async (t) => {
  const { begin, app, said } = await openProcessBench(t);
  const script = `const fs = require("fs"); for (const fd of [1, 2, 9]) fs.closeSync(fd);
    process.on("SIGUSR2", () => process.exit(4)); ${up("up")} ${lives}`;
  const running = await begin().processes.launch(app(script));
  await said("up");
  assert.equal(await isAlive(running.pid), true);
  running.signal("SIGUSR2");
  assert.deepEqual(await endOf(running), { how: "exited with code 4", code: 4, lastLines: [] });
});

test("is not stopped by an app that fills the pipe it should not touch", async (t) => {
  const { begin, app } = await openProcessBench(t);
  const script = `const fs = require("fs"); for (let i = 0; i < 64; i++) {
    try { fs.writeSync(9, "x".repeat(65536)); } catch {} } process.exit(5);`;
  const running = await begin().processes.launch(app(script));
  assert.equal((await endOf(running)).how, "exited with code 5");
});

test("tells of an app that was killed with -9, alone or with its whole group", async (t) => {
  const { begin, app, said } = await openProcessBench(t);
  const { processes } = begin();
  const alone = await processes.launch(app(up("alone") + lives));
  await said("alone");
  process.kill(alone.pid, "SIGKILL");
  assert.equal((await endOf(alone)).how, "was ended by SIGKILL");
  const group = await processes.launch(app(up("group") + lives));
  await said("group");
  process.kill(-(await groupOf(group.pid)), "SIGKILL");
  assert.equal((await endOf(group)).how, "was ended by SIGKILL");
});

test("lets an app serve on whose shim was killed, and sees its end", async (t) => {
  const { begin, app, said, folder } = await openProcessBench(t);
  const running = await begin().processes.launch(app(up("up") + lives));
  await said("up");
  const shim = await groupOf(running.pid);
  process.kill(shim, "SIGKILL");
  await gone(shim);
  assert.equal(await isAlive(running.pid), true);
  process.kill(running.pid, "SIGTERM");
  const { code } = await endOf(running);
  assert.equal(code, undefined);
  assert.deepEqual(await runFolders(folder), []);
});

test("lives on when a child of the app is killed, as the app does", async (t) => {
  const { begin, app, said } = await openProcessBench(t);
  const script = `${child(`${up("child")} ${lives}`)}.on("exit", (c, s) => require("fs").writeFileSync("saw", String(s))); ${lives}`;
  const running = await begin().processes.launch(app(script));
  process.kill(Number(await said("child")), "SIGKILL");
  assert.equal(await said("saw"), "SIGKILL");
  assert.equal(await isAlive(running.pid), true);
});

test("starts fifty at once, ends fifty at once, and leaves nothing", async (t) => {
  const { begin, app, folder } = await openProcessBench(t, { stopTimeoutMs: 5_000 });
  const { processes } = begin();
  const requests = Array.from({ length: 50 }, () => app("", { command: ["sleep", "1000"] }));
  const all = await Promise.all(requests.map((request) => processes.launch(request)));
  assert.equal(new Set(all.map(({ pid }) => pid)).size, 50);
  for (const running of all) running.signal("SIGTERM");
  const ends = await Promise.all(all.map(endOf));
  assert.deepEqual([...new Set(ends.map(({ how }) => how))], ["was ended by SIGTERM"]);
  assert.deepEqual(await runFolders(folder), []);
  await until("no zombie", async () => (await zombiesOf(process.pid)) === 0);
});

test("remembers what it is told, in one step", async (t) => {
  const { begin, app, folder } = await openProcessBench(t);
  const request = app(lives);
  const running = await begin().processes.launch(request);
  await running.remember({ ...request.note, wasReady: true, records: ["r1"] });
  const text = await readFile(join(folder, "run", request.note.process, "note.json"), "utf8");
  const { note } = JSON.parse(text) as { note: unknown };
  assert.deepEqual(note, { ...request.note, wasReady: true, records: ["r1"] });
});

test("starts nothing that it could not remember, when the disk is full", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("only root can mount a disk that is full");
  const disk = await mkdtemp(join(tmpdir(), "propagit-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    return t.skip("this machine does not let us mount a disk");
  }
  const { begin, app, said } = await openProcessBench(t, { folder: join(disk, "data") });
  t.after(async () => {
    execFileSync("umount", ["-l", disk]);
    await rmdir(disk);
  });
  const { processes } = begin();
  const script = `process.on("SIGUSR2", () => process.exit(9)); ${up("up")} ${lives}`;
  const before = await processes.launch(app(script));
  await said("up");
  await writeFile(join(disk, "filler"), "x".repeat(2 ** 20)).catch(() => undefined);

  await assert.rejects(processes.launch(app(lives)), { code: "DATA_UNUSABLE" });

  // One that was started before is taken over, its end is still written down, and told.
  const [adopted] = await begin().processes.adopt();
  assert.equal(adopted?.running.pid, before.pid);
  adopted.running.signal("SIGUSR2");
  assert.equal((await endOf(adopted.running)).how, "exited with code 9");
});

async function groupOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
}
