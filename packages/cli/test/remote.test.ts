/** Commands that are run on drones, and output that comes from there. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { exitCodes, type LogLine, type Params, type RunResult } from "@propagit/protocol";
import { Command, run } from "./support/command.js";
import { FakeHub } from "./support/fake-hub.js";
import { hubWithCommand, type FakeCommand } from "./support/fake-command.js";
import { commit, release, start } from "./support/samples.js";

async function commandHub(
  test: TestContext,
  play: (command: FakeCommand) => Promise<RunResult> | RunResult,
): Promise<FakeHub> {
  const hub = await hubWithCommand(async (command) => ({
    runs: [await play(command)],
    failed: [],
  }));
  test.after(() => hub.lose());
  return hub;
}

const ended = (code: number, signal?: string): RunResult => ({
  drone: "web-1",
  code,
  ...(signal !== undefined && { signal }),
});

describe("propagit run", () => {
  it("connects input and output and ends with the command's exit code", async (test) => {
    let params: Params<"hub.run"> | undefined;
    const hub = await commandHub(test, async (command) => {
      ({ params } = command);
      await command.inputEnded;
      command.print("out", command.input().toString().toUpperCase());
      command.print("err", "warning\n");
      return ended(7);
    });
    const flags = ["--drone=web-1", "--service=web", "--env", "LOG=debug", "--", "cat", "-n"];
    const result = await run(hub, ["run", "webapp@14", ...flags], "one\ntwo");
    assert.deepEqual(result, { code: 7, stdout: "ONE\nTWO", stderr: "warning\n" });
    const { stream, ...rest } = params ?? {};
    assert.match(stream ?? "", /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, {
      repo: "webapp",
      release: "14",
      service: "web",
      drones: { names: ["web-1"] },
      inside: false,
      one: true,
      command: ["cat", "-n"],
      env: { LOG: "debug" },
      input: true,
      by: "ann@laptop",
    });
  });

  it("ends as a shell would when a signal ended the command", async (test) => {
    const hub = await commandHub(test, () => ended(0, "SIGKILL"));
    assert.equal((await run(hub, ["run", "webapp", "--", "x"])).code, 137);
  });

  it("passes signals on and waits for the command", async (test) => {
    const hub = await commandHub(test, async (command) => {
      command.print("out", "ready\n");
      await command.until(() => command.signals.includes("SIGINT"));
      command.print("out", "cleaned up\n");
      return ended(3);
    });
    const command = new Command(hub, "run", "webapp", "--", "server");
    await command.said(/ready/);
    command.child.kill("SIGINT");
    assert.equal(await command.exited, 3);
    assert.equal(command.stdout, "ready\ncleaned up\n");
  });

  it("sends no more ahead than the command takes, and all of it in the end", async (test) => {
    const size = 5 * 1024 * 1024;
    let aheadMax = 0;
    const hub = await commandHub(test, async (command) => {
      for (let taken = 0; taken < size;) {
        await command.until(() => command.input().length > taken);
        // Whatever is on its way has come once an answer to something else has.
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        aheadMax = Math.max(aheadMax, command.input().length - taken);
        taken = command.input().length;
        command.call.part({ kind: "taken", drone: "web-1", bytes: taken });
      }
      await command.inputEnded;
      return ended(command.input().equals(Buffer.alloc(size, "x")) ? 0 : 1);
    });
    const { code, stderr } = await run(hub, ["run", "webapp", "--", "cat"], "x".repeat(size));
    assert.equal(code, 0, stderr);
    assert.ok(aheadMax <= 1024 * 1024 + 64 * 1024, `${aheadMax} bytes ahead`);
  });

  it("says how much of the output was taken, so that the drone need not keep it", async (test) => {
    const size = 64 * 1024;
    const hub = await commandHub(test, async (command) => {
      for (let sent = 0; sent < 40 * size; sent += size) {
        await command.until(() => sent - command.takenBytes() <= 1024 * 1024);
        command.print("out", Buffer.alloc(size, "y"));
      }
      return ended(0);
    });
    const { code, stdout } = await run(hub, ["run", "webapp", "--", "yes"]);
    assert.deepEqual([code, stdout.length], [0, 40 * size]);
  });

  it("is told what was taken of all drones together", async (test) => {
    const size = 64 * 1024;
    const hub = await hubWithCommand(async (command) => {
      for (let sent = 0; sent < 40 * size; sent += size) {
        await command.until(() => sent - command.takenBytes() <= 1024 * 1024);
        command.print("out", Buffer.alloc(size, "y\n"), `web-${(sent / size) % 3}`);
      }
      return { runs: [ended(0)], failed: [] };
    });
    test.after(() => hub.lose());
    const { code, stdout } = await run(hub, ["exec", "webapp", "--", "yes"]);
    assert.deepEqual([code, stdout.match(/y/g)?.length], [0, 20 * size]);
  });

  it("says why it could not be run", async (test) => {
    const hub = await hubWithCommand(() => ({
      runs: [],
      failed: [{ drone: "web-1", reason: "command not found: x" }],
    }));
    test.after(() => hub.lose());
    const { code, stderr } = await run(hub, ["run", "webapp", "--", "x"]);
    assert.equal(code, exitCodes.failed);
    assert.match(stderr, /it could not be run on web-1: command not found: x/);
  });

  it("ends when the hub is lost", async (test) => {
    const hub = await commandHub(test, () => new Promise<never>(() => undefined));
    const command = new Command(hub, "run", "webapp", "--", "x");
    await new Promise((resolve) => {
      command.child.stdin.write("something", resolve);
    });
    await hub.lose();
    assert.equal(await command.exited, exitCodes.unreachable);
  });
});

describe("propagit exec", () => {
  it("puts the drone in front of each line and ends with the first code that is not 0", async (test) => {
    let params: Params<"hub.run"> | undefined;
    const hub = await hubWithCommand((command) => {
      ({ params } = command);
      command.print("out", "v20\n", "web-1");
      command.print("out", "v22", "web-2");
      command.print("err", "old\n", "web-1");
      return {
        runs: [ended(0), { drone: "web-2", code: 4 }, { drone: "web-3", code: 5 }],
        failed: [],
      };
    });
    test.after(() => hub.lose());
    const args = ["exec", "webapp", "--label", "role=web", "--drone=/^web-/", "--", "node", "-v"];
    assert.deepEqual(await run(hub, args), {
      code: 4,
      stdout: "web-1 | v20\nweb-2 | v22\n",
      stderr: "web-1 | old\n",
    });
    assert.deepEqual(
      [params?.inside, params?.one, params?.input, params?.drones],
      [true, false, false, { names: ["/^web-/"], selector: "role=web" }],
    );
  });
});

describe("propagit logs", () => {
  const line: LogLine = {
    at: start,
    drone: "web-1",
    repo: "webapp",
    environment: "production",
    release: 14,
    commit,
    service: "http",
    slot: 1,
    process: "p1",
    text: "hello",
  };

  async function logHub(test: TestContext, asked: Params<"hub.logs">[], isEndless = false) {
    const hub = await FakeHub.start({
      handlers: {
        "hub.releases": () => ({ releases: [{ ...release, number: 15 }, release] }),
        "hub.logs": (params, { part }) => {
          asked.push(params);
          part([line]);
          if (!isEndless) return { missing: [] };
          setInterval(() => part(Array.from({ length: 1_000 }, () => line)), 1).unref();
          return new Promise<never>(() => undefined);
        },
      },
    });
    test.after(() => hub.lose());
    return hub;
  }

  it("asks for what was said, a commit as its newest release", async (test) => {
    const asked: Params<"hub.logs">[] = [];
    const hub = await logHub(test, asked);
    const flags = ["--service=http,say", "--drone=web-1", "--since=2026-01-02", "--grep=^err"];
    const { code, stdout } = await run(hub, ["logs", "webapp@74336bc", ...flags, "-n", "5"]);
    assert.equal(code, 0);
    assert.match(stdout, / web-1\/http\.1 hello\n$/);
    assert.deepEqual(asked, [
      {
        repo: "webapp",
        release: 15,
        services: ["http", "say"],
        drones: { names: ["web-1"] },
        since: Date.parse("2026-01-02"),
        last: 5,
        grep: "^err",
        follow: false,
      },
    ]);
  });

  it("prints JSON, a line for each", async (test) => {
    const { stdout } = await run(await logHub(test, []), ["logs", "--json"]);
    assert.deepEqual(JSON.parse(stdout), line);
  });

  it("ends quietly when nobody reads it any more, and at ^C", async (test) => {
    const hub = await logHub(test, [], true);
    const unread = new Command(hub, "logs", "-f");
    await unread.said(/hello/);
    unread.child.stdout.destroy();
    assert.deepEqual([await unread.exited, unread.stderr], [141, ""]);
    const followed = new Command(hub, "logs", "-f");
    await followed.said(/hello/);
    followed.child.kill("SIGINT");
    assert.deepEqual([await followed.exited, followed.stderr], [130, ""]);
  });

  for (const lines of [[line], []]) {
    const end = lines.length === 0 ? "fails" : "prints what there is";
    it(`${end} when drones could not be asked, and names them`, async (test) => {
      const hub = await FakeHub.start({
        handlers: {
          "hub.logs": (_, { part }) => {
            part(lines);
            return { missing: [{ drone: "web-2", reason: "it is away" }] };
          },
        },
      });
      test.after(() => hub.lose());
      const { code, stderr } = await run(hub, ["logs", "webapp"]);
      assert.equal(code, lines.length === 0 ? exitCodes.unreachable : 0);
      assert.match(stderr, /output of 1 drone is missing: web-2 \(it is away\)/);
    });
  }
});
