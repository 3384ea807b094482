/** The examples of whole projects, deployed by what their pages say, on one machine with `propagit up`. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  cleanEnv,
  closeConnections,
  Cluster,
  differences,
  type DaemonProcess,
  freePort,
  processesIn,
} from "@propagit/test-support";
import { execa } from "execa";

const root = fileURLToPath(new URL("../../../", import.meta.url));

describe("the examples", () => {
  let cluster: Cluster;
  let up: DaemonProcess;

  before(async () => {
    cluster = await Cluster.create();
    const ports = [
      `--port=${cluster.ports.hub}`,
      `--proxy-port=${cluster.ports.proxy}`,
      `--registry-port=${await freePort()}`,
    ];
    // Also the home of its drone, into which a page may push files.
    up = cluster.start("up", "propagit", ["up", ...ports], { HOME: cluster.folder });
    await up.said(/everything runs/);
  });

  after(async () => {
    closeConnections();
    await up.stop("SIGINT");
    const left = await processesIn(cluster.folder);
    await cluster.destroy();
    assert.deepEqual(left, [], "^C ends everything");
  });

  /** Types what the page of an example says, as somebody whose home is the cluster's folder. */
  async function followPage(name: string): Promise<string> {
    const page = await readFile(join(root, "examples", name, "README.md"), "utf8");
    const commands = (/^```sh\n(.*?)^```$/ms.exec(page)?.[1] ?? "")
      .replaceAll("localhost:6001", `localhost:${cluster.ports.hub}`)
      .replaceAll("localhost:8000", `localhost:${cluster.ports.proxy}`);
    const { exitCode, all } = await execa("bash", ["-e", "-u", "-c", commands], {
      cwd: root,
      env: cleanEnv({
        ...cluster.env,
        HOME: cluster.folder,
        PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_TERMINAL_PROMPT: "0",
        GIT_AUTHOR_NAME: "Ada",
        GIT_AUTHOR_EMAIL: "ada@example.com",
        GIT_COMMITTER_NAME: "Ada",
        GIT_COMMITTER_EMAIL: "ada@example.com",
        PROPAGIT_BY: "ada",
      }),
      extendEnv: false,
      reject: false,
      all: true,
      timeout: 120_000,
      stdin: "ignore",
    });
    assert.equal(exitCode, 0, `${all}\n${up.output}`);
    return all;
  }

  it("of a propagit.yaml is built, tested and started in two environments", async () => {
    const said = await followPage("manifest");
    const proxy = `localhost:${cluster.ports.proxy}`;
    assert.match(said, /build 1 on this machine/);
    assert.match(said, /success: release 1 of manifest in production is ready/);
    assert.match(said, new RegExp(`http://manifest\\.${proxy}`));
    assert.match(said, /^hello, this is [0-9a-f]{7}$/m);
    const urls = `http://manifest.${proxy} http://main--manifest.${proxy} http://www.example.test:`;
    assert.ok(said.includes(urls), said);
    assert.ok(
      said.includes(`http://staging--manifest.${proxy} http://next--manifest.${proxy}`),
      said,
    );
    assert.match(said, /^hello from staging, this is [0-9a-f]{7}$/m);
    // One machine, three services in production; staging has no worker.
    const [, production = "", staging = ""] = said.split(/(?:production|staging), release 1 \(/);
    const services = (tree: string) => tree.match(/(?<=─ )[a-z]+(?=\n)/g);
    assert.deepEqual(services(production), ["greeter", "web", "worker"]);
    assert.deepEqual(services(staging), ["greeter", "web"]);
  });

  it("of a Procfile is deployed when somebody says so", async () => {
    const said = await followPage("procfile");
    assert.match(said, /to run it: propagit deploy procfile main/);
    assert.match(said, /procfile [0-9a-f]{7} is ready on 1 drone/);
    assert.match(said, /^web of [0-9a-f]{40}$/m);
  });

  it("of files brings what is meant for visitors, and later what changed or was changed there", async () => {
    const said = await followPage("files");
    assert.match(said, /done {2}4 added, 0 unchanged/);
    assert.match(said, /compared {2}1 changed, 3 unchanged.*\n {2}~ pages\/hours\.html\n/);
    assert.equal(said.match(/done {2}1 changed, 3 unchanged/g)?.length, 2, said);
    assert.match(said, /as pushed, verified/);
    assert.match(said, /1 changed, 0 missing[^]*^it ended with 7$/m);
    const [site, there] = ["site", "there"].map((name) => join(cluster.folder, "files", name));
    assert.equal(
      await differences(site ?? "", there ?? ""),
      `Only in ${site}/pages: prices.draft.html`,
    );
    assert.match(await readFile(`${there}/pages/hours.html`, "utf8"), /Monday to Saturday/);
  });
});
