/** A proxy that is replaced by a new version of itself under its visitors. */
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  Cluster,
  echoSockets,
  freePort,
  until,
  WorkTree,
  writeCertificate,
  type DaemonProcess,
} from "@propagit/test-support";
import { WebSocket } from "ws";

/** Says hello, and back what websockets say; `/slow` takes its time between two halves. */
const app = `
import { createServer } from "node:http";
const server = createServer((request, response) => {
  if (!request.url.startsWith("/slow")) return response.end("hello");
  response.write("first ");
  process.once("SIGUSR1", () => response.end("second"));
});
server.listen(process.env.PORT);
${echoSockets}`;

for (const workers of ["1", "2"]) {
  describe(`a proxy with ${workers === "1" ? "one worker" : "two workers"}`, () => {
    let cluster: Cluster;
    let proxy: DaemonProcess;
    let certificate: string;
    let key: string;

    before(async () => {
      cluster = await Cluster.create();
      await cluster.startHub({ ownRegistry: true });
      await cluster.startDrone([], ["--name=a", `--data=${join(cluster.folder, "a")}`]);
      const tree = await WorkTree.create(join(cluster.folder, "app"));
      await tree.write("propagit.yaml", "services:\n  web:\n    command: [node, app.mjs]\n");
      await tree.write("app.mjs", app);
      await tree.commit("app");
      await tree.git("push", "--quiet", `http://localhost:${cluster.ports.hub}/webapp`, "master");
      const deployed = await cluster.propagit("deploy", "webapp", "master");
      assert.equal(deployed.exitCode, 0, deployed.stderr);
      ({ certificate, key } = await writeCertificate(cluster.folder, "webapp.localhost"));
      proxy = await cluster.startProxy([
        `--data=${join(cluster.folder, "proxy")}`,
        `--workers=${workers}`,
        `--tls-port=${await freePort()}`,
        `--certificate=${certificate},${key}`,
      ]);
      await until("visitors to be served", async () => (await ask("/")) === "hello");
    });

    after(() => cluster.destroy());

    /** On a connection of its own, or a kept one. */
    const ask = (path: string, agent?: Agent): Promise<string> =>
      new Promise((resolve, reject) => {
        const host = "webapp.localhost";
        const options = { port: cluster.ports.proxy, path, headers: { host } };
        request({ ...options, ...(agent ? { agent } : { agent: false }) }, (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (part: string) => (text += part));
          response.on("end", () => resolve(text)).on("error", reject);
        })
          .on("error", reject)
          .end();
      });
    const heirs = () => [...proxy.output.matchAll(/process (\d+) has taken over/g)];

    it("is succeeded twice without a visitor noticing", async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 4 });
      const socket = new WebSocket(`ws://localhost:${cluster.ports.proxy}/`, {
        headers: { host: "webapp.localhost" },
      });
      await new Promise((resolve, reject) => {
        socket.once("open", resolve).once("error", reject);
      });
      const slow = ask("/slow");
      let asked = 0;
      const state = { isOver: false };
      const visit = async (kept?: Agent) => {
        while (!state.isOver) {
          assert.equal(await ask("/", kept), "hello");
          asked += 1;
        }
      };
      const visitors = Promise.all([visit(agent), visit(agent), visit(), visit()]);
      for (const round of [1, 2]) {
        proxy.kill("SIGUSR2");
        await Promise.race([until("a successor", () => heirs().length === round), visitors]);
        const before = asked;
        await Promise.race([until("visitors of it", () => asked > before + 200), visitors]);
      }
      state.isOver = true;
      await visitors;
      agent.destroy();

      const answer = new Promise((resolve) => {
        socket.once("message", (data: Buffer) => resolve(data.toString()));
      });
      socket.send("still there");
      assert.equal(await answer, "still there");
      socket.terminate();
      const [instance] = JSON.parse((await cluster.propagit("ps", "--json")).stdout) as [
        { report: { pid: number } },
      ];
      process.kill(instance.report.pid, "SIGUSR1");
      assert.equal(await slow, "first second");
      assert.equal(new Set(heirs().map(([, pid]) => pid)).size, 2);
    });

    it("follows its hub as the one before did", async () => {
      const { stdout } = await cluster.propagit("proxies", "--json");
      const proxies = JSON.parse(stdout) as { state: string }[];
      assert.deepEqual(
        proxies.map(({ state }) => state),
        ["connected"],
      );
    });

    it("serves on when its successor cannot start", async () => {
      const good = await readFile(certificate, "utf8");
      await writeFile(certificate, "not a certificate\n");
      proxy.kill("SIGUSR2");
      await until("the reason", () =>
        /no successor: it ended with exit code \d/.test(proxy.output),
      );
      assert.equal(await ask("/"), "hello");
      await writeFile(certificate, good);
      assert.equal(proxy.isOver, false);
    });

    it("ends with all its successors", async () => {
      const [, pid = ""] = heirs().at(-1) ?? [];
      await proxy.stop("SIGTERM");
      assert.throws(() => process.kill(Number(pid), 0));
      await assert.rejects(ask("/"));
      await rm(key);
    });
  });
}
