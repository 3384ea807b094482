/** Settings of an environment as secrets of plans: used by tasks on drones and on the hub, and found nowhere else. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { exitCodes } from "@propagit/protocol";
import { Cluster } from "@propagit/test-support";

const run = promisify(execFile);

describe("secrets of plans", () => {
  let cluster: Cluster;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    request.resume().once("end", () => response.writeHead(200).end());
  });

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    await cluster.startDrone([], ["--name=a", `--data=${join(cluster.folder, "drone-a")}`]);
    const folder = join(cluster.folder, "shop");
    const url = `http://x:beepboop@localhost:${cluster.ports.hub + 1}/shop`;
    const script = `git init -q -b main ${folder}; cd ${folder}; echo x >x; git add x; git commit -qm x; git push -q ${url} main`;
    await run("bash", ["-ec", script]);
    const { port } = server.address() as AddressInfo;
    const hook = `http://127.0.0.1:${port}/hidden-7f3a`;
    const set = await cluster.propagit(
      "env",
      "set",
      "shop",
      `HOOK=${hook}`,
      "BROKEN=no-address-77",
    );
    assert.equal(set.exitCode, exitCodes.ok, set.stderr);
  });
  after(async () => {
    await cluster.destroy();
    server.close();
  });

  async function apply(secrets: object | undefined, ...tasks: readonly object[]) {
    const file = join(cluster.folder, "plan.json");
    const stages = [{ name: "only", tasks }];
    await writeFile(file, JSON.stringify({ name: "secret", secrets, stages }));
    return cluster.propagit("apply", file);
  }

  const tell = (more: object = {}) => ({
    command: "notify",
    text: "hello",
    webhook: "$HOOK",
    continueOnFail: false,
    ...more,
  });

  it("are used by tasks on drones and on the hub, and are in nothing that is kept", async () => {
    const secrets = { repo: "shop", names: ["HOOK"] };
    const applied = await apply(secrets, tell({ drone: "a" }), tell());
    assert.equal(applied.exitCode, exitCodes.ok, applied.stdout + applied.stderr + cluster.output);
    assert.deepEqual(asked, ["/hidden-7f3a", "/hidden-7f3a"]);
    assert.doesNotMatch(applied.stdout + cluster.output, /7f3a/);
    const found = await run("grep", ["-rl", "hidden-7f3a", cluster.folder]).then(
      ({ stdout }) => stdout,
      () => "",
    );
    assert.equal(found, "");
    assert.match(await readFile(join(cluster.folder, "plan.json"), "utf8"), /\$HOOK/);
  });

  it("are there only for a plan that names them, and are refused when there are none", async () => {
    const before = asked.length;
    const unnamed = await apply(undefined, tell({ drone: "a" }));
    assert.equal(unnamed.exitCode, exitCodes.failed);
    assert.match(unnamed.stdout, /there is no secret HOOK/);
    const missing = await apply({ repo: "shop", names: ["HOOK", "NONE"] }, tell({ drone: "a" }));
    assert.match(missing.stderr, /shop has no setting NONE/);
    const other = { repo: "shop", environment: "staging", names: ["HOOK"] };
    assert.match((await apply(other, tell())).stderr, /has no setting HOOK/);
    assert.equal(asked.length, before);
  });
});
