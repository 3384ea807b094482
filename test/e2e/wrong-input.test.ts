/** Wrong input through the built command lines: a clear message, the documented exit code, no hang. */
import assert from "node:assert/strict";
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitCodes } from "@propagit/protocol";
import { execa } from "execa";
import { WebSocket } from "ws";
import {
  Cluster,
  DaemonProcess,
  type Finished,
  freePort,
  get,
  runCli,
  until,
  WorkTree,
} from "@propagit/test-support";

const quiet = ["--quiet"] as const;

describe("wrong input", () => {
  let cluster: Cluster;
  let tree: WorkTree;

  before(async () => {
    cluster = await Cluster.create();
    await cluster.startHub({ ownRegistry: true });
    tree = await WorkTree.create(join(cluster.folder, "webapp"));
    await tree.write("fine.js", server("fine"));
    await tree.commit("fine");
    await tree.git("push", ...quiet, url("webapp"), "master");
  });

  after(() => cluster.destroy());

  const url = (name: string) => `http://localhost:${cluster.ports.hub}/${name}`;
  const startDrone = (args: readonly string[]) =>
    cluster.start("drone", "propagit", ["drone", ...args]);

  describe("the secret", () => {
    it("is refused by the command line when it is wrong or missing", async () => {
      const address = `--hub=localhost:${cluster.ports.hub}`;
      expectFailure(
        await runCli("propagit", ["ps", address, "--secret=wrong"]),
        exitCodes.denied,
        /the secret is wrong/,
      );
      expectFailure(await runCli("propagit", ["ps", address]), exitCodes.denied, /secret/);
    });

    it("ends a drone that starts with a wrong one", async () => {
      const drone = startDrone([
        `--hub=localhost:${cluster.ports.hub}`,
        "--secret=wrong",
        "--",
        "node",
        "fine.js",
      ]);
      assert.equal(await drone.exited, exitCodes.denied, drone.output);
      assert.match(drone.output, /the secret is wrong/);
    });

    it("is wanted from git, with 401 otherwise", async () => {
      const stranger = await WorkTree.create(join(cluster.folder, "stranger"), "wrong");
      const { exitCode, stderr } = await stranger.tryGit("ls-remote", url("webapp"));
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /Authentication failed/);
      const path = "/webapp/info/refs?service=git-upload-pack";
      assert.equal((await get(cluster.ports.hub, { path })).status, 401);
    });

    it("has to be proven by the hub too: a drone does not follow one that cannot", async () => {
      const other = await Cluster.create();
      try {
        const impostor = other.start("impostor", "propagit", [
          "hub",
          `--port=${other.ports.hub}`,
          "--secret=guessed",
        ]);
        await impostor.said(/listening/);
        const drone = startDrone([
          `--hub=localhost:${other.ports.hub}`,
          "--secret=beepboop",
          `--data=${join(cluster.folder, "careful")}`,
          "--",
          "node",
          "fine.js",
        ]);
        assert.equal(await drone.exited, exitCodes.denied);
      } finally {
        await other.destroy();
      }
    });
  });

  describe("the hub's address", () => {
    it("ends a command at once when nothing listens there", async () => {
      const port = await freePort();
      const result = await runCli("propagit", ["ps", `--hub=localhost:${port}`, "--secret=x"]);
      expectFailure(result, exitCodes.unreachable, /nobody answers at localhost:\d+/);
    });

    it("ends a command by itself when somebody listens but says nothing", async () => {
      const sockets: Socket[] = [];
      const mute = createServer((socket) => sockets.push(socket)).listen(0);
      const { port } = mute.address() as { port: number };
      const result = await runCli("propagit", ["ps", `--hub=localhost:${port}`, "--secret=x"]);
      for (const socket of sockets) socket.destroy();
      mute.close();
      expectFailure(result, exitCodes.unreachable, /no answer in time/);
    });

    it("lets daemons keep trying and say so", async () => {
      const late = await Cluster.create();
      try {
        const drone = late.start("drone", "propagit", [
          "drone",
          ...late.hubFlags,
          "--",
          "node",
          "x.js",
        ]);
        const proxy = late.start("proxy", "propagit", [
          "proxy",
          ...late.hubFlags,
          `--port=${late.ports.proxy}`,
        ]);
        await drone.said(/nobody answers/);
        await proxy.said(/nobody answers/);
        await late.startHub({ ownRegistry: true });
        await drone.said(/connected to the hub/);
        await until(
          "the proxy to answer",
          async () => (await get(late.ports.proxy)).status === 404,
        );
      } finally {
        await late.destroy();
      }
    });

    it("is asked for when it is missing, and must be an address", async () => {
      expectFailure(await runCli("propagit", ["ps"]), exitCodes.usage, /no hub is given/);
      const bad = await runCli("propagit", ["ps", "--hub=hubhost=6001"]);
      expectFailure(bad, exitCodes.usage, /is not an address/);
    });
  });

  describe("repositories and commits", () => {
    const cases: readonly (readonly [string, string, number, RegExp])[] = [
      ["nothing", "master", exitCodes.notFound, /no repository "nothing"/],
      ["webapp", "nobranch", exitCodes.notFound, /nobranch/],
      ["webapp", "7".repeat(40), exitCodes.notFound, /7777777/],
      ["webapp", "--output=x", exitCodes.usage, /./],
      ["../webapp", "master", exitCodes.usage, /not allowed/],
    ];
    for (const [repo, ref, code, message] of cases) {
      it(`refuses to deploy ${repo} ${ref}`, async () => {
        expectFailure(await cluster.propagit("deploy", repo, ref), code, message);
      });
    }

    it("names the candidates of an ambiguous prefix", async () => {
      const many = await WorkTree.create(join(cluster.folder, "many"));
      const seen = new Map<string, string>();
      let prefix: string | undefined;
      // 4 hex characters: among 700 commits two share them almost surely (birthday paradox).
      const script = Array.from({ length: 700 }, (_, mark) => fastImportCommit(mark)).join("");
      await writeFile(join(cluster.folder, "import"), script);
      await execa("git", ["fast-import", "--quiet"], {
        cwd: many.folder,
        inputFile: join(cluster.folder, "import"),
      });
      for (const hash of (await many.git("log", "--format=%H", "many")).split("\n")) {
        const short = hash.slice(0, 4);
        if (seen.has(short)) prefix = short;
        seen.set(short, hash);
      }
      assert.ok(prefix, "two commits share four characters");
      await many.git("push", ...quiet, url("many"), "many");
      const drone = await cluster.startDrone(["node", "fine.js"], ["--name=many"]);
      const result = await cluster.propagit("deploy", "many", prefix);
      await drone.stop();
      expectFailure(result, exitCodes.conflict, new RegExp(seen.get(prefix)?.slice(0, 10) ?? "-"));
    });

    it("says that there is no drone", async () => {
      expectFailure(
        await cluster.propagit("deploy", "webapp", "master"),
        exitCodes.notFound,
        /no drone/,
      );
    });

    const unknown: readonly (readonly [readonly string[], RegExp])[] = [
      [["rollback", "webapp"], /release/],
      [["rollback", "webapp", "7"], /release 7/],
      [["release", "show", "webapp", "7"], /release 7/],
      [["diff", "webapp", "1", "7"], /release/],
      [["follow", "webapp", "7"], /release 7/],
      [["cancel", "webapp"], /webapp/],
      [["pin", "webapp", "7"], /release 7/],
      [["scale", "webapp", "nobody=2"], /webapp/],
      [["run", "webapp", "--", "true"], /webapp/],
      [["exec", "webapp", "--", "true"], /webapp/],
      [["restart", "webapp"], /instance/],
      [["drone", "drain", "nobody"], /nobody/],
      [["drone", "label", "nobody", "role=web"], /nobody/],
    ];
    for (const [args, message] of unknown) {
      it(`says what \`propagit ${args.join(" ")}\` does not find`, async () => {
        const [command = "", ...rest] = args;
        expectFailure(await cluster.propagit(command, ...rest), exitCodes.notFound, message);
      });
    }

    it("refuses to promote or split to what is not deployed", async () => {
      const promoted = await cluster.propagit("promote", "webapp", "master");
      expectFailure(promoted, exitCodes.notFound, /not deployed/);
      const split = await cluster.propagit("split", "webapp", "master=100");
      expectFailure(split, exitCodes.notFound, /not deployed/);
    });
  });

  describe("commands that do not run", () => {
    const deployWith = async (file: string, content: string, flags: readonly string[] = []) => {
      await tree.write(file, content);
      const commit = await tree.commit(file);
      await tree.git("push", ...quiet, url("webapp"), "master");
      const drone = await cluster.startDrone(["node", file], [...flags, `--name=${file}`]);
      const result = await cluster.propagit("deploy", "webapp", commit);
      await cluster.propagit("stop", "webapp", commit);
      await drone.stop("SIGINT");
      return result;
    };

    it("reports a command that does not exist", async () => {
      const drone = await cluster.startDrone(["nosuchcommand"], ["--name=nosuch"]);
      const result = await cluster.propagit("deploy", "webapp", "master");
      await cluster.propagit("stop", "webapp", "master");
      await drone.stop("SIGINT");
      expectFailure(result, exitCodes.failed, /nosuch/);
      assert.match(result.stdout, /command not found: nosuchcommand/);
    });

    it("brings the reason and the last output of one that exits at once", async () => {
      const result = await deployWith("dies.js", 'console.error("no database"); process.exit(3);');
      expectFailure(result, exitCodes.failed, /not ready/);
      assert.match(result.stdout, /exited with code 3/);
      assert.match(result.stdout, /no database/);
    });

    it("reports one that never opens its port, with its last output", async () => {
      const result = await deployWith(
        "mute.js",
        'console.log("thinking"); setInterval(() => {}, 1000);',
        ["--ready-timeout=10"],
      );
      expectFailure(result, exitCodes.failed, /not ready/);
      assert.match(result.stdout, /did not listen on port \d+ within 10 s/);
      assert.match(result.stdout, /thinking/);
    });

    it("goes on with a deploy that nobody looks at any more", async () => {
      const gate = join(cluster.folder, "gate");
      const isOpen = `require("node:fs").existsSync(${JSON.stringify(gate)})`;
      await tree.write(
        "slow.js",
        `const look = () => { if (!${isOpen}) return setTimeout(look, 20); ${server("slow")} }; look();`,
      );
      const commit = await tree.commit("slow");
      await tree.git("push", ...quiet, url("webapp"), "master");
      const drone = await cluster.startDrone(
        ["node", "slow.js"],
        ["--name=slow", "--ready-timeout=120"],
      );
      const args = ["deploy", ...cluster.hubFlags, "webapp", commit];
      const deploy = cluster.start("deploy", "propagit", args);
      await deploy.said(/started/);
      deploy.kill("SIGINT");
      assert.equal(await deploy.exited, 130);
      assert.match(deploy.output, /the deploy goes on/);
      await writeFile(gate, "");
      await until("the end of the deploy", async () => {
        const { stdout } = await cluster.propagit("events");
        return new RegExp(`deployed +release \\d+ of webapp \\(${commit.slice(0, 7)}\\)`).test(
          stdout,
        );
      });
      await cluster.propagit("stop", "--force", "webapp", commit);
      await drone.stop("SIGINT");
    });

    it("takes a worker that never listens", async () => {
      const result = await deployWith("worker.js", "setInterval(() => {}, 1000);", ["--worker"]);
      assert.equal(result.exitCode, exitCodes.ok, result.stdout + result.stderr);
    });
  });

  describe("flags and arguments", () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["depoly"], /[Dd]id you mean deploy/],
      [["deploy", "--hbu=x", "webapp", "master"], /[Dd]id you mean --hub/],
      [["hub", "--port=99999"], /not a whole number from 1 to 65535/],
      [["hub", "--port=http"], /not a whole number/],
      [["drone", "--hub=localhost:1", "--worker"], /worker is for a drone/],
      [["drone", "--hub=localhost:1", "--on-exit=never", "--", "node", "x"], /--on-exit/],
      [["env", "set", "--hub=localhost:1", "webapp", "1X=y"], /1X/],
      [["env", "set", "--hub=localhost:1", "webapp", "X"], /NAME=VALUE/],
      [["scale", "--hub=localhost:1", "webapp", "web=many"], /many/],
      [["rollback", "--hub=localhost:1", "webapp", "one"], /one/],
      [["diff", "--hub=localhost:1", "webapp", "1"], /missing required argument/],
      [["logs", "--hub=localhost:1", "webapp", "--since=yesterday"], /yesterday/],
      [["drone", "label", "--hub=localhost:1", "web-1", "role"], /role/],
      [["drone", "--hub=localhost:1", "--label=role", "--", "node", "x"], /key=value/],
      [["drone", "--hub=localhost:1", "--env=1=2", "--", "node", "x"], /NAME=VALUE/],
      [["drone", "--hub=localhost:1", "--name=../x", "--", "node", "x"], /name/],
      [["split", "--hub=localhost:1", "webapp", "abc=0"], /weight|above 0/],
      [["split", "--hub=localhost:1", "webapp", "abc"], /COMMIT=WEIGHT/],
      [["split", "--hub=localhost:1", "webapp", "abc=-5"], /weight|above 0/],
      [["deploy", "--hub=localhost:1", "webapp"], /missing required argument/],
      [["ps", "--hub=localhost:1", "--secret="], /--secret is empty/],
      [["ps", "--hub=localhost:1", "--secret-file=/nowhere"], /cannot be read: ENOENT/],
    ];
    for (const [args, message] of cases) {
      it(`explains propagit ${args.join(" ")}`, async () => {
        expectFailure(await runCli("propagit", args), exitCodes.usage, message);
      });
    }

    it("refuses a split that names a commit twice or weighs nothing", async () => {
      const twice = await cluster.propagit("split", "webapp", "master=1", "master=2");
      assert.notEqual(twice.exitCode, 0);
      assert.match(twice.stderr, /twice|not deployed/);
    });

    it("explains unknown registry commands", async () => {
      for (const args of [["localhost:6000", "shwo"], ["shwo"], ["help", "shwo"]]) {
        expectFailure(await runCli("registry", args), exitCodes.usage, /[Dd]id you mean show/);
      }
    });
  });

  describe("ports and folders", () => {
    it("names the port that is in use", async () => {
      const port = String(cluster.ports.hub);
      for (const args of [
        ["hub", `--port=${port}`, "--secret=x"],
        ["proxy", ...cluster.hubFlags, `--port=${port}`],
      ]) {
        const env = { PROPAGIT_HOME: join(cluster.folder, "other") };
        expectFailure(await runCli("propagit", args, env), exitCodes.machine, new RegExp(port));
      }
      expectFailure(await runCli("registry", [port]), exitCodes.machine, new RegExp(port));
    });

    it("refuses a second drone with the same data folder", async () => {
      const data = `--data=${join(cluster.folder, "shared")}`;
      const first = await cluster.startDrone(["node", "fine.js"], [data, "--name=shared"]);
      const args = ["drone", ...cluster.hubFlags, data, "--", "node", "fine.js"];
      const second = await runCli("propagit", args);
      await first.stop();
      expectFailure(second, exitCodes.machine, /in use by process \d+/);
    });

    it("refuses a data folder where none can be made, at once", async () => {
      const args = ["hub", `--port=${await freePort()}`, "--secret=x", "--data=/proc/nowhere"];
      expectFailure(
        await runCli("propagit", args),
        exitCodes.machine,
        /data folder \/proc\/nowhere/,
      );
    });

    it("refuses a data folder that cannot be made or written", async () => {
      const file = join(cluster.folder, "file");
      await writeFile(file, "");
      const port = await freePort();
      const hub = await runCli("propagit", [
        "hub",
        `--port=${port}`,
        "--secret=x",
        `--data=${file}/x`,
      ]);
      expectFailure(hub, exitCodes.machine, /data folder .*file\/x/);
      const drone = await runCli("propagit", [
        "drone",
        ...cluster.hubFlags,
        `--data=${file}/x`,
        "--",
        "node",
        "fine.js",
      ]);
      expectFailure(drone, exitCodes.machine, /data folder .*file\/x/);
    });
  });

  describe("foreign frames", () => {
    const paths = ["/session", "/registry"];
    for (const path of paths) {
      it(`closes a connection at ${path} that sends garbage, and lives on`, async () => {
        const messages: readonly (string | Buffer)[] = [
          "garbage",
          "{}",
          '{"v":2,"kind":"hello"}',
          '{"v":1,"kind":"welcome","proof":"","heartbeatMs":1}',
          '{"v":1,"kind":"nonsense"}',
          Buffer.from([0, 1, 2]),
          "x".repeat(5 * 1024 * 1024),
        ];
        for (const message of messages) {
          const socket = new WebSocket(`ws://localhost:${cluster.ports.hub}${path}`);
          socket.on("error", () => undefined);
          const closed = new Promise((resolve) => {
            socket.once("close", resolve);
          });
          socket.once("open", () => socket.send(message));
          await closed;
        }
        const { exitCode } = await cluster.propagit("ps");
        assert.equal(exitCode, 0);
      });
    }

    it("survives bytes that are not HTTP at all", async () => {
      await new Promise<void>((resolve) => {
        const socket = connectSocket(cluster.ports.hub, "localhost", () => {
          socket.write(Buffer.alloc(100_000, 1));
        });
        socket.on("error", () => undefined);
        socket.resume();
        socket.once("close", () => resolve());
      });
      assert.equal((await cluster.propagit("ps")).exitCode, 0);
    });
  });

  it("reads the secret from the environment or a file", async () => {
    const hub = `localhost:${cluster.ports.hub}`;
    const file = join(cluster.folder, "secret");
    await writeFile(file, "beepboop\n");
    await chmod(file, 0o600);
    const envs = [
      { PROPAGIT_HUB: hub, PROPAGIT_SECRET: "beepboop" },
      { PROPAGIT_HUB: hub, PROPAGIT_SECRET_FILE: file },
    ];
    for (const env of envs) {
      const result = await runCli("propagit", ["ps"], env);
      assert.equal(result.exitCode, 0, result.stderr);
    }
  });

  it("starts a hub without a secret: it makes one, keeps it private and says how to use it", async () => {
    const data = join(cluster.folder, "fresh");
    await mkdir(data, { recursive: true });
    const port = String(await freePort());
    const args = ["hub", `--port=${port}`, `--data=${data}`, `--git-port=${await freePort()}`];
    const hub = new DaemonProcess("hub", "propagit", args, {});
    try {
      await hub.said(/listening on/);
      assert.match(hub.output, /PROPAGIT_SECRET_FILE|--secret-file/);
      const file = join(data, "secret");
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      const env = { PROPAGIT_HUB: `localhost:${port}`, PROPAGIT_SECRET_FILE: file };
      assert.equal((await runCli("propagit", ["drones"], env)).exitCode, 0);
    } finally {
      await hub.stop();
    }
  });
});

function expectFailure(result: Finished, exitCode: number, message: RegExp): void {
  const said = `${result.stdout}\n${result.stderr}`;
  assert.equal(result.exitCode, exitCode, said);
  assert.match(said, message);
}

function server(answer: string): string {
  return `require("node:http").createServer((q, r) => r.end("${answer}")).listen(process.env.PORT);`;
}

function fastImportCommit(mark: number): string {
  const who = "Ada <ada@example.com> 1700000000 +0000";
  const message = `commit ${mark}`;
  return `commit refs/heads/many\nmark :${mark + 1}\ncommitter ${who}\ndata ${message.length}\n${message}\n`;
}
