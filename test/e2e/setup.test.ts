/**
 * `propagit setup` against real sshds, each with a home and a PATH of its own, and a real hub. No systemd runs here:
 * units are started by a stand-in for `systemctl` (test-support, `ssh/systemd-stand-in.ts`), for real.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { exitCodes } from "@propagit/protocol";
import { execa } from "execa";
import {
  cleanEnv,
  Cluster,
  FarMachines,
  noSshd,
  readyInstances,
  secret,
  until,
  WorkTree,
  type FarMachine,
  type Finished,
} from "@propagit/test-support";

const cli = fileURLToPath(new URL("../../../packages/cli/", import.meta.url));
const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));

interface Result {
  readonly host: string;
  readonly outcome: string;
  readonly drone?: string;
  readonly version?: string;
  readonly step?: string;
  readonly reason?: string;
  readonly next?: string;
}

/** Longest that one of them may take on a busy machine. */
const setupMsMax = 240_000;

describe("propagit setup", { skip: noSshd, timeout: 600_000 }, () => {
  let cluster: Cluster;
  let far: FarMachines;
  /** An archive with a `bin/node` that runs the real one: small, so that most tests bring this. */
  let node: string;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    far = new FarMachines(join(cluster.folder, "machines"));
    node = await nodeArchive(join(cluster.folder, "node.tar.gz"));
  });

  after(async () => {
    await endAll(far.all);
    await far.close();
    await cluster.destroy();
  });

  const shareOf = ({ home }: FarMachine) => join(home, ".local/share/propagit");

  interface Run {
    /** Folder of the program that sets up. */
    readonly program?: string;
    readonly env?: Readonly<Record<string, string>>;
  }

  /** By a program of its own, and with services of the user, whoever that is. */
  async function setUp(
    words: readonly string[],
    { program = cli, env = {} }: Run = {},
  ): Promise<Finished> {
    const manager = words.includes("--no-service") ? [] : ["--user"];
    const hub = `--hub=localhost:${cluster.ports.hub}`;
    return run(["setup", hub, ...manager, ...words], { program, env });
  }

  async function run(
    args: readonly string[],
    { program = cli, env = {} }: Run = {},
  ): Promise<Finished> {
    const ended = await execa(process.execPath, [join(program, "bin/propagit.js"), ...args], {
      env: cleanEnv({ ...cluster.env, PATH: far.path, PROPAGIT_SECRET: secret, ...env }),
      extendEnv: false,
      reject: false,
      timeout: setupMsMax,
      stdin: "ignore",
    });
    return { exitCode: ended.exitCode ?? -1, stdout: ended.stdout, stderr: ended.stderr };
  }

  async function resultsOf(words: readonly string[], run: Run = {}): Promise<readonly Result[]> {
    const { stdout, stderr } = await setUp([...words, "--json"], run);
    try {
      return JSON.parse(stdout) as readonly Result[];
    } catch {
      throw new Error(`it printed no JSON: ${stdout}${stderr}`);
    }
  }

  /** The only one, with what went on in the message when it is not as it should be. */
  async function good(words: readonly string[], run: Run = {}): Promise<Finished> {
    const ended = await setUp(words, run);
    assert.equal(ended.exitCode, exitCodes.ok, ended.stdout + ended.stderr + cluster.output);
    return ended;
  }

  it("takes a machine without anything to a drone that has joined; said again, it changes nothing", async () => {
    const machine = await far.add("fresh");
    const base = shareOf(machine);
    const dry = await setUp(["fresh", "--dry-run"]);
    assert.match(dry.stdout, /fresh {2}then would bring the secret/);
    assert.deepEqual(await readdir(machine.home), []);

    const first = await good(["fresh", "--name=fresh", "--labels=role=web,disk=ssd", "--zone=z1"]);
    assert.match(first.stdout, /brings that of this machine/);
    assert.match(first.stdout, /fresh +set up +fresh +0\.1\.0/);
    const { stdout } = await cluster.propagit("drones", "fresh", "--json");
    const [drone] = JSON.parse(stdout) as { state: string; labels: unknown }[];
    assert.deepEqual(drone?.labels, { disk: "ssd", role: "web", zone: "z1" });
    assert.equal(drone.state, "connected");
    assert.equal((await stat(join(base, "secret"))).mode & 0o777, 0o600);
    const begun = await machine.systemdCalls();
    assert.deepEqual(
      begun.filter((call) => !call.includes("show")),
      [
        "--user daemon-reload",
        "--user enable --quiet propagit-drone.service",
        "--user restart propagit-drone.service",
      ],
    );
    const unit = join(machine.home, ".config/systemd/user/propagit-drone.service");
    const text = await readFile(unit, "utf8");
    assert.match(
      text,
      /^ExecStart=\S+\/node\/bin\/node \S+\/current\/bin\/propagit\.js drone --hub=/m,
    );
    assert.ok(!text.includes(secret));
    assert.equal(await isIn(join(cluster.folder, "home"), secret), false);

    const again = await good(["fresh"]);
    assert.match(again.stdout, /fresh +unchanged +fresh +0\.1\.0/);
    assert.doesNotMatch(again.stdout, /\] done/);
    const calls = await machine.systemdCalls();
    assert.equal(calls.filter((call) => call.includes("restart")).length, 1);
    const version = execFileSync(join(base, "current/bin/propagit"), ["--version"]);
    assert.equal(version.toString().trim(), "0.1.0");
  });

  it("tells machines that failed from those that did not, with what to do, and holds nobody up", async () => {
    const old = "#!/bin/sh\necho 'v18.19.0 /usr/bin/node'\n";
    const machine = await far.add("old", { scripts: { node: old }, systemd: false });
    await far.add("no-git", { lacks: ["git"] });
    await far.name("stranger", machine, [`IdentityFile ${machine.sshd.folder}/stranger`]);
    await far.name("changed", machine, [`UserKnownHostsFile ${machine.sshd.folder}/other_hosts`]);
    await far.name("nobody", machine, [`Port 1`]);
    const hosts = ["old", "no-git", "stranger", "changed", "nobody"];
    const words = [...hosts, "--no-service", `--node=${node}`];
    const ended = await setUp([...words, "--json"]);
    assert.equal(ended.exitCode, exitCodes.failed);
    const results = JSON.parse(ended.stdout) as readonly Result[];
    const shown = results.map(({ host, outcome, step }) => [host, outcome, step]);
    assert.deepEqual(shown, [
      ["old", "set-up", undefined],
      ...hosts.slice(1).map((host) => [host, "failed", "connect"]),
    ]);
    const [, noGit, stranger, changed, nobody] = results;
    assert.match(noGit?.reason ?? "", /git is missing/);
    assert.match(noGit?.next ?? "", /ssh no-git sudo apt-get install git/);
    assert.match(stranger?.reason ?? "", /does not let us in/);
    assert.match(stranger?.next ?? "", /ssh-copy-id stranger/);
    assert.match(changed?.next ?? "", /ssh-keygen -R changed/);
    assert.match(nobody?.next ?? "", /ssh nobody true/);
    const [, id = ""] = /plans retry ([0-9a-f]{10}) --local/.exec(ended.stderr) ?? [];
    const retried = await run(["plans", "retry", id, "--local"]);
    assert.equal(retried.exitCode, exitCodes.failed);
    assert.match(retried.stdout, /\[setup-connect +\] \[no-git\] failed: no-git: git is missing/);

    const [again] = await resultsOf(["old", "--no-service", `--node=${node}`]);
    assert.equal(again?.outcome, "unchanged");
    // Without its loop the drone would not be there again.
    const [former] = await dronesIn(machine);
    assert.ok(former !== undefined);
    process.kill(former, "SIGKILL");
    await until("its loop to start the drone again", async () =>
      (await dronesIn(machine)).some((pid) => pid !== former),
    );
    const [back] = await resultsOf(["old", "--no-service", `--node=${node}`]);
    assert.equal(back?.outcome, "unchanged");
  });

  it("upgrades under what runs, refuses to go back, and goes back by itself when it must", async () => {
    const machine = await far.add("prod");
    await good(["prod", "--name=prod", `--node=${node}`, "--labels=only=prod"]);
    const instance = await runApp();
    const before = await instance();
    const newer = await programOf("0.2.0");
    const upgraded = await good(["prod", `--node=${node}`], { program: newer });
    assert.match(upgraded.stdout, /0\.1\.0 to 0\.2\.0/);
    assert.match(upgraded.stdout, /prod +set up +prod +0\.2\.0/);
    assert.equal(await instance(), before, "its instances ran on");

    const [refused] = await resultsOf(["prod", `--node=${node}`]);
    assert.equal(refused?.step, "program");
    assert.match(refused.reason ?? "", /it has propagit 0\.2\.0, which is newer than 0\.1\.0/);
    assert.match(refused.next ?? "", /--force/);

    const broken = await programOf("0.3.0", 'throw new Error("broken on purpose");');
    const words = ["prod", `--node=${node}`, "--wait=15"];
    const [failed] = await resultsOf(words, { program: broken });
    assert.equal(failed?.step, "joined");
    assert.match(failed.reason ?? "", /did not see the drone within 15 s.*prod runs 0\.2\.0 again/);
    assert.match(failed.next ?? "", /journalctl --user/);
    assert.match(await readlink(join(shareOf(machine), "current")), /^0\.2\.0-/);
    assert.equal(await instance(), before, "its instances ran on");

    await machine.refuseStart();
    const [unstarted] = await resultsOf(["prod", `--node=${node}`, "--force"]);
    assert.equal(unstarted?.step, "service");
    assert.match(unstarted.reason ?? "", /Job for propagit-drone\.service failed/);
    assert.match(await readlink(join(shareOf(machine), "current")), /^0\.2\.0-/);
    const isBack = async () => (await dronesIn(machine)).length === 1;
    await until("the drone of before to run again", isBack);

    const [forced] = await resultsOf(["prod", `--node=${node}`, "--force"]);
    assert.deepEqual([forced?.outcome, forced?.version], ["set-up", "0.1.0"]);
    assert.equal(await instance(), before, "its instances ran on");
  });

  it("leaves nothing half when it is killed, and goes on when it is said again", async () => {
    const machine = await far.add("cut");
    const base = shareOf(machine);
    const [program, hub] = [join(cli, "bin/propagit.js"), `--hub=localhost:${cluster.ports.hub}`];
    const child = execa(process.execPath, [program, "setup", "cut", "--user", hub], {
      env: cleanEnv({ ...cluster.env, PATH: far.path, PROPAGIT_SECRET: secret }),
      extendEnv: false,
      reject: false,
      stdio: "ignore",
    });
    const names = () => readdir(base).catch((): string[] => []);
    const half = async () => (await names()).some((name) => name.startsWith(".propagit-"));
    await until("something to be half there", half, setupMsMax);
    child.kill("SIGKILL");
    await child;
    await until("what was half there to be gone", async () => !(await half()), 180_000);
    for (const name of await names()) assert.doesNotMatch(name, /^node-[^/]*$/);
    const done = await good(["cut", `--node=${node}`]);
    assert.match(done.stdout, /cut +set up/);
  });

  it("says that a disk is full, and leaves nothing of it", async (t) => {
    const home = await tinyHome(t, join(cluster.folder, "tiny"));
    if (home === undefined) return;
    const machine = await far.add("full", { home });
    const [full] = await resultsOf(["full", `--node=${node}`]);
    assert.equal(full?.step, "program");
    assert.match(full.reason ?? "", /No space left/);
    assert.match(full.next ?? "", /make room there/);
    const left = (await readdir(shareOf(machine))).filter((name) => !name.includes("node"));
    assert.deepEqual(left, []);
  });

  it("refuses a secret that the hub refuses, or a hub that is not reached from there; the drone runs on", async () => {
    const machine = await far.add("doubt");
    await good(["doubt", "--name=doubt", `--node=${node}`]);
    const [wrong] = await resultsOf(["doubt", `--node=${node}`], {
      env: { PROPAGIT_SECRET: "guessed" },
    });
    assert.equal(wrong?.step, "secret");
    assert.match(wrong.reason ?? "", /the hub does not take it in/);
    assert.equal(await readFile(join(shareOf(machine), "secret"), "utf8"), `${secret}\n`);
    const [away] = await resultsOf(["doubt", `--node=${node}`, "--hub=127.0.0.1:1"]);
    assert.equal(away?.step, "secret");
    assert.match(away.reason ?? "", /does not reach the hub/);
    assert.match(away.next ?? "", /say --hub=…/);
    const [again] = await resultsOf(["doubt", `--node=${node}`]);
    assert.equal(again?.outcome, "unchanged");
    assert.equal((await machine.systemdCalls()).filter((call) => /restart/.test(call)).length, 1);
  });

  it("has a machine get its Node from the net, and believes only what has the right hash", async (t) => {
    const uname = '#!/bin/sh\n[ "$1" = -m ] && echo aarch64 || exec /bin/uname "$@"\n';
    const machine = await far.add("arm", { scripts: { uname } });
    const bytes = await readFile(node);
    const mirror = await nodeMirror(t, bytes);
    const env = { NODEJS_ORG_MIRROR: mirror.url, npm_config_registry: mirror.url };
    mirror.sum = "0".repeat(64);
    const [wrong] = await resultsOf(["arm"], { env });
    assert.equal(wrong?.step, "node");
    assert.match(wrong.reason ?? "", /its hash is another/);
    assert.deepEqual(await readdir(shareOf(machine)), []);
    mirror.sum = createHash("sha256").update(bytes).digest("hex");
    const got = await good(["arm", "--name=arm"], { env });
    assert.match(got.stdout, /that of this machine is for x64, not aarch64/);
    assert.match(got.stdout, /arm +set up +arm/);
    assert.match((await good(["arm"], { env })).stdout, /arm +unchanged/);
  });

  it("refuses a Node that is too old or none, and flags that exclude one another", async () => {
    await far.add("picky");
    const folder = join(cluster.folder, "old-node");
    await mkdir(join(folder, "bin"), { recursive: true });
    await writeFile(join(folder, "bin/node"), "#!/bin/sh\necho v18.19.0\n", { mode: 0o755 });
    const [old] = await resultsOf(["picky", `--node=${folder}`]);
    assert.match(old?.reason ?? "", /it is v18\.19\.0, and 20\.19\.0 is needed/);
    const [none] = await resultsOf(["picky", "--node=/nowhere.tar.gz"]);
    assert.match(none?.reason ?? "", /there is no ".nowhere\.tar\.gz" on this machine/);
    const both = await setUp(["picky", "--sudo"]);
    assert.equal(both.exitCode, exitCodes.usage);
    const named = await setUp(["picky", "fresh", "--name=x"]);
    assert.equal(named.exitCode, exitCodes.usage);
  });

  /** An app on the drone `prod`: what is returned tells its pid. */
  async function runApp(): Promise<() => Promise<number | undefined>> {
    const tree = await WorkTree.create(join(cluster.folder, "app"));
    await tree.write(
      "propagit.yaml",
      "services:\n  worker: { command: sleep 1000000, port: none, on: only=prod }\n",
    );
    const commit = await tree.commit("an app");
    await tree.git("push", `http://localhost:${cluster.ports.hub}/app`, "master");
    const deployed = await cluster.propagit("deploy", "app", commit);
    assert.equal(deployed.exitCode, 0, deployed.stderr + cluster.output);
    return async () => (await readyInstances(cluster))[0]?.report.pid;
  }

  /** The program as another version, and with something in front of its drone. */
  async function programOf(version: string, begin = ""): Promise<string> {
    const folder = join(cluster.folder, `propagit-${version}`);
    for (const part of ["bin", "dist/bundle", "package.json"]) {
      await cp(join(cli, part), join(folder, part), { recursive: true });
    }
    await symlink(modules, join(folder, "node_modules"));
    const files = (await readdir(join(folder, "dist/bundle"))).map((name) => `dist/bundle/${name}`);
    for (const name of ["package.json", ...files]) {
      const path = join(folder, name);
      const text = (await readFile(path, "utf8")).replaceAll('"0.1.0"', `"${version}"`);
      await writeFile(path, name.endsWith("/drone-main.js") ? `${begin}${text}` : text);
    }
    return folder;
  }
});

/** Pids of the drones of a machine; they say what they are. */
async function dronesIn(machine: FarMachine): Promise<readonly number[]> {
  const all = await machine.processes();
  return all.filter(({ title }) => title.startsWith("propagit drone")).map(({ pid }) => pid);
}

/** Ends all that runs on the machines, the loops first, by their pids. */
async function endAll(machines: readonly FarMachine[]): Promise<void> {
  for (const machine of machines) {
    await until(`what runs on ${machine.name} to end`, async () => {
      const all = await machine.processes();
      for (const { pid, title } of all) if (title.includes("keep-drone")) end(pid);
      for (const { pid } of all) end(pid);
      return all.length === 0;
    });
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

/** Whether a text is in a file of a folder. */
async function isIn(folder: string, text: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const content = await readFile(join(entry.parentPath, entry.name), "utf8");
    if (content.includes(text)) return true;
  }
  return false;
}

async function nodeArchive(file: string): Promise<string> {
  const folder = `${file}-content`;
  await mkdir(join(folder, "node/bin"), { recursive: true });
  const script = `#!/bin/sh\nexec '${process.execPath}' "$@"\n`;
  await writeFile(join(folder, "node/bin/node"), script, { mode: 0o755 });
  execFileSync("tar", ["-czf", file, "-C", folder, "node"]);
  return file;
}

/** As nodejs.org: an archive for arm64, and the list of hashes, in which a test may lie. */
async function nodeMirror(t: TestContext, archive: Uint8Array) {
  const name = `node-${process.version}-linux-arm64.tar.gz`;
  const mirror = { url: "", sum: "" };
  const server = createServer((request, response) => {
    if (request.url === `/${process.version}/SHASUMS256.txt`) {
      response.end(`${mirror.sum}  ${name}\n`);
    } else if (request.url === `/${process.version}/${name}`) response.end(archive);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  mirror.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return mirror;
}

/** A home on a file system of 2 MiB; where none can be had, the test is skipped with the reason. */
async function tinyHome(t: TestContext, folder: string): Promise<string | undefined> {
  await mkdir(folder);
  try {
    const words = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder];
    execFileSync("mount", words, { stdio: "ignore" });
  } catch {
    t.skip("a tiny file system cannot be mounted here");
    return undefined;
  }
  t.after(() => execFileSync("umount", ["-l", folder]));
  return folder;
}
