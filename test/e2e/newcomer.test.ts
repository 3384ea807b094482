/**
 * What somebody new types, out of the README: from `propagit up` to an URL that answers, and what he is told
 * to try after that. How long it takes is said, not judged.
 */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  cleanEnv,
  Cluster,
  closeConnections,
  type DaemonProcess,
  freePort,
  processesIn,
  until,
} from "@propagit/test-support";
import { execa } from "execa";

const root = fileURLToPath(new URL("../../../", import.meta.url));

describe("a newcomer", () => {
  let cluster: Cluster;
  let up: DaemonProcess;
  let blocks: readonly string[];
  let began = 0;

  before(async () => {
    cluster = await Cluster.create();
    await mkdir(project(), { recursive: true });
    await writeFile(join(project(), "package.json"), '{ "scripts": { "start": "node web.js" } }');
    await writeFile(join(project(), "web.js"), server);
    await git("init", "--quiet", "--initial-branch=main");
    const page = await readFile(join(root, "README.md"), "utf8");
    const [, section = ""] = page.split("## Two minutes to a running app");
    const [twoMinutes = ""] = section.split("\n## ");
    blocks = [...twoMinutes.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
  });

  after(async () => {
    closeConnections();
    await up.stop("SIGINT");
    const left = await processesIn(cluster.folder);
    await cluster.destroy();
    assert.deepEqual(left, [], "^C ends everything");
  });

  const project = () => join(cluster.folder, "myapp");
  const env = () =>
    cleanEnv({
      ...cluster.env,
      HOME: cluster.folder,
      PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Ada",
      GIT_AUTHOR_EMAIL: "ada@example.com",
      GIT_COMMITTER_NAME: "Ada",
      GIT_COMMITTER_EMAIL: "ada@example.com",
    });
  const git = (...args: readonly string[]) =>
    execa("git", args, { cwd: project(), env: env(), extendEnv: false });
  const type = (commands: string) =>
    execa("bash", ["-e", "-u", "-o", "pipefail", "-c", commands], {
      cwd: project(),
      env: env(),
      extendEnv: false,
      reject: false,
      all: true,
      timeout: 120_000,
      stdin: "ignore",
    });

  it("starts everything with one command, which says what to type next", async () => {
    began = performance.now();
    const [command = "", ...more] = (blocks[0] ?? "").trim().split("\n");
    assert.deepEqual([command, more], ["propagit up", []]);
    const ports = [
      `--port=${cluster.ports.hub}`,
      `--proxy-port=${cluster.ports.proxy}`,
      `--registry-port=${await freePort()}`,
    ];
    up = cluster.start("up", "propagit", ["up", ...ports]);
    await up.said(/everything runs/);
    for (const line of [/propagit init/, /git push hub main/, /curl http:/]) await up.said(line);
  });

  it("has an URL that answers a few commands later", async (test) => {
    const commands = (blocks[1] ?? "").replace(
      "localhost:8000",
      `localhost:${cluster.ports.proxy}`,
    );
    const { exitCode, all } = await type(commands);
    const tookMs = performance.now() - began;
    assert.equal(exitCode, 0, `${all}\n${up.output}`);
    assert.match(all, /beep boop$/);
    assert.match(all, /release 1/);
    test.diagnostic(`from \`propagit up\` to the answer: ${Math.round(tookMs)} ms`);
  });

  it("has no secret in any file of the project or URL", async () => {
    const secrets = await execa(
      "sh",
      [
        "-c",
        `cat "$PROPAGIT_HOME"/up/hub/secret || cat $(find "$PROPAGIT_HOME" -name secret | head -1)`,
      ],
      {
        env: env(),
        extendEnv: false,
      },
    );
    const found = await execa("grep", ["-rF", secrets.stdout.trim(), project()], { reject: false });
    assert.ok(secrets.stdout.trim().length >= 16);
    assert.equal(found.stdout, "");
  });

  it("goes on as the page says", async () => {
    const commands = (blocks[2] ?? "").replace("logs myapp -f", "logs myapp");
    await writeFile(join(project(), "more.txt"), "more");
    await type("git add --all && git commit --quiet --message=second && git push --quiet hub main");
    await until("the second release", async () =>
      (await type("propagit releases myapp")).all.includes("second"),
    );
    const { exitCode, all } = await type(commands);
    assert.equal(exitCode, 0, `${all}\n${up.output}`);
    assert.match(all, /second/);
    assert.match(all, /goes back to release 1/);
    assert.match(all, /here I am/, "the log");
  });

  it("is told all there is", () => assert.equal(blocks.length, 3));
});

const server = `console.log("here I am");
require("node:http").createServer((_, response) => response.end("beep boop\\n")).listen(process.env.PORT);
`;
