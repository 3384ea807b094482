/**
 * A commit that several drones of one machine swap between them: real daemons, a real repository. Faults are
 * in swarm-faults.test.ts.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SwarmView } from "@propagit/protocol";
import { Cluster, secret, until, WorkTree, type DaemonProcess } from "@propagit/test-support";
import { execa } from "execa";

const repo = "app";
const manifest = `services:
  idle:
    command: [/bin/sleep, "100000"]
    port: none
    ready: { when: alive, timeout: 120s }
`;
const limitMs = 120_000;
const parts = 20;
const partBytes = 1e6;

interface Scene {
  readonly cluster: Cluster;
  readonly tree: WorkTree;
  readonly drones: Map<string, DaemonProcess>;
}

describe("drones of one machine", () => {
  it("swap a commit, and of the next one only what is new", async () => {
    await scene(async (it) => {
      const names = ["d1", "d2", "d3", "d4", "d5", "d6"];
      await Promise.all(names.map((name) => startDrone(it, name)));
      const one = await commitAndPush(it);
      await deploy(it, one);
      for (const name of names) await hasFiles(it, name, one);
      const whole = await viewOf(it, one, ({ shares }) => shares.length === names.length);
      assert.equal(whole.base, undefined);
      assert.ok(whole.bytes > parts * partBytes, `${whole.bytes} bytes`);
      assert.ok(
        whole.hubSentBytes < 2 * whole.bytes,
        `the hub sent ${whole.hubSentBytes} of ${whole.bytes} bytes to six drones`,
      );

      await writePart(it.tree, 0);
      await writePart(it.tree, 1);
      const two = await commitAndPush(it);
      await deploy(it, two);
      for (const name of names) await hasFiles(it, name, two);
      const thin = await viewOf(it, two, () => true);
      assert.equal(thin.base, one);
      assert.ok(thin.bytes < 2.1 * partBytes, `${thin.bytes} bytes`);
    });
  });

  it("lose nothing of what was there when one is killed on the way and comes back", async () => {
    await scene(async (it) => {
      const names = ["d1", "d2", "d3"];
      await Promise.all(names.map((name) => startDrone(it, name)));
      await startDrone(it, "slow", "--swarm-download=2MB");
      const one = await commitAndPush(it);
      await deploy(it, one, "--detach");
      const halfway = await viewOf(it, one, (view) => (receivedBy(view, "slow") ?? 0) > 8e6);
      const slow = drone(it, "slow");
      slow.kill("SIGKILL");
      await slow.exited;
      for (const name of names) await hasFiles(it, name, one);

      await startDrone(it, "slow");
      await hasFiles(it, "slow", one);

      const again = await viewOf(it, one, ({ shares }) =>
        shares.some(({ drone, report }) => drone === "slow" && report.state === "used"),
      );
      const received = receivedBy(again, "slow") ?? 0;
      assert.ok(
        received < halfway.bytes - 6e6,
        `it received ${received} of ${halfway.bytes} bytes in its second life`,
      );
    });
  });

  it("fetch with git and serve nobody where they shall not take part", async () => {
    await scene(async (it) => {
      await startDrone(it, "d1", "--no-swarm");
      await startDrone(it, "d2", "--no-swarm");
      const one = await commitAndPush(it);
      await deploy(it, one);
      for (const name of ["d1", "d2"]) await hasFiles(it, name, one);
      assert.deepEqual(await views(it), []);
    });
  });
});

async function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  const cluster = await Cluster.create();
  try {
    await cluster.startHub({
      ownRegistry: true,
      flags: [`--data=${join(cluster.folder, "hub")}`],
    });
    const tree = await WorkTree.create(join(cluster.folder, "tree"));
    await tree.write("propagit.yaml", manifest);
    await mkdir(join(tree.folder, "parts"));
    for (let part = 0; part < parts; part++) await writePart(tree, part);
    await play({ cluster, tree, drones: new Map() });
  } catch (thrown) {
    throw new Error(`${String(thrown)}\n${cluster.output}`, { cause: thrown });
  } finally {
    await cluster.destroy();
  }
}

async function startDrone(
  { cluster, drones }: Scene,
  name: string,
  ...flags: readonly string[]
): Promise<void> {
  const data = `--data=${join(cluster.folder, name)}`;
  drones.set(name, await cluster.startDrone([], [`--name=${name}`, data, ...flags]));
}

function drone({ drones }: Scene, name: string): DaemonProcess {
  const found = drones.get(name);
  assert.ok(found, `there is a drone ${name}`);
  return found;
}

/** Bytes that nothing makes smaller. */
async function writePart(tree: WorkTree, part: number): Promise<void> {
  await writeFile(join(tree.folder, "parts", `${part}.bin`), randomBytes(partBytes));
}

async function commitAndPush({ cluster, tree }: Scene): Promise<string> {
  const commit = await tree.commit("random bytes");
  const url = `http://git:${secret}@localhost:${cluster.ports.hub}/${repo}`;
  await tree.git("push", "--quiet", "--push-option=deploy=no", url, "HEAD:refs/heads/master");
  return commit;
}

async function deploy({ cluster }: Scene, commit: string, ...flags: readonly string[]) {
  const done = await cluster.propagit("deploy", ...flags, repo, commit);
  assert.equal(done.exitCode, 0, done.stdout + done.stderr);
}

/** The very files of the commit, and no others. */
async function hasFiles({ cluster, tree }: Scene, name: string, commit: string): Promise<void> {
  const folder = join(cluster.folder, name, "commits", repo, commit);
  await until(
    `files of ${commit} on ${name}`,
    async () => (await execa("test", ["-d", folder], { reject: false })).exitCode === 0,
    limitMs,
  );
  const compared = await execa("diff", ["-r", "--exclude=.git", tree.folder, folder], {
    reject: false,
  });
  assert.equal(compared.stdout + compared.stderr, "");
}

async function views({ cluster }: Scene): Promise<readonly SwarmView[]> {
  const { stdout } = await cluster.propagit("swarm", "--json");
  return (JSON.parse(stdout) as { artifacts: readonly SwarmView[] }).artifacts;
}

/** The artifact that brings a commit, as soon as it is so. */
async function viewOf(
  scene: Scene,
  commit: string,
  isSo: (view: SwarmView) => boolean,
): Promise<SwarmView> {
  let found: SwarmView | undefined;
  await until(
    `an artifact of ${commit}`,
    async () => {
      found = (await views(scene)).find((view) => view.commit === commit && isSo(view));
      return found !== undefined;
    },
    limitMs,
  );
  assert.ok(found);
  return found;
}

function receivedBy({ shares }: SwarmView, name: string): number | undefined {
  return shares.find(({ drone }) => drone === name)?.report.receivedBytes;
}
