/** The commands that a project meets before its first push, as they are typed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { cleanEnv, runCli, type Finished } from "@propagit/test-support";

const examples = join(import.meta.dirname, "../../../examples");

async function projectOf(test: TestContext, files: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "propagit-project-"));
  test.after(() => rm(folder, { recursive: true, force: true }));
  const project = join(folder, "shop");
  await mkdir(project);
  for (const [path, text] of Object.entries(files)) await writeFile(join(project, path), text);
  const env = { PROPAGIT_HOME: join(folder, "home"), HOME: folder };
  const propagit = (...words: readonly string[]): Promise<Finished> =>
    runCli("propagit", words, env, ["env", `--chdir=${project}`]);
  const git = (words: readonly string[], input = "") =>
    spawnSync("git", words, { cwd: project, input, encoding: "utf8", env: cleanEnv(env) }).stdout;
  return { folder, project, propagit, git };
}

describe("propagit check", () => {
  it("shows what would run for each environment of the examples", async (test) => {
    const { propagit } = await projectOf(test);
    for (const name of ["manifest", "procfile"]) {
      const { exitCode, stdout, stderr } = await propagit("check", join(examples, name));
      assert.deepEqual([exitCode, stderr], [0, ""]);
      assert.match(stdout, /is right\n\nproduction\n {2}SERVICE {2,}INSTANCES/);
    }
    const { stdout } = await propagit(
      "check",
      join(examples, "manifest"),
      "-e",
      "staging",
      "--json",
    );
    const { staging } = JSON.parse(stdout) as { staging: { services: { name: string }[] } };
    assert.deepEqual(
      staging.services.map(({ name }) => name),
      ["web", "greeter"],
    );
  });

  it("shows in which waves drones get a release, and what stays up", async (test) => {
    const yaml =
      "services: { web: { command: node web.js, minUp: 2 } }\nwaves: { canary: web-1, by: zone, after: 10m }\n";
    const { propagit } = await projectOf(test, { "propagit.yaml": yaml });
    const { stdout } = await propagit("check");
    assert.match(
      stdout,
      /^ {2}waves: canary web-1, then by zone, each 10 min after the one before$/m,
    );
    assert.match(stdout, /^ {2}stay up: web 2$/m);
  });

  it("shows each mistake on its line and ends with 2", async (test) => {
    const yaml = "services:\n  web:\n    comand: node web.js\n";
    const { propagit } = await projectOf(test, { "propagit.yaml": yaml });
    const { exitCode, stderr } = await propagit("check");
    assert.equal(exitCode, 2);
    assert.match(
      stderr,
      /propagit\.yaml:3:5: "comand" is not known in `services\.web`; did you mean `command`\?\n {2}3 \| {5}comand: node web\.js\n {10}\^/,
    );
  });

  it("warns of a script that is not there, and of a project that says nothing", async (test) => {
    const { project, propagit } = await projectOf(test);
    assert.match((await propagit("check")).stdout, /nothing here says what runs/);
    await writeFile(join(project, "Procfile"), "web: node wbe.js\n");
    const { exitCode, stderr } = await propagit("check");
    assert.deepEqual(
      [exitCode, stderr],
      [0, "warning: services.web runs wbe.js, which is not in ."],
    );
  });
});

describe("propagit remote and credential", () => {
  it("keep a hub's secret for git, out of the project", async (test) => {
    const { folder, project, propagit, git } = await projectOf(test);
    const file = join(folder, "secret");
    await writeFile(file, "beep boop\n");
    const add = await propagit(
      "remote",
      "add",
      "work",
      "http://hub.test:6001",
      `--secret-file=${file}`,
    );
    assert.deepEqual([add.exitCode, add.stdout], [0, "work is hub.test:6001"]);
    const again = await propagit("remote", "add", "work", "other:6001", `--secret-file=${file}`);
    assert.equal(again.exitCode, 6);
    const list = await propagit("remote", "ls", "--json");
    assert.deepEqual(JSON.parse(list.stdout), [
      { name: "work", hub: "hub.test:6001", secret: true, current: true },
    ]);
    assert.equal((await propagit("init", "--hub=work")).exitCode, 0);
    assert.equal(git(["remote", "get-url", "hub"]).trim(), "http://hub.test:6001/shop");
    const asked = "protocol=http\nhost=hub.test:6001\n\n";
    assert.match(git(["credential", "fill"], asked), /username=\S+@\S+\npassword=beep boop\n/);
    const config = await readFile(join(project, ".git/config"), "utf8");
    assert.ok(!config.includes("beep boop"));
    assert.equal((await propagit("remote", "rm", "work")).exitCode, 0);
    assert.equal((await propagit("drones", "--hub=work")).exitCode, 5);
  });

  it("refuse a secret in an URL", async (test) => {
    const { propagit } = await projectOf(test);
    const { exitCode, stderr } = await propagit(
      "remote",
      "add",
      "work",
      "http://git:boop@hub:6001",
    );
    assert.equal(exitCode, 2);
    assert.match(stderr, /the URL has a secret in it/);
  });
});

describe("propagit init", () => {
  it("never writes over what is there, unless it is told to", async (test) => {
    const { project, propagit } = await projectOf(test, {
      "propagit.yaml": "services: { a: b }\n",
    });
    assert.match((await propagit("init")).stdout, /stays as it is; --force replaces it/);
    const read = () => readFile(join(project, "propagit.yaml"), "utf8");
    assert.equal(await read(), "services: { a: b }\n");
    await propagit("remote", "add", "default", "hub:6001");
    await propagit("init");
    assert.equal((await propagit("init", "--hub=elsewhere:6001")).exitCode, 6);
    assert.equal((await propagit("init", "--hub=elsewhere:6001", "--force")).exitCode, 0);
    const text = await read();
    assert.match(text, /deploy:\n {2}main: production\n/);
    const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? "";
    assert.match(await readFile(new URL(schema), "utf8"), /"title": "propagit.yaml"/);
  });
});

describe("propagit service", () => {
  it("writes, lists and removes units, and never takes a secret", async (test) => {
    const { folder, propagit } = await projectOf(test);
    const place = `--root=${join(folder, "image")}`;
    const install = await propagit(
      "service",
      "install",
      "drone",
      place,
      "--secret-file=/etc/s",
      "--",
      "--hub=hub:6001",
    );
    assert.equal(install.exitCode, 0, install.stderr);
    assert.match(
      install.stdout,
      /next:\n {2}systemctl daemon-reload\n {2}systemctl enable --now propagit-drone\.service/,
    );
    const path = join(folder, "image/etc/systemd/system/propagit-drone.service");
    assert.match(
      await readFile(path, "utf8"),
      /drone --hub=hub:6001 --secret-file=%d\/secret --data=\/var\/lib\/propagit\/drone/,
    );
    assert.match((await propagit("service", "ls", place)).stdout, /propagit-drone\.service/);
    const secret = await propagit("service", "install", "hub", place, "--", "--secret=boop");
    assert.equal(secret.exitCode, 2);
    assert.match(secret.stderr, /a unit is readable by everybody/);
    assert.equal((await propagit("service", "remove", "drone", place)).exitCode, 0);
    assert.equal((await propagit("service", "remove", "drone", place)).exitCode, 5);
  });
});
