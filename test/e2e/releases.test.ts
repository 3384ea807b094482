/**
 * From push to live, and back: one story through the built command lines, run in order. A repository says
 * what it consists of, pushes deploy by themselves, each change is a numbered release.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes, type RolloutResult } from "@propagit/protocol";
import { execa } from "execa";
import {
  cleanEnv,
  closeConnections,
  Cluster,
  type Finished,
  GatedApp,
  get,
  readyInstances,
  releasesOf,
  secret,
  until,
  untilRelease,
  WorkTree,
} from "@propagit/test-support";

const branches = "deploy:\n  master: production\n  next: staging";

describe("releases", () => {
  let cluster: Cluster;
  let tree: WorkTree;
  let app: GatedApp;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    await cluster.startDrone([], ["--name=a", `--data=${join(cluster.folder, "a")}`]);
    await cluster.startDrone([], ["--name=b", `--data=${join(cluster.folder, "b")}`]);
    await cluster.startProxy();
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
    app = new GatedApp({ folder: cluster.folder, tree, more: branches });
    await app.open("build", "test", "release", "start");
  });

  after(async () => {
    closeConnections();
    await cluster.destroy();
  });

  const url = () => `http://localhost:${cluster.ports.hub}/webapp`;
  const push = (...args: readonly string[]) => tree.tryGit("push", url(), ...args);
  const visit = async (host = "webapp.localhost", path = "/") =>
    (await get(cluster.ports.proxy, { host, path })).body;
  const current = async () => (await releasesOf(cluster, "webapp")).find((one) => one.current);

  it("deploys what is pushed to a branch that the manifest maps, and the pusher watches", async () => {
    await app.write("one");
    const commit = await tree.commit("one");
    const { exitCode, stderr } = await push("master");
    assert.equal(exitCode, 0, stderr + cluster.output);
    assert.match(stderr, /remote: .*release 1/, stderr);
    assert.match(stderr, /remote: .*webapp/, stderr);
    const [release] = await releasesOf(cluster, "webapp");
    assert.deepEqual(
      [release?.number, release?.state, release?.commit, release?.current, release?.subject],
      [1, "ready", commit, true, "one"],
    );
    assert.equal(await visit(), "one");
  });

  it("builds once, and every drone gets what was built", async () => {
    assert.equal(await app.countOf("build"), 1);
    const instances = await readyInstances(cluster);
    assert.deepEqual(instances.map(({ drone }) => drone).sort(), ["a", "b"]);
    for (const { report } of instances) {
      const about = JSON.parse((await get(report.port ?? 0, { path: "/about" })).body) as {
        built: string;
        env: Record<string, string>;
      };
      assert.equal(about.built, "built");
      const { RELEASE, ENVIRONMENT, REPO, COMMIT, SERVICE } = about.env;
      const commit = report.commit;
      assert.deepEqual(
        { RELEASE, ENVIRONMENT, REPO, COMMIT, SERVICE },
        { RELEASE: "1", ENVIRONMENT: "production", REPO: "webapp", COMMIT: commit, SERVICE: "web" },
      );
    }
  });

  it("runs test and release command once for a release, before anything starts", async () => {
    assert.deepEqual([await app.countOf("test"), await app.countOf("release")], [1, 1]);
  });

  it("refuses a push whose manifest is wrong, with the place, and changes nothing", async () => {
    const manifest = await readFile(join(tree.folder, "propagit.yaml"), "utf8");
    await tree.write("propagit.yaml", manifest.replace("  web:", "  web:\n    comand: x"));
    await tree.commit("wrong");
    const { exitCode, stderr } = await push("master");
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /propagit\.yaml:3:\d+/, stderr);
    assert.match(stderr, /comand/, stderr);
    assert.equal(await visit(), "one");
    await tree.git("reset", "--quiet", "--hard", "HEAD~1");
  });

  it("takes push options: deploy=no takes the push only", async () => {
    await app.write("two");
    await tree.commit("two");
    const { exitCode, stderr } = await push("-o", "deploy=no", "master");
    assert.equal(exitCode, 0, stderr);
    assert.equal((await releasesOf(cluster, "webapp")).length, 1);
    assert.equal(await visit(), "one");
    const refused = await push("-o", "deplyo=no", "master:refs/heads/other");
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, /deploy=no/, "it names the options that there are");
  });

  it("deploys from the command line, and no request is lost when visitors are moved", async () => {
    const asked = askAll(() => visit());
    const result = await deploy(cluster, "webapp", "master");
    assert.deepEqual([result.outcome, result.release, result.promoted], ["ready", 2, true]);
    await until("visitors to get it", async () => (await visit()) === "two");
    assert.deepEqual([...(await asked.stop())].sort(), ["one", "two"]);
  });

  it("makes a release of each change of a setting, and gives it to the instances", async () => {
    const set = await cluster.propagit("env", "set", "webapp", "SUFFIX=!");
    assert.equal(set.exitCode, 0, set.stderr + cluster.output);
    await until("the new release", async () => (await visit()) === "two!");
    const release = await current();
    assert.deepEqual([release?.number, release?.kind], [3, "config"]);
    const list = await cluster.propagit("env", "list", "webapp");
    assert.match(list.stdout, /SUFFIX.*!/);
  });

  it("keeps secrets out of everything but the instances", async () => {
    const value = "correct-horse-battery-staple";
    const set = await withInput(cluster, value, "secrets", "set", "webapp", "TOKEN");
    assert.equal(set.exitCode, 0, set.stderr + cluster.output);
    await until("the new release", async () => (await current())?.number === 4);
    const about = JSON.parse(await visit(undefined, "/about")) as { env: Record<string, string> };
    assert.equal(about.env["TOKEN"], value);
    const said = [
      await cluster.propagit("env", "list", "webapp"),
      await cluster.propagit("secrets", "list", "webapp"),
      await cluster.propagit("release", "show", "webapp", "4"),
      await cluster.propagit("release", "show", "webapp", "4", "--json"),
      await cluster.propagit("events"),
      await cluster.propagit("ps", "--json"),
    ];
    for (const { stdout, stderr } of said) assert.ok(!(stdout + stderr).includes(value));
    assert.ok(!cluster.output.includes(value), "no daemon says it");
    const grep = await execa("grep", ["-rlaF", value, cluster.folder], { reject: false });
    assert.equal(grep.stdout, "", "no file holds it");
  });

  it("tells releases, one release, and what lies between two", async () => {
    const { stdout } = await cluster.propagit("releases", "webapp");
    assert.match(stdout, /4 .*config.*/, stdout);
    const shown = await cluster.propagit("release", "show", "webapp", "3");
    assert.match(shown.stdout, /SUFFIX/, shown.stdout + shown.stderr);
    const diff = await cluster.propagit("diff", "webapp", "1", "4");
    assert.equal(diff.exitCode, 0, diff.stderr);
    for (const word of ["two", "web.mjs", "SUFFIX", "TOKEN"]) {
      assert.ok(diff.stdout.includes(word), `${word} in\n${diff.stdout}`);
    }
  });

  it("goes back to what was live before, settings included, and to any release by number", async (test) => {
    const began = performance.now();
    const back = await cluster.propagit("rollback", "webapp");
    assert.equal(back.exitCode, 0, back.stderr + cluster.output);
    const about = JSON.parse(await visit(undefined, "/about")) as { env: Record<string, string> };
    assert.equal(about.env["TOKEN"], undefined);
    assert.equal(await visit(), "two!");
    test.diagnostic(
      `warm rollback, command to command: ${Math.round(performance.now() - began)} ms`,
    );
    const first = await cluster.propagit("rollback", "webapp", "1");
    assert.equal(first.exitCode, 0, first.stderr + cluster.output);
    await until("the first one", async () => (await visit()) === "one");
    const release = await current();
    assert.deepEqual([release?.number, release?.kind, release?.from], [6, "rollback", 1]);
    assert.equal(await app.countOf("build"), 2, "nothing is built again");
    const nowhere = await cluster.propagit("rollback", "webapp", "99");
    assert.equal(nowhere.exitCode, exitCodes.notFound);
  });

  it("keeps the old release when build, test or release command fail", async () => {
    for (const step of ["build", "test", "release"] as const) {
      const manifest = await readFile(join(tree.folder, "propagit.yaml"), "utf8");
      const failing = `${step}: sh -c 'echo the ${step} is broken; exit 3'`;
      const lines = manifest.split("\n").map((line) => (line.startsWith(step) ? failing : line));
      await tree.write("propagit.yaml", lines.join("\n"));
      const commit = await tree.commit(`broken ${step}`);
      await push("-o", "deploy=no", "master");
      const { exitCode, stdout, stderr } = await cluster.propagit("deploy", "webapp", commit);
      assert.equal(exitCode, exitCodes.failed, stdout + stderr);
      assert.match(stdout + stderr, new RegExp(`the ${step} is broken`));
      assert.equal(await visit(), "one");
      await tree.write("propagit.yaml", manifest);
      await tree.commit("mended");
    }
  });

  it("lets the second deploy wait, says for whom, and cancels what is under way", async () => {
    await app.close("build");
    await app.write("three");
    const third = await tree.commit("three");
    await push("-o", "deploy=no", "master");
    const before = (await releasesOf(cluster, "webapp"))[0]?.number ?? 0;
    await cluster.propagit("deploy", "webapp", third, "--detach");
    await untilRelease(cluster, "webapp", before + 1, ({ phase }) => phase === "building");
    await app.write("four");
    const fourth = await tree.commit("four");
    await push("-o", "deploy=no", "master");
    await cluster.propagit("deploy", "webapp", fourth, "--detach");
    const waiting = await untilRelease(cluster, "webapp", before + 2, () => true);
    assert.equal(waiting.phase, "queued");
    const cancelled = await cluster.propagit("cancel", "webapp", String(before + 1));
    assert.equal(cancelled.exitCode, 0, cancelled.stderr + cluster.output);
    await untilRelease(cluster, "webapp", before + 1, ({ state }) => state === "cancelled");
    await app.open("build");
    await untilRelease(cluster, "webapp", before + 2, ({ state }) => state === "ready");
    await until("the fourth to be live", async () => (await visit()) === "four");
  });

  it("keeps environments apart: their own releases, settings and host names", async () => {
    await app.write("five");
    await tree.commit("five");
    const pushed = await push("master:next");
    assert.equal(pushed.exitCode, 0, pushed.stderr + cluster.output);
    const staged = await releasesOf(cluster, "webapp", "--environment=staging");
    assert.deepEqual(
      staged.map(({ number, state, environment }) => ({ number, state, environment })),
      [{ number: 1, state: "ready", environment: "staging" }],
    );
    await until("staging", async () => (await visit("staging--webapp.localhost")) === "five");
    assert.equal(await visit(), "four");
  });
});

async function deploy(cluster: Cluster, ...args: readonly string[]): Promise<RolloutResult> {
  const { exitCode, stdout, stderr } = await cluster.propagit("deploy", ...args, "--json");
  assert.equal(exitCode, 0, stderr + cluster.output);
  const lines = stdout.trim().split("\n");
  return JSON.parse(lines.at(-1) ?? "") as RolloutResult;
}

/** A command with something on its standard input. */
async function withInput(
  cluster: Cluster,
  input: string,
  ...args: readonly string[]
): Promise<Finished> {
  const bin = new URL("../../../packages/cli/bin/propagit.js", import.meta.url).pathname;
  const env = cleanEnv({
    ...cluster.env,
    PROPAGIT_HUB: `localhost:${cluster.ports.hub}`,
    PROPAGIT_SECRET: secret,
  });
  const result = await execa(process.execPath, [bin, ...args], {
    env,
    extendEnv: false,
    reject: false,
    timeout: 180_000,
    input,
  });
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** Asks all the time until it is stopped; every answer that came, and a failure when one did not. */
function askAll(ask: () => Promise<string>): { stop(): Promise<ReadonlySet<string>> } {
  const done = new AbortController();
  const answers = new Set<string>();
  const asking = (async () => {
    while (!done.signal.aborted) answers.add(await ask());
  })();
  // What goes wrong is told when it is stopped.
  asking.catch(() => undefined);
  return {
    async stop() {
      done.abort();
      await asking;
      return answers;
    },
  };
}
