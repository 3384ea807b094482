/** From nothing to an URL that answers: `up`, `init`, `git push`; and what ends with which signal. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import {
  cleanEnv,
  DaemonProcess,
  freePort,
  get,
  processesIn,
  runCli,
  until,
  type Finished,
} from "@propagit/test-support";

const app = `import { createServer } from "node:http";
const { PORT, COMMIT } = process.env;
createServer((request, response) => response.end("pid " + process.pid + " of " + COMMIT)).listen(PORT);
`;

/** A user's home, a project, and the ports of an `up`. */
class Newcomer {
  readonly folder: string;
  readonly project: string;
  readonly ports: { readonly hub: number; readonly registry: number; readonly proxy: number };
  readonly #ups: DaemonProcess[] = [];

  private constructor(folder: string, ports: Newcomer["ports"]) {
    this.folder = folder;
    this.project = join(folder, "web app");
    this.ports = ports;
  }

  static async create(test: TestContext): Promise<Newcomer> {
    const folder = await mkdtemp(join(tmpdir(), "propagit-up-"));
    const ports = { hub: await freePort(), registry: await freePort(), proxy: await freePort() };
    const newcomer = new Newcomer(folder, ports);
    test.after(() => newcomer.destroy());
    await mkdir(newcomer.project);
    const manifest = { type: "module", scripts: { start: "node web.js" } };
    await writeFile(join(newcomer.project, "package.json"), JSON.stringify(manifest));
    await writeFile(join(newcomer.project, "web.js"), app);
    return newcomer;
  }

  get env(): Readonly<Record<string, string>> {
    return { PROPAGIT_HOME: join(this.folder, "home") };
  }

  get upArguments(): readonly string[] {
    const { hub, registry, proxy } = this.ports;
    return ["up", `--port=${hub}`, `--registry-port=${registry}`, `--proxy-port=${proxy}`];
  }

  async up(): Promise<DaemonProcess> {
    const daemon = new DaemonProcess("up", "propagit", this.upArguments, this.env);
    this.#ups.push(daemon);
    await daemon.said(/everything runs/);
    return daemon;
  }

  /** A command of ours, typed in the project. */
  propagit(...words: readonly string[]): Promise<Finished> {
    return runCli("propagit", words, this.env, ["env", `--chdir=${this.project}`]);
  }

  git(...words: readonly string[]): { readonly status: number | null; readonly output: string } {
    const who = ["-c", "user.name=New", "-c", "user.email=new@example.com"];
    const { status, stdout, stderr } = spawnSync("git", [...who, ...words], {
      cwd: this.project,
      encoding: "utf8",
      env: cleanEnv({ ...this.env, HOME: this.folder, GIT_TERMINAL_PROMPT: "0" }),
    });
    return { status, output: stdout + stderr };
  }

  async answer(): Promise<string> {
    return (await get(this.ports.proxy, { host: "web-app.localhost" })).body;
  }

  async destroy(): Promise<void> {
    for (const up of this.#ups) await up.stop("SIGINT");
    for (const pid of await processesIn(this.folder)) process.kill(pid, "SIGKILL");
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

describe("propagit up", () => {
  it("takes a newcomer to an URL that answers, with no secret in the project", async (test) => {
    const newcomer = await Newcomer.create(test);
    const started = performance.now();
    await newcomer.up();
    const { exitCode, stdout, stderr } = await newcomer.propagit("init");
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match(stdout, /wrote propagit.yaml from package.json/);
    assert.equal((await newcomer.propagit("check")).exitCode, 0);
    newcomer.git("add", "--all");
    newcomer.git("commit", "--message=first");
    const { status, output } = newcomer.git("push", "hub", "main");
    assert.equal(status, 0, output);
    await until("visitors to be answered", async () =>
      /^pid \d+ of [0-9a-f]{40}$/.test(await newcomer.answer()),
    );
    test.diagnostic(`from nothing to the answer: ${Math.round(performance.now() - started)} ms`);

    const secretFile = join(newcomer.folder, "home/up/secret");
    const secret = (await readFile(secretFile, "utf8")).trim();
    assert.equal((await stat(secretFile)).mode & 0o777, 0o600);
    const found = spawnSync("grep", ["-rlF", secret, newcomer.project], { encoding: "utf8" });
    assert.equal(found.stdout, "");
    const lines = spawnSync("ps", ["-ww", "-eo", "args"], { encoding: "utf8" }).stdout;
    assert.ok(!lines.includes(secret), "the secret is in ps");
  });

  it("is refused twice in one data folder, and says what to do", async (test) => {
    const newcomer = await Newcomer.create(test);
    await newcomer.up();
    const { exitCode, stderr } = await runCli("propagit", newcomer.upArguments, newcomer.env);
    assert.equal(exitCode, 8);
    assert.match(stderr, /it is up already: the data folder .* is in use by process \d+/);
  });

  it("ends all in order when a part cannot come up, and tells its reason", async (test) => {
    const newcomer = await Newcomer.create(test);
    await newcomer.up();
    const args = [...newcomer.upArguments, `--data=${join(newcomer.folder, "other")}`];
    const { exitCode, stderr } = await runCli("propagit", args, newcomer.env);
    assert.equal(exitCode, 7);
    assert.match(stderr, /registry ended before it worked \(exit code 8\)/);
    assert.match(stderr, new RegExp(`port ${newcomer.ports.registry}`));
  });

  it("brings back a part that was killed", async (test) => {
    const newcomer = await Newcomer.create(test);
    const up = await newcomer.up();
    const path = join(newcomer.folder, "home/up/processes.json");
    const pidOf = async (part: string) => {
      const known = JSON.parse(await readFile(path, "utf8")) as Record<string, { pid: number }>;
      return known[part]?.pid ?? 0;
    };
    const before = await pidOf("hub");
    process.kill(before, "SIGKILL");
    await up.said(/hub ended \(SIGKILL\) and starts again/);
    await until("another hub", async () => (await pidOf("hub")) !== before);
    await until(
      "the hub to answer",
      async () => (await newcomer.propagit("drones")).exitCode === 0,
    );
  });

  it("leaves instances to its next life on SIGTERM and when it is killed; ^C ends them", async (test) => {
    const newcomer = await Newcomer.create(test);
    const first = await newcomer.up();
    await newcomer.propagit("init");
    newcomer.git("add", "--all");
    newcomer.git("commit", "--message=first");
    assert.equal(newcomer.git("push", "hub", "main").status, 0);
    await until("an answer", async () => (await newcomer.answer()).startsWith("pid"));
    const answer = await newcomer.answer();
    const pid = Number(/pid (\d+)/.exec(answer)?.[1]);
    assert.equal(await first.stop("SIGTERM"), 0);
    assert.ok(process.kill(pid, 0), "the instance lives");

    const second = await newcomer.up();
    await until("the same instance to answer", async () => (await newcomer.answer()) === answer);
    second.kill("SIGKILL");
    await second.exited;
    const third = await newcomer.up();
    assert.match(third.output, /ended the drone of an earlier start/);
    await until("the same instance to answer", async () => (await newcomer.answer()) === answer);
    assert.equal(await third.stop("SIGINT"), 130);
    assert.deepEqual(await processesIn(join(newcomer.folder, "home")), [], third.output);
  });
});
