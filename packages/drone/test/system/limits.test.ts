/** Limits and users, as far as this machine lets us have them. */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { ControlGroups } from "../../src/system/limits-cgroup.js";
import { endOf, openProcessBench } from "../support/process-bench.js";
import { until } from "../support/until.js";

const refuse = { otherwise: "refuse" } as const;

test("lets an app open so many files and no more", async (t) => {
  const { begin, app } = await openProcessBench(t);
  const running = await begin().processes.launch(
    app("", { command: ["sh", "-c", "ulimit -n; ulimit -Hn"], limits: { files: 123, ...refuse } }),
  );
  assert.deepEqual((await endOf(running)).lastLines, ["123", "123"]);
});

test("ends an app that takes more memory than it may, with all its children together", async (t) => {
  const { abilities } = await ControlGroups.find();
  if (!abilities.memory) return t.skip("this machine has no control group for memory");
  const { begin, app } = await openProcessBench(t);
  const script = `const kept = []; setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 1);`;
  const limits = { memoryBytes: 128 * 2 ** 20, ...refuse };
  const running = await begin().processes.launch(app(script, { limits }));
  assert.equal((await endOf(running)).how, "was ended by SIGKILL");
});

test("slows down an app that wants more of the processor than it may have", async (t) => {
  const { abilities } = await ControlGroups.find();
  if (!abilities.cpu) return t.skip("this machine has no control group for the processor");
  const { begin, app } = await openProcessBench(t);
  const script = `const end = Date.now() + 1_000; while (Date.now() < end); console.log(process.cpuUsage().user / 1e6);`;
  const limits = { cpuPercent: 20, ...refuse };
  const running = await begin().processes.launch(app(script, { limits }));
  const [seconds] = (await endOf(running)).lastLines;
  assert.ok(Number(seconds) < 0.6, seconds);
});

test("removes the control group of what has ended", async (t) => {
  const { abilities } = await ControlGroups.find();
  if (!abilities.memory) return t.skip("this machine has no control group for memory");
  const { begin, app } = await openProcessBench(t);
  const limits = { memoryBytes: 64 * 2 ** 20, ...refuse };
  const request = app("", { command: ["cat", "/proc/self/cgroup"], limits });
  const { lastLines } = await endOf(await begin().processes.launch(request));
  assert.ok(lastLines.some((line) => line.endsWith(`/propagit/${request.note.process}`)));
  const again = await ControlGroups.find();
  await until("the group to be gone", async () => {
    const lines = await again.create(request.note.process, {
      memoryBytes: 2 ** 26,
      cpuPercent: undefined,
      files: undefined,
      missing: [],
    });
    await again.remove(request.note.process);
    return lines.length === 1;
  });
});

test("uses the control groups of version 2 that were handed to it", async (t) => {
  const { proc, own } = await fakeMachine(t, { controllers: "cpuset cpu memory pids" });
  const groups = await ControlGroups.find(proc);
  assert.deepEqual(groups.abilities, { memory: true, cpu: true });
  const plan = { memoryBytes: 1_000_000, cpuPercent: 150, files: undefined, missing: [] };
  assert.deepEqual(await groups.create("p1", plan), [`echo $$ >'${own}/propagit/p1/cgroup.procs'`]);
  assert.equal(await readFile(join(own, "cgroup.subtree_control"), "utf8"), "+memory +cpu");
  assert.equal(await readFile(join(own, "drone", "cgroup.procs"), "utf8"), String(process.pid));
  assert.equal(await readFile(join(own, "propagit/p1/memory.max"), "utf8"), "1000000");
  assert.equal(await readFile(join(own, "propagit/p1/cpu.max"), "utf8"), "150000 100000");
});

test("has nothing to enforce memory with where no controller was handed to it", async (t) => {
  const { proc } = await fakeMachine(t, { controllers: "" });
  assert.deepEqual((await ControlGroups.find(proc)).abilities, { memory: false, cpu: false });
});

test("runs an app as the user it asks for, with that user's groups and home", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("only root can become somebody else");
  const { begin, app, folder } = await openProcessBench(t);
  await chmod(folder, 0o755);
  const command = ["sh", "-c", 'id -un; id -gn; id -Gn; echo "$USER $HOME"; sleep 0.2; exit 4'];
  const running = await begin().processes.launch(app("", { command, user: "daemon" }));
  const { how, lastLines } = await endOf(running);
  assert.equal(how, "exited with code 4");
  assert.deepEqual(lastLines, ["daemon", "daemon", "daemon", "daemon /usr/sbin"]);
});

test("refuses a user that this machine does not have", async (t) => {
  const { begin, app } = await openProcessBench(t);
  const { processes } = begin();
  await assert.rejects(processes.launch(app("", { user: "nobody-like-that" })), {
    code: "DEPLOY_FAILED",
    message: "there is no user nobody-like-that on this machine",
  });
  await assert.rejects(processes.launch(app("", { user: "x; reboot" })), { code: "DEPLOY_FAILED" });
  const own = await processes.launch(app("process.exit(2)", { user: userInfo().username }));
  assert.equal((await endOf(own)).code, 2);
});

/** A machine whose control groups are ordinary files. */
async function fakeMachine(t: TestContext, { controllers }: { readonly controllers: string }) {
  const root = await mkdtemp(join(tmpdir(), "propagit-cgroups-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const own = join(root, "cgroup", "system.slice", "propagit.service");
  const files = {
    "proc/mounts": `proc /proc proc rw 0 0\ncgroup2 ${root}/cgroup cgroup2 rw,nosuid 0 0\n`,
    "proc/cgroup": "0::/system.slice/propagit.service\n",
    "cgroup/system.slice/propagit.service/cgroup.controllers": `${controllers}\n`,
    "cgroup/system.slice/propagit.service/cgroup.subtree_control": "\n",
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return { proc: join(root, "proc"), own };
}
