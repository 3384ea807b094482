/** A saved plan of a release, edited by hand: the command line carries it out as it says, or refuses it with its place. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exitCodes } from "@propagit/protocol";
import { closeConnections, Cluster, instancesOf, runCli, WorkTree } from "@propagit/test-support";

let cluster: Cluster;
let file: string;

before(async () => {
  cluster = await Cluster.create();
  file = join(cluster.folder, "plan.json");
  await cluster.startHub({ ownRegistry: true });
  for (const name of ["a", "b", "c"]) {
    const data = `--data=${join(cluster.folder, name)}`;
    await cluster.startDrone([], [`--name=${name}`, data]);
  }
  const tree = await WorkTree.create(join(cluster.folder, "app"));
  await tree.write("propagit.yaml", "services:\n  job: { command: sleep 1d, port: none }\n");
  await tree.commit("one");
  await tree.git("push", `http://localhost:${cluster.ports.hub}/app`, "HEAD:next");
  const words = ["plan", "deploy", "app", "next", "--waves=30,100", `--save=${file}`];
  const planned = await runCli("propagit", [...words, ...cluster.hubFlags], cluster.env);
  assert.equal(planned.exitCode, exitCodes.ok, planned.stderr);
});

after(async () => {
  closeConnections();
  await cluster.destroy();
});

interface Written {
  stages: { name: string; tasks: Record<string, unknown>[][] }[];
}

/** Writes another version of the plan that was saved. @returns its file and text */
async function edited(name: string, waves: readonly (readonly string[])[]) {
  const plan = JSON.parse(await readFile(file, "utf8")) as Written;
  const starts = plan.stages.filter((stage) => stage.name.startsWith("start"));
  assert.equal(starts.length, waves.length);
  for (const [index, stage] of starts.entries()) {
    for (const task of stage.tasks.flat()) task["drones"] = waves[index];
  }
  const path = join(cluster.folder, name);
  const text = JSON.stringify(plan, undefined, 2);
  await writeFile(path, text);
  return { path, text };
}

test("is refused with line and column, and nothing of it is left behind", async () => {
  const { path, text } = await edited("less.json", [["a"], ["z"]]);
  const refused = await cluster.propagit("apply", path);
  assert.equal(refused.exitCode, exitCodes.usage, refused.stdout);
  const dry = await cluster.propagit("apply", path, "--dry-run");
  assert.deepEqual([dry.exitCode, dry.stderr], [refused.exitCode, refused.stderr]);
  const shown = await cluster.propagit("plan", path);
  assert.deepEqual([shown.exitCode, shown.stderr], [refused.exitCode, refused.stderr]);
  assert.doesNotMatch(shown.stdout, /Syntax ok/);
  const [, line = "0"] =
    /less\.json:(\d+):\d+: task \d\.1\.1 \(start\): there is no drone z/.exec(refused.stderr) ?? [];
  const written = text.split("\n").slice(Number(line) - 1, Number(line) + 12);
  assert.match(written.join(""), /"z"/);
  assert.match(refused.stderr, /no wave has b, c, where it fits as well/);
  assert.match(refused.stderr, /propagit apply \S*less\.json --rebase/);
  const { stdout } = await cluster.propagit("releases", "app", "--json");
  assert.doesNotMatch(stdout, /"number"/);
  assert.deepEqual(await instancesOf(cluster), []);
});

test("is carried out in the waves that it says", async () => {
  const { path } = await edited("other.json", [["c", "b"], ["a"]]);
  const dry = await cluster.propagit("apply", path, "--dry-run");
  assert.equal(dry.exitCode, exitCodes.ok, dry.stderr);
  assert.match(dry.stdout, /nothing was changed\nSyntax ok, and the hub would begin it now$/);
  assert.deepEqual(await instancesOf(cluster), []);
  const applied = await cluster.propagit("apply", path);
  assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr);
  assert.match(applied.stdout, /would start release 1 of app on c, b\b[^]*on a\b/);
  assert.equal((await instancesOf(cluster)).length, 3);
});

test("is refused once it was carried out, and so is its dry run", async () => {
  const words = ["apply", file] as const;
  const refused = await cluster.propagit(...words);
  assert.equal(refused.exitCode, exitCodes.conflict, refused.stdout);
  assert.match(refused.stderr, /has changed since: .*\n.*propagit apply \S*plan\.json --rebase/);
  const dry = await cluster.propagit(...words, "--dry-run");
  assert.deepEqual([dry.exitCode, dry.stderr], [refused.exitCode, refused.stderr]);
});
