/** Plans over real drones through a real hub, by the built command line. */
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { exitCodes, type PlanSummary } from "@propagit/protocol";
import { Cluster, until, type DaemonProcess, type Finished } from "@propagit/test-support";

const names = ["a", "b", "c"];

interface Status extends PlanSummary {
  readonly stages: readonly { readonly tasks: readonly { task: string; state: string }[] }[];
}

describe("plans", () => {
  let cluster: Cluster;
  let hub: DaemonProcess;
  const drones = new Map<string, DaemonProcess>();
  /** Where plans of a test leave their traces. */
  let place: string;
  let tests = 0;

  before(async () => {
    cluster = await Cluster.create();
    hub = await cluster.startHub({ ownRegistry: true });
    for (const name of names) drones.set(name, await startDrone(name));
  });

  after(() => cluster.destroy());

  beforeEach(async () => {
    place = join(cluster.folder, `place-${++tests}`);
    await mkdir(place);
  });

  function startDrone(name: string): Promise<DaemonProcess> {
    const data = `--data=${join(cluster.folder, "drones", name)}`;
    return cluster.startDrone([], [`--name=${name}`, data]);
  }

  async function written(plan: object): Promise<string> {
    const file = join(place, "plan.json");
    await writeFile(file, JSON.stringify(plan));
    return file;
  }

  async function apply(plan: object): Promise<Finished> {
    return cluster.propagit("apply", await written(plan));
  }

  /** Leaves a line in a file each time. */
  function leaves(file: string, line = "x", then = "") {
    return { command: "execute", run: `echo ${line} >>${join(place, file)}${then && `; ${then}`}` };
  }

  async function lines(file: string): Promise<readonly string[]> {
    const text = await readFile(join(place, file), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  async function newest(): Promise<PlanSummary> {
    const { stdout, stderr } = await cluster.propagit("plans", "--json");
    const [plan] = JSON.parse(stdout || "[]") as PlanSummary[];
    if (!plan) throw new Error(`there is no plan: ${stderr}`);
    return plan;
  }

  async function status(id: string): Promise<Status> {
    const { stdout } = await cluster.propagit("plans", "status", id, "--all", "--json");
    return JSON.parse(stdout) as Status;
  }

  async function ask(...words: readonly string[]): Promise<Finished> {
    const [word = "", ...more] = words;
    return cluster.propagit("plans", word, ...more);
  }

  const there = (file: string, count: number) =>
    until(`${count} lines in ${file}`, async () => (await lines(file)).length >= count);

  /** Waits there until the test says so. */
  const untilFile = (name: string) => `while [ ! -e ${join(place, name)} ]; do sleep 0.05; done`;

  it("are carried out stage by stage on the drones that are named", async () => {
    const files = names.map((drone) => ({
      command: "write-file",
      drone,
      path: join(place, drone),
      text: `I am ${drone}\n`,
    }));
    const applied = await apply({
      name: "two stages",
      stages: [
        { name: "files", concurrency: 2, tasks: files },
        {
          name: "words",
          tasks: [
            { ...leaves("order", "after"), drone: "b" },
            { command: "message", message: "all is written" },
          ],
        },
      ],
    });
    assert.equal(applied.exitCode, exitCodes.ok, applied.stderr + applied.stdout + cluster.output);
    for (const name of names) {
      assert.equal(await readFile(join(place, name), "utf8"), `I am ${name}\n`);
    }
    assert.deepEqual(await lines("order"), ["after"]);
    assert.match(applied.stdout, /all is written/);
    const { run, outcome, counts } = await newest();
    assert.deepEqual([outcome, counts.done], ["done", 5]);
    assert.equal((await status(run)).stages[0]?.tasks.length, 3);
    const events = await cluster.propagit("events");
    assert.match(events.stdout, new RegExp(`began plan ${run}`));
    assert.match(events.stdout, new RegExp(`plan ${run}, two stages, ended done`));
  });

  it("go on when the hub is killed in the middle, and nothing that may run once runs twice", async () => {
    const once = { once: true };
    const applying = apply({
      name: "hub dies",
      stages: [
        {
          name: "first",
          concurrency: 3,
          tasks: names.map((drone) => ({
            ...leaves("once", drone, untilFile("go")),
            ...once,
            drone,
          })),
        },
        { name: "second", tasks: [{ ...leaves("after"), ...once, drone: "c" }] },
      ],
    });
    await there("once", 3);
    hub.kill("SIGKILL");
    await hub.exited;
    hub = await cluster.startHub({ ownRegistry: true });
    await writeFile(join(place, "go"), "");
    const applied = await applying;
    assert.equal(applied.exitCode, exitCodes.ok, applied.stderr + applied.stdout + cluster.output);
    assert.deepEqual((await lines("once")).toSorted(), names);
    assert.deepEqual(await lines("after"), ["x"]);
  });

  it("wait for a drone that is killed: what may be done twice is, of the other nobody knows", async () => {
    const hangs = untilFile("go");
    const tasks = [
      { ...leaves("twice", "b", hangs), drone: "b" },
      { ...leaves("once", "b", hangs), drone: "b", once: true },
    ];
    const applying = apply({
      name: "drone dies",
      stages: [{ name: "only", concurrency: 2, tasks }],
    });
    await there("twice", 1);
    await there("once", 1);
    drones.get("b")?.kill("SIGKILL");
    await drones.get("b")?.exited;
    await writeFile(join(place, "go"), "");
    drones.set("b", await startDrone("b"));
    const applied = await applying;
    assert.equal(applied.exitCode, exitCodes.failed, applied.stdout);
    assert.deepEqual(await lines("twice"), ["b", "b"]);
    assert.deepEqual(await lines("once"), ["b"]);
    const { run, counts } = await newest();
    assert.deepEqual([counts.done, counts.unknown], [1, 1]);
    const retried = await ask("retry", run);
    assert.equal(retried.exitCode, exitCodes.conflict, retried.stderr);
    const forced = await ask("retry", run, "--force");
    assert.equal(forced.exitCode, exitCodes.ok, forced.stderr);
    await until("it is over again", async () => (await newest()).outcome === "done");
    assert.deepEqual(await lines("once"), ["b", "b"]);
  });

  it("pause, go on, and stop with what is under way ended", async () => {
    const applying = apply({
      name: "asked",
      stages: [
        {
          name: "only",
          tasks: [
            { ...leaves("steps", "1", untilFile("go")), drone: "a" },
            { ...leaves("steps", "2", "sleep 300"), drone: "a" },
            { ...leaves("steps", "3"), drone: "a" },
          ],
        },
      ],
    });
    await there("steps", 1);
    const { run } = await newest();
    assert.equal((await ask("pause", run)).exitCode, exitCodes.ok);
    await writeFile(join(place, "go"), "");
    await until("the first step is done", async () => (await newest()).counts.done === 1);
    assert.equal((await newest()).state, "paused");
    const again = await ask("pause", run);
    assert.equal(again.exitCode, exitCodes.conflict, again.stderr);
    assert.equal((await ask("resume", run)).exitCode, exitCodes.ok);
    await there("steps", 2);
    assert.equal((await ask("stop", run, "--now")).exitCode, exitCodes.ok);
    const applied = await applying;
    assert.equal(applied.exitCode, exitCodes.failed, applied.stdout);
    const { outcome, counts } = await newest();
    assert.deepEqual([outcome, counts.stopped, counts.neverRun], ["stopped", 1, 1]);
    assert.deepEqual(await lines("steps"), ["1", "2"]);
    const log = (await ask("status", run, "--events")).stdout;
    assert.match(
      log,
      /asks to pause\n[^]*asks to resume\n[^]*asks to stop, what is under way/,
      log,
    );
    assert.match(log, /\[execute +\] \[a\] begins\n[^]*\[execute +\] \[a\] stopped/, log);
  });

  it("try again what failed when somebody says so", async () => {
    const needed = join(place, "needed");
    const applied = await apply({
      name: "retried",
      stages: [
        {
          name: "only",
          tasks: [
            [
              { command: "execute", drone: "c", run: `cat ${needed}` },
              { ...leaves("then"), drone: "c" },
            ],
          ],
        },
      ],
    });
    assert.equal(applied.exitCode, exitCodes.failed, applied.stdout);
    assert.match(applied.stdout, /No such file/);
    await writeFile(needed, "");
    const { run } = await newest();
    assert.equal((await ask("retry", run)).exitCode, exitCodes.ok);
    await until("it is done", async () => (await newest()).outcome === "done");
    assert.deepEqual(await lines("then"), ["x"]);
  });

  it("are refused with all that is wrong before anything begins", async () => {
    const only = (...tasks: readonly object[]) => ({ name: "bad", stages: [{ name: "s", tasks }] });
    const touch = { ...leaves("never") };
    const cases: readonly [object, RegExp][] = [
      [
        only({ ...touch, drone: "nobody" }, { ...touch, drone: "aa" }),
        /no drone nobody[\s\S]*no drone aa; did you mean `a`\?/,
      ],
      [only({ ...touch, command: "exekute", drone: "a" }), /plan\.json:1:\d+.*exekute/],
      [only({ ...touch, drone: "a", timeout: "soon" }), /plan\.json:1:\d+.*timeout/],
      [only(touch), /--plan-commands/],
      [only({ ...touch, host: "root@elsewhere" }), /--plan-commands/],
    ];
    for (const [plan, reason] of cases) {
      const applied = await apply(plan);
      assert.equal(applied.exitCode, exitCodes.usage, applied.stdout + applied.stderr);
      assert.match(applied.stderr, reason);
    }
    assert.deepEqual(await lines("never"), []);
    const none = await ask("status", "ffffffffffff");
    assert.equal(none.exitCode, exitCodes.notFound, none.stderr);
    await rm(place, { recursive: true });
  });
});

describe("plans of a hub that runs their programs", () => {
  it("are carried out on its own machine too", async () => {
    const cluster = await Cluster.create();
    try {
      await cluster.startHub({ ownRegistry: true, flags: ["--plan-commands"] });
      const made = join(cluster.folder, "made");
      const file = join(cluster.folder, "plan.yaml");
      const task = `{ command: execute, run: "id -u >${made}" }`;
      await writeFile(file, `name: here\nstages:\n  - name: only\n    tasks: [${task}]\n`);
      const applied = await cluster.propagit("apply", file);
      assert.equal(applied.exitCode, exitCodes.ok, applied.stderr + cluster.output);
      assert.equal((await readFile(made, "utf8")).trim(), String(process.getuid?.()));
    } finally {
      await cluster.destroy();
    }
  });
});
