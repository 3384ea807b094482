import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { BookUpdate, RouteBook } from "@propagit/protocol";
import {
  credentialFromSecret,
  findFreePort,
  hangUp,
  nodeRandom,
  nodeWorld,
  portRangeDefault,
  silentLog,
} from "@propagit/runtime";
import { BookDouble } from "../support/book-double.js";
import { dialHub, run, secret, temporaryFolder, until } from "../support/real-hub.js";
import { SimDrone } from "../support/sim-drone.js";

const script = fileURLToPath(new URL("../support/hub-process.js", import.meta.url));

async function startProcess(t: TestContext, folder: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, folder, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  await until("the hub answers", () => said.includes("ready"));
  return child;
}

async function routesOf(port: number): Promise<RouteBook> {
  const proxy = await dialHub(port, "cli");
  const books: RouteBook[] = [];
  const double = new BookDouble();
  const onPart = (update: BookUpdate) => books.push(double.take(update) ?? assert.fail());
  proxy.call("hub.routes", {}, { limitMs: 0, onPart }).catch(() => undefined);
  await until("the route book comes", () => books.length > 0);
  await hangUp(proxy);
  return books[0] ?? assert.fail();
}

test("a hub that is killed with -9 in the middle of a deploy finishes it when it is started again", async (t) => {
  const folder = await temporaryFolder(t);
  const data = join(folder, "hub");
  const port = await findFreePort({ range: portRangeDefault, random: nodeRandom });
  const hub = await startProcess(t, data, port);
  const git = (...args: string[]) => run("git", args, { cwd: folder });
  await git("init", "--quiet", "--initial-branch=master", ".");
  const as = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  await git(...as, "commit", "--quiet", "--allow-empty", "-m", "one");
  const { exitCode } = await git("push", `http://git:${secret}@localhost:${port}/webapp`, "master");
  assert.equal(exitCode, 0);
  const commit = (await git("rev-parse", "HEAD")).stdout.trim();

  const drone = new SimDrone(nodeWorld(silentLog), {
    hub: { host: "localhost", port },
    credential: credentialFromSecret(secret),
    identity: "a".repeat(32),
    name: "web-1",
    stepMsMax: 1_500,
  });
  t.after(() => drone.die());
  await until("the drone joins", () => drone.assigned !== undefined);
  const command = await dialHub(port, "cli");
  const lines: string[] = [];
  const asked = command.call(
    "hub.deploy",
    { repo: "webapp", ref: "master" },
    { limitMs: 0, onPart: (part) => lines.push("phase" in part ? part.phase : part.kind) },
  );
  asked.catch(() => undefined);
  await until("the drone begins", () => drone.instances.size > 0);
  const died = new Promise((resolve) => {
    hub.once("exit", resolve);
  });
  hub.kill("SIGKILL");
  await died;
  await assert.rejects(asked, { code: "LINK_LOST" });
  assert.ok(!lines.includes("ready"));

  await startProcess(t, data, port);
  const target = { repo: "webapp", commit };
  await until("the drone is ready", () => drone.phaseOf(target) === "ready");
  await until("the commit is promoted", async () => (await routesOf(port)).routes.length > 0);
  const [route] = (await routesOf(port)).routes;
  assert.deepEqual(
    [route?.repo, route?.environment, route?.shares.map((share) => share.commit)],
    ["webapp", "production", [commit]],
  );
  const asker = await dialHub(port, "cli");
  t.after(() => hangUp(asker));
  const { events } = await asker.call("hub.events", { last: 100, follow: false });
  const ends = events.filter(({ kind }) => kind === "deployed" || kind === "deploy-failed");
  assert.deepEqual(
    ends.map(({ text }) => text),
    [`release 1 of webapp (${commit.slice(0, 7)}) is ready on 1 drone`],
  );
});
