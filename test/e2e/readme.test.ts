/**
 * The README's walk-through, command by command out of the page itself, typed into a shell; only the
 * ports and the two commits are other ones.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Cluster, until, WorkTree } from "@propagit/test-support";
import { execa } from "execa";

const root = fileURLToPath(new URL("../../../", import.meta.url));

describe("the commands of the README", () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let blocks: readonly string[];
  const commits = { "74336bc": "", "40548da": "" };

  before(async () => {
    cluster = await Cluster.create();
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
    await tree.copyFrom(join(root, "examples/cluster"));
    commits["74336bc"] = await tree.commit("beep boop");
    const page = await readFile(join(root, "README.md"), "utf8");
    const walkThrough = page.slice(page.indexOf("## The walk-through"));
    blocks = [...walkThrough.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
  });

  after(async () => {
    // What the page starts in the background is ended by the pids that its shells printed.
    for (const pid of pids.reverse()) await end(pid);
    await cluster.destroy();
  });

  const pids: number[] = [];

  it("start a cluster", async () => {
    await type(0, 4);
    await until("both drones", async () => {
      const { stdout } = await cluster.propagit("drones", "--json");
      return stdout.split('"connected"').length === 3;
    });
  });

  it("push and deploy, and show who listens where", async () => {
    const { stdout } = await type(1);
    assert.match(stdout, /is ready on 2 drones/);
    const shown = await type(2);
    assert.match(shown.stdout, /"http": \[ \{ "host": "127\.0\.0\.1", "port": \d+ \} \]/);
  });

  it("put a proxy in front of two versions", async () => {
    const source = await readFile(join(tree.folder, "web.js"), "utf8");
    await tree.write("web.js", source.replace('"beep boop"', '"beepity boop!"'));
    commits["40548da"] = await tree.commit("beepity");
    await type(1);
    const block = blockOf(3);
    const [start = "", ...curls] = block.split("\n").filter((line) => line !== "");
    await run(start, 1);
    await until("the proxy to serve", async () => {
      const answer = await run(curls[0] ?? "", 0).catch(() => undefined);
      return answer?.stdout === "beep boop";
    });
    assert.equal((await run(curls[1] ?? "", 0)).stdout, "beepity boop!");
  });

  it("split, promote, stop and look", async () => {
    const lines = blockOf(4).replace("propagit events --follow", "propagit events");
    const { stdout } = await run(lines, 0);
    assert.match(stdout, /90 %.*10 %/);
    assert.match(stdout, /webapp \w{7} is stopped/);
    assert.match(stdout, /^INSTANCE/m);
    assert.match(stdout, /^DRONE/m);
  });

  it("are all of them", () => assert.equal(blocks.length, 5));

  const type = (index: number, background = 0) => run(blockOf(index), background);

  /** A block with our ports and commits. */
  function blockOf(index: number): string {
    const { hub, registry, proxy } = cluster.ports;
    const text = blocks[index];
    assert.ok(text, `the walk-through has a block ${index}`);
    return text
      .replace(/\b6000\b/g, String(registry))
      .replace(/\b6001\b/g, String(hub))
      .replace(/\b6002\b/g, String(hub + 1))
      .replace(/\b8000\b/g, String(proxy))
      .replaceAll("74336bc", commits["74336bc"].slice(0, 7))
      .replaceAll("40548da", commits["40548da"].slice(0, 7))
      .replace("http://localhost", "http://git:beepboop@localhost");
  }

  /** Types lines into bash; `background` processes stay and are remembered by their pids. */
  async function run(lines: string, background: number): Promise<{ readonly stdout: string }> {
    const script = `set -e\n${lines.replaceAll(/ &$/gm, ' >"$LOG" 2>&1 & echo "pid $!"')}\n`;
    const { stdout } = await execa("bash", ["-c", script], {
      cwd: tree.folder,
      extendEnv: false,
      timeout: 180_000,
      env: {
        ...cluster.env,
        PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
        HOME: cluster.folder,
        LOG: join(cluster.folder, "daemons.log"),
      },
    });
    const started = [...stdout.matchAll(/^pid (\d+)$/gm)].map((match) => Number(match[1]));
    assert.equal(started.length, background);
    pids.push(...started);
    return { stdout };
  }
});

async function end(pid: number): Promise<void> {
  process.kill(pid, "SIGINT");
  await until(`process ${pid} to end`, () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}
