/**
 * `npm run demo`: the main job, for real. A registry, a hub, two drones and a proxy are started as
 * processes on free ports; two commits are pushed with git, deployed side by side and split; a repository with
 * a manifest is released, changed and rolled back; then everything is ended and removed again.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { shortCommit } from "@propagit/protocol";
import { heading, say, showCommand, showShares } from "./narrator.js";
import { showReleases } from "./releases.js";
import {
  closeConnections,
  Cluster,
  type DaemonProcess,
  get,
  inParallel,
  secret,
  until,
  WorkTree,
} from "@propagit/test-support";

const exampleFolder = fileURLToPath(new URL("../../../examples/cluster/", import.meta.url));
const visitorCount = 10_000;

interface Endpoint {
  readonly host: string;
  readonly port: number;
}
type PortTable = Readonly<Record<string, Readonly<Record<string, readonly Endpoint[]>>>>;

const cluster = await Cluster.create();
const ownCommandDrones: DaemonProcess[] = [];
const interrupted = () => void finish(130);
process.once("SIGINT", interrupted);
process.once("SIGTERM", interrupted);
try {
  await demo();
  await finish(0);
} catch (thrown) {
  process.stderr.write(`\nthe demo failed: ${String(thrown)}\n${cluster.output}\n`);
  await finish(1);
}

async function demo(): Promise<void> {
  await startCluster();
  const tree = await WorkTree.create(join(cluster.folder, "webapp"));
  const first = await firstCommit(tree);
  const second = await secondCommit(tree, first);
  await askThroughProxy(first, second);
  await splitVisitors(first, second);
  await moveOn(first, second);
  await showReleases(cluster, ownCommandDrones);
}

async function startCluster(): Promise<void> {
  const { registry, hub } = cluster.ports;
  heading(1, "A cluster: a registry, a hub and two drones, each a process of its own");
  await cluster.startRegistry();
  say(`   $ registry ${registry} &`);
  await cluster.startHub();
  say(`   $ propagit hub --port=${hub} --secret=${secret} --registry=localhost:${registry} &`);
  for (const script of ["say.js", "web.js"]) {
    ownCommandDrones.push(await cluster.startDrone(["node", script]));
    say(`   $ propagit drone --hub=localhost:${hub} --secret=${secret} -- node ${script} &`);
  }
  say(`
   git push ──> [hub :${hub}] ──> [drone: node say.js]  ──┐
                    │      └────> [drone: node web.js]  ──┤
                    └ "what runs where?"                  v
                                            [registry :${registry}]`);
}

async function firstCommit(tree: WorkTree): Promise<string> {
  heading(2, "Push a commit with git and deploy it");
  await tree.copyFrom(exampleFolder);
  const commit = await tree.commit("beep boop");
  await pushAndDeploy(tree, commit);
  await showCluster();
  return commit;
}

async function secondCommit(tree: WorkTree, first: string): Promise<string> {
  heading(3, "Change something, push, deploy: the new version runs beside the old one");
  const path = join(exampleFolder, "web.js");
  const source = await readFile(path, "utf8");
  await tree.write("web.js", source.replace('"beep boop"', '"beepity boop!"'));
  const commit = await tree.commit("beepity");
  await pushAndDeploy(tree, commit);
  const table = await showCluster();
  if (!table[first]?.["http"] || !table[commit]?.["http"]) throw new Error("a version is missing");
  return commit;
}

async function pushAndDeploy(tree: WorkTree, commit: string): Promise<void> {
  const url = `http://localhost:${cluster.ports.hub + 1}/webapp`;
  showCommand(`git push ${url} master`, await tree.tryGit("push", url, "master"));
  const deployed = await cluster.propagit("deploy", "webapp", commit);
  showCommand(`propagit deploy webapp ${commit}`, deployed);
}

/** The port table, and what each `http` endpoint says. */
async function showCluster(): Promise<PortTable> {
  const shown = await cluster.registry(cluster.registryAddress, "show");
  showCommand(`registry ${cluster.registryAddress} show`, shown);
  const table = JSON.parse(shown.stdout) as PortTable;
  for (const services of Object.values(table)) {
    const port = services["http"]?.[0]?.port;
    if (port === undefined) continue;
    await showAnswer(port, "/");
    await showAnswer(port, "/HUG");
  }
  showCommand("propagit ps", await cluster.propagit("ps"));
  return table;
}

async function showAnswer(port: number, path: string): Promise<void> {
  const { body, status } = await get(port, { path });
  say(`   $ curl localhost:${port}${path === "/" ? "" : path}\n   ${body}`);
  if (status !== 200) throw new Error(`${path} was answered with ${status}`);
}

async function askThroughProxy(first: string, second: string): Promise<void> {
  heading(4, "A proxy in front: every commit has a host name of its own");
  const { hub, proxy } = cluster.ports;
  await cluster.startProxy();
  say(`   $ propagit proxy --hub=localhost:${hub} --secret=${secret} --port=${proxy} &`);
  say(`
   visitors ──> [proxy :${proxy}] ──┬─ webapp.localhost ───────────> the promoted commit
${" ".repeat(28 + String(proxy).length)}└─ COMMIT--webapp.localhost ──> that commit
`);
  const hosts = ["webapp", `${shortCommit(first)}--webapp`, `${shortCommit(second)}--webapp`];
  for (const name of hosts) {
    const host = `${name}.localhost`;
    const { body } = await get(proxy, { host });
    say(`   $ curl -H 'Host: ${host}' localhost:${proxy}\n   ${body}`);
  }
}

async function splitVisitors(first: string, second: string): Promise<void> {
  heading(5, `Split the visitors 90 : 10 and send ${visitorCount} of them`);
  const shares = [`${shortCommit(first)}=90`, `${shortCommit(second)}=10`];
  const split = await cluster.propagit("split", "webapp", ...shares);
  showCommand(`propagit split webapp ${shares.join(" ")}`, split);
  await untilSplit();
  const visits = await inParallel(visitorCount, () => visit());
  const counts = new Map([first, second].map((commit) => [commit, 0]));
  for (const { commit = "" } of visits) counts.set(commit, (counts.get(commit) ?? 0) + 1);
  showShares(counts);
  const sample = visits.slice(0, 500);
  const again = await inParallel(sample.length, (index) => visit(sample[index]?.cookie));
  const kept = again.filter(({ commit }, index) => commit === sample[index]?.commit).length;
  say(`   ${kept} of ${sample.length} visitors who came back got the version they had before`);
  if (kept !== sample.length) throw new Error("a visitor was moved");
}

function visit(cookie?: string): ReturnType<typeof get> {
  return get(cluster.ports.proxy, { host: "webapp.localhost", ...(cookie && { cookie }) });
}

/** The proxy hears of the split a moment after the hub has it; then it gives visitors a cookie. */
async function untilSplit(): Promise<void> {
  await until("the proxy to know the split", async () => (await visit()).cookie !== undefined);
}

async function moveOn(first: string, second: string): Promise<void> {
  heading(6, "Promote the new version and stop the old one");
  const [older, newer] = [shortCommit(first), shortCommit(second)];
  const promoted = await cluster.propagit("promote", "webapp", newer);
  showCommand(`propagit promote webapp ${newer}`, promoted);
  const stopped = await cluster.propagit("stop", "webapp", older);
  showCommand(`propagit stop webapp ${older}`, stopped);
  showCommand("propagit ps", await cluster.propagit("ps"));
  showCommand("propagit drones", await cluster.propagit("drones"));
  const { body } = await visit();
  say(`   $ curl -H 'Host: webapp.localhost' localhost:${cluster.ports.proxy}\n   ${body}`);
}

async function finish(code: number): Promise<void> {
  closeConnections();
  await cluster.destroy();
  if (code === 0) say("\nDone: every process is ended and every file removed.");
  process.exitCode = code;
}
