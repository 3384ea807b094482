/** The second half of the demo: a repository that says what it consists of, and releases that can be trusted. */
import { join } from "node:path";
import {
  type Cluster,
  type DaemonProcess,
  get,
  readyInstances,
  secret,
  until,
  WorkTree,
} from "@propagit/test-support";
import { heading, say, showCommand } from "./narrator.js";

const manifest = `services:
  web:
    command: node web.mjs
    instances: 2
    health: /up
build: node -e "fs.writeFileSync('built.txt', 'built once')"
test: node --check web.mjs
deploy:
  master: production
`;

/** @param former drones that run a command of their own, whatever a repository says; they go first */
export async function showReleases(
  cluster: Cluster,
  former: readonly DaemonProcess[],
): Promise<void> {
  heading(7, "A repository says what it consists of; a push builds, tests and releases it");
  for (const drone of former) await drone.stop("SIGINT");
  const drone = await startDrone(cluster);
  say(`   $ propagit drone --hub=localhost:${cluster.ports.hub} --secret=${secret} --name=shop &`);
  const tree = await WorkTree.create(join(cluster.folder, "shop"));
  await push(cluster, tree);
  await change(cluster);
  await goBack(cluster);
  await outlive(cluster, drone);
}

async function startDrone(cluster: Cluster): Promise<DaemonProcess> {
  return cluster.startDrone([], ["--name=shop", `--data=${join(cluster.folder, "shop-drone")}`]);
}

async function push(cluster: Cluster, tree: WorkTree): Promise<void> {
  await tree.write("propagit.yaml", manifest);
  await tree.write("web.mjs", server);
  await tree.commit("open the shop");
  say(indent(manifest));
  const url = `http://localhost:${cluster.ports.hub}/shop`;
  const pushed = await tree.tryGit("push", url, "master");
  showCommand(`git push ${url} master`, pushed);
  await visit(cluster, "welcome (built once)");
}

async function change(cluster: Cluster): Promise<void> {
  heading(8, "Each change of a setting is a release too");
  const set = await cluster.propagit("env", "set", "shop", "GREETING=everything must go");
  showCommand("propagit env set shop 'GREETING=everything must go'", set);
  await visit(cluster, "everything must go (built once)");
  showCommand("propagit releases shop", await cluster.propagit("releases", "shop"));
}

async function goBack(cluster: Cluster): Promise<void> {
  heading(9, "Back to the release before, warm: nothing is built, fetched or started");
  const began = performance.now();
  const back = await cluster.propagit("rollback", "shop");
  showCommand("propagit rollback shop", back);
  await visit(cluster, "welcome (built once)");
  say(`   from Enter to the answer: ${Math.round(performance.now() - began)} ms`);
}

async function outlive(cluster: Cluster, drone: DaemonProcess): Promise<void> {
  heading(10, "The drone is killed with -9: what it ran goes on, and its next life takes it over");
  const before = await pidsOf(cluster);
  say(`   $ kill -9 ${drone.pid}   # the drone`);
  drone.kill("SIGKILL");
  await drone.exited;
  await visit(cluster, "welcome (built once)");
  await startDrone(cluster);
  await until("the drone to report", async () => (await pidsOf(cluster)).length === before.length);
  const after = await pidsOf(cluster);
  say(`   processes before: ${before.join(", ")}; after: ${after.join(", ")}`);
  if (after.join() !== before.join()) throw new Error("a process was not adopted");
}

async function pidsOf(cluster: Cluster): Promise<readonly number[]> {
  const instances = await readyInstances(cluster);
  const pids = instances
    .filter(({ report }) => report.repo === "shop")
    .map(({ report }) => report.pid);
  return pids.filter((pid) => pid !== undefined).sort((left, right) => left - right);
}

async function visit(cluster: Cluster, wanted: string): Promise<void> {
  const ask = () => get(cluster.ports.proxy, { host: "shop.localhost" });
  await until(wanted, async () => (await ask()).body === wanted);
  say(`   $ curl http://shop.localhost:${cluster.ports.proxy}\n   ${wanted}`);
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "   | ");
}

const server = `import { createServer } from "node:http";
import { readFileSync } from "node:fs";
const built = readFileSync("built.txt", "utf8");
const greeting = process.env.GREETING ?? "welcome";
createServer((_, response) => response.end(\`\${greeting} (\${built})\`)).listen(process.env.PORT);
`;
