/**
 * Back to the release before: from Enter until every request is answered by it. Warm, when retention kept its
 * instances; cold, when only its files are there. Beside it, from the same run: the least that going back
 * by hand takes, a checkout and the start of a process.
 */
import { join } from "node:path";
import { spawn } from "node:child_process";
import {
  Cluster,
  closeConnections,
  freePort,
  get,
  instancesOf,
  releasesOf,
  until,
  untilRelease,
  WorkTree,
} from "@propagit/test-support";
import { median, report } from "./report.js";

const rounds = 7;
const warmMsGoal = 1_000;
const coldMsGoal = 5_000;
/** In a row, all by the wanted release, until it counts as switched. */
const answersInRow = 20;

const cluster = await Cluster.create();
try {
  await measure();
} finally {
  closeConnections();
  await cluster.destroy();
}

async function measure(): Promise<void> {
  await cluster.startHub({ ownRegistry: true });
  await cluster.startDrone([], ["--name=a"]);
  await cluster.startProxy();
  const tree = await WorkTree.create(join(cluster.folder, "app"));
  const theirs: number[] = [];
  const warm: number[] = [];
  const cold: number[] = [];
  await release(tree, "one", "24h");
  await release(tree, "two", "24h");
  for (let round = 0; round <= rounds; round++) {
    theirs.push(await byHandMs(tree, round % 2 === 0 ? "one" : "two"));
    warm.push(await backMs(round % 2 === 0 ? "one" : "two"));
  }
  for (let round = 0; round <= rounds; round++) {
    const wanted = await release(tree, `wanted ${round}`, "0s");
    await release(tree, `next ${round}`, "0s");
    await release(tree, `live ${round}`, "0s");
    await cluster.propagit("reap", "app");
    await untilRelease(cluster, "app", wanted, ({ presence }) => presence === "kept");
    // The one before the live one goes on running, as the next in line; with it that is all.
    await until("it to be stopped", async () => (await instancesOf(cluster)).length === 2);
    cold.push(await backMs(`wanted ${round}`, String(wanted)));
  }
  // The first round warms everything up.
  for (const times of [theirs, warm, cold]) times.shift();
  const figure = { bench: "rollback", unit: "ms", theirs: median(theirs) };
  const peer = "git checkout and process start by hand";
  report({ ...figure, metric: "warm", ours: median(warm), peer, goalAbsolute: warmMsGoal });
  report({ ...figure, metric: "cold", ours: median(cold), peer, goalAbsolute: coldMsGoal });
}

/** Its number. */
async function release(tree: WorkTree, greeting: string, keep: string): Promise<number> {
  await tree.write("web.mjs", server(greeting));
  const warm = keep === "0s" ? 0 : 2;
  await tree.write("propagit.yaml", manifest(warm, keep));
  const commit = await tree.commit(greeting);
  await tree.git("tag", "--force", greeting.replaceAll(" ", "-"));
  await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/app`, "master");
  const { exitCode, stderr } = await cluster.propagit("deploy", "app", commit);
  if (exitCode !== 0) throw new Error(stderr + cluster.output);
  await untilAllAre(greeting);
  const [newest] = await releasesOf(cluster, "app");
  return newest?.number ?? 0;
}

async function backMs(greeting: string, ...to: readonly string[]): Promise<number> {
  const began = performance.now();
  const running = cluster.propagit("rollback", "app", ...to);
  await untilAllAre(greeting);
  const tookMs = performance.now() - began;
  const { exitCode, stderr } = await running;
  if (exitCode !== 0) throw new Error(stderr + cluster.output);
  return tookMs;
}

/** The end of the time that is measured is the first of the answers in a row. */
async function untilAllAre(greeting: string): Promise<void> {
  let inRow = 0;
  await until(`${greeting} to answer`, async () => {
    for (; inRow < answersInRow; inRow++) {
      const { body } = await get(cluster.ports.proxy, { host: "app.localhost" });
      if (body !== greeting) {
        inRow = 0;
        return false;
      }
    }
    return true;
  });
}

async function byHandMs(tree: WorkTree, greeting: string): Promise<number> {
  const port = await freePort();
  const began = performance.now();
  await tree.git("checkout", "--quiet", "--detach", greeting.replaceAll(" ", "-"));
  const child = spawn(process.execPath, ["web.mjs"], {
    cwd: tree.folder,
    env: { ...process.env, PORT: String(port) },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await until("the process", async () => {
    const answer = await get(port).catch(() => undefined);
    return answer?.body === greeting;
  });
  const tookMs = performance.now() - began;
  child.kill("SIGKILL");
  await ended;
  await tree.git("checkout", "--quiet", "master");
  return tookMs;
}

function manifest(warm: number, keepFor: string): string {
  return `services:
  web: { command: node web.mjs }
keep: { releases: 5, warm: ${warm}, for: ${keepFor} }
`;
}

function server(greeting: string): string {
  return `import { createServer } from "node:http";
createServer((_, response) => response.end(${JSON.stringify(greeting)})).listen(process.env.PORT);
`;
}
