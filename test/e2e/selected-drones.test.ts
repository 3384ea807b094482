/** A task's `drone` as a selector or a target: the plan names the drones, and keeps them. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exitCodes } from "@propagit/protocol";
import { closeConnections, Cluster, runCli, WorkTree, type Finished } from "@propagit/test-support";

let cluster: Cluster;
const pathOf = (name: string) => join(cluster.folder, name);

before(async () => {
  cluster = await Cluster.create();
  await cluster.startHub({ ownRegistry: true });
  for (const name of ["a", "b", "c"]) await startDrone(name, name === "c" ? "other" : "one");
  const targets = "targets:\n  pair: { a: now, b: now }\n  late: { a: now, b: 5m }\n";
  await writeFile(pathOf("targets.yaml"), targets);
});

after(async () => {
  closeConnections();
  await cluster.destroy();
});

const startDrone = (name: string, zone: string) =>
  cluster.startDrone([], [`--name=${name}`, `--label=zone=${zone}`, `--data=${pathOf(name)}`]);

async function write(name: string, drone: string): Promise<string> {
  const tasks = [{ command: "execute", drone, run: `echo "$(hostname)" >> ${pathOf("made")}` }];
  await writeFile(pathOf(name), JSON.stringify({ name, stages: [{ name: "all", tasks }] }));
  return pathOf(name);
}

function plan(...words: readonly string[]): Promise<Finished> {
  const flags = [`--targets=${pathOf("targets.yaml")}`, ...cluster.hubFlags];
  return runCli("propagit", ["plan", ...words, ...flags], cluster.env);
}

test("a selector is frozen in the plan that is written down, and carried out on those drones", async () => {
  const file = await write("zone.json", "zone=one");
  const saved = pathOf("saved.json");
  const shown = await plan(file, `--save=${saved}`);
  assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
  assert.match(shown.stdout, /\ba\b[^]*\bb\b/);
  await startDrone("d", "one");
  const text = await readFile(saved, "utf8");
  assert.deepEqual(
    [...text.matchAll(/"drone": "(.*)"/g)].map(([, name]) => name),
    ["a", "b"],
  );
  const applied = await cluster.propagit("apply", saved);
  assert.equal(applied.exitCode, exitCodes.ok, applied.stderr);
  assert.equal((await readFile(pathOf("made"), "utf8")).trim().split("\n").length, 2);
});

test("a target means its drones; one that has them wait is refused with what does it", async () => {
  const shown = await plan(await write("pair.json", "pair"));
  assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
  const late = await plan(await write("late.json", "late"));
  assert.equal(late.exitCode, exitCodes.usage, late.stdout);
  assert.match(late.stderr, /late\.json:1:\d+: `drone` is "late": this target has b wait for 5m/);
  assert.match(late.stderr, /give stages an `after`, or push files/);
  const none = await plan(await write("none.json", "zone=nowhere"));
  assert.match(none.stderr, /"zone=nowhere": it means no drone/);
});

test("a generator sees what runs on the drones of the hub that is named", async () => {
  const tree = await WorkTree.create(pathOf("app"));
  await tree.write("propagit.yaml", "services:\n  job: { command: sleep 1d, port: none }\n");
  await tree.commit("one");
  await tree.git("push", `http://localhost:${cluster.ports.hub}/app`, "HEAD:next");
  const deployed = await cluster.propagit("deploy", "app", "next");
  assert.equal(deployed.exitCode, exitCodes.ok, deployed.stderr);
  const config = `import { defineConfig, defineGenerator, object } from "propagit/config";
const lookAround = defineGenerator({
  name: "look-around", summary: "Says what runs where", config: object({}),
  async generate({ running, versions }) {
    const all = await running("app");
    const places = all.map(({ drone, service }) => ({ drone, service, repo: "app" }));
    const found = await versions(places);
    const tasks = all.map(({ drone, service, commit }) => ({
      command: "message", message: drone + " " + (found.of(service, drone) === commit),
    }));
    return { name: "seen", stages: [{ name: "all", tasks }] };
  },
});
export default defineConfig({ generators: [lookAround] });
`;
  await mkdir(pathOf("project"));
  await writeFile(join(pathOf("project"), "propagit.config.ts"), config);
  const shown = await plan("--generator=look-around", `--project=${pathOf("project")}`, "--dump");
  assert.equal(shown.exitCode, exitCodes.ok, shown.stderr);
  const said = [...shown.stdout.matchAll(/"message": "(.*)"/g)].map(([, text]) => text);
  assert.deepEqual(new Set(said), new Set(["a true", "b true", "c true", "d true"]));
});
