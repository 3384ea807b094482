/** Commands of a project's own through a hub: on its drones, and on the hub's machine; with the example of them. */
import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { exitCodes } from "@propagit/protocol";
import { Cluster, until } from "@propagit/test-support";
import { execa } from "execa";

const example = fileURLToPath(new URL("../../../examples/deployer", import.meta.url));

/** What it writes is what was said when the plan was made; it begins once the test says so. */
const config = (version: number) => `
import { defineCommand, defineConfig, object, text } from "propagit/config";
const write = defineCommand({
  name: "write",
  summary: "Writes.",
  args: object({ path: text({ pattern: "^/" }), hold: text() }, ["path"]),
  describe: ({ path }) => "would write " + path,
  run: async ({ path, hold }, { host, say, signal, key }) => {
    say("version ${version} on " + host.name);
    if (hold) {
      const words = ["sh", "-c", 'echo $$ >"$0"; exec sleep 1000', hold];
      await host.execute(words, { signal });
    }
    const bytes = new TextEncoder().encode("version ${version}");
    return { outcome: await host.put({ kind: "bytes", bytes }, path) };
  },
  example: { path: "/tmp/x" },
});
export default defineConfig({ commands: [write] });`;

describe("a project's own commands", () => {
  let cluster: Cluster;
  let project: string;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true, flags: ["--plan-commands"] });
    await cluster.startDrone([], ["--name=a", `--data=${join(cluster.folder, "drone-a")}`]);
    project = join(cluster.folder, "project");
    await mkdir(project);
    await git("init", "-q", "-b", "main");
    await push(1);
  });
  after(() => cluster.destroy());

  const git = (...words: readonly string[]) => execa("git", ["-C", project, ...words]);

  async function push(version: number): Promise<void> {
    await writeFile(join(project, "propagit.config.ts"), config(version));
    await git("add", "-A");
    await git("commit", "-q", "-m", `version ${version}`);
    await pushFrom(project, "tools");
  }

  async function pushFrom(folder: string, repo: string): Promise<void> {
    const url = `http://x:beepboop@localhost:${cluster.ports.hub + 1}/${repo}`;
    const { exitCode, all } = await execa("git", ["-C", folder, "push", "-q", url, "main"], {
      reject: false,
      all: true,
    });
    assert.equal(exitCode, 0, all);
  }

  async function apply(tasks: readonly object[], ...flags: readonly string[]) {
    const file = join(cluster.folder, "plan.json");
    const stages = [{ name: "only", concurrency: 9, tasks }];
    await writeFile(file, JSON.stringify({ name: "own", stages }));
    return cluster.propagit("apply", file, `--project=${project}`, ...flags);
  }

  it("run on drones and on the hub's machine, as they were when the plan was made", async () => {
    const [there, here] = [join(cluster.folder, "there"), join(cluster.folder, "here")];
    const tasks = [
      { command: "write", drone: "a", path: there },
      { command: "write", path: here },
    ];
    const applied = await apply(tasks, "--code=tools");
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr + cluster.output);
    assert.match(applied.stdout, /version 1 on a/);
    assert.deepEqual(
      [await readFile(there, "utf8"), await readFile(here, "utf8")],
      ["version 1", "version 1"],
    );
    const first = (await git("rev-parse", "HEAD")).stdout;
    await push(2);
    const again = await apply(tasks.slice(0, 1), "--code=tools");
    assert.match(again.stdout, /version 2 on a/, again.stderr);
    const back = await apply(tasks.slice(0, 1), `--code=tools@${first}`);
    assert.match(back.stdout, /version 1 on a/, back.stderr);
  });

  it("end with their task, and what they had executed with them", async () => {
    const hold = join(cluster.folder, "pid");
    const path = join(cluster.folder, "never");
    const applying = apply([{ command: "write", drone: "a", path, hold }], "--code=tools");
    await until("it to hold on", async () => (await readFile(hold, "utf8").catch(() => "")) !== "");
    const pid = Number(await readFile(hold, "utf8"));
    const { stdout } = await cluster.propagit("plans", "--json");
    const [plan] = JSON.parse(stdout) as { run: string }[];
    await cluster.propagit("plans", "stop", plan?.run ?? "", "--now");
    assert.equal((await applying).exitCode, exitCodes.failed);
    const state = () => readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
    await until("its program to be gone", async () => /\) [ZX]/.test(await state()));
  });

  it("are refused where they cannot be: no code, no such repository, arguments that are wrong, other files here", async () => {
    const task = { command: "write", drone: "a", path: "/tmp/x" };
    const refusals: readonly [object, readonly string[], RegExp][] = [
      [task, [], /the plan uses the project's own write[^]*--code REPO/],
      [task, ["--code=nothing"], /nothing/],
      [{ ...task, path: "x" }, ["--code=tools"], /path/],
      [{ ...task, command: "wrote" }, ["--code=tools"], /no command "wrote"; did you mean `write`/],
    ];
    for (const [wrong, flags, why] of refusals) {
      assert.match((await apply([wrong], ...flags)).stderr, why);
    }
    await writeFile(join(project, "propagit.config.ts"), config(3));
    assert.match((await apply([task], "--code=tools")).stderr, /is not the one of/);
  });

  it("of the example of deployerlib are carried out by a hub too", async () => {
    const folder = join(cluster.folder, "deployer");
    await cp(example, folder, { recursive: true });
    await execa("bash", ["-ec", "git init -q -b main; git add -A; git commit -q -m x"], {
      cwd: folder,
    });
    await pushFrom(folder, "deployer");
    const flags = [`--project=${folder}`, `--config=${join(folder, "test.yaml")}`];
    const applied = await cluster.propagit("apply", ...flags, "--code=deployer");
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr + cluster.output);
    assert.match(
      applied.stdout,
      /\[test-command +\] \[local\] executing test command: Hello World/,
    );
    assert.match(applied.stdout, /finished plan: Test Generator/);
  });
});
