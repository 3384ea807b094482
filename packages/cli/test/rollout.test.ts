/** Rollouts as the command line looks on at them, against a hub that says what a test wants. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { exitCodes, type Params, type RolloutResult } from "@propagit/protocol";
import type { Handlers } from "@propagit/runtime";
import { Command, run } from "./support/command.js";
import { FakeHub } from "./support/fake-hub.js";
import {
  accepted,
  commit,
  drone,
  output,
  phase,
  ready,
  release,
  start,
} from "./support/samples.js";

const hubs: FakeHub[] = [];
after(() => Promise.all(hubs.map((hub) => hub.lose())));

async function hubWith(handlers: Handlers): Promise<FakeHub> {
  const hub = await FakeHub.start({ handlers });
  hubs.push(hub);
  return hub;
}

const never = () => new Promise<never>(() => undefined);

describe("propagit deploy", () => {
  it("prints a line for each step and how it ended, and asks for what was said", async () => {
    let asked: Params<"hub.deploy"> | undefined;
    const hub = await hubWith({
      "hub.deploy": (params, { part }) => {
        asked = params;
        part(accepted);
        part(phase("queued", 0, "waits for release 12 of bob, building for 40 s"));
        part(phase("building", 5_000, "on web-1"));
        part(output("compiled 12 files"));
        part(phase("starting", 8_000));
        part(drone("web-1", "ready", { port: 15_194 }));
        return ready;
      },
    });
    const flags = ["-e", "staging", "--no-promote", "--supersede"];
    const result = await run(hub, ["deploy", "webapp", "master", ...flags]);
    assert.deepEqual(result, {
      code: 0,
      stderr: "",
      stdout: `release 14 of webapp: 74336bc
queued: waits for release 12 of bob, building for 40 s
building: on web-1
web-1        | compiled 12 files
starting
web-1        ready on port 15194
webapp 74336bc is ready on 1 drone; visitors get it
release 14 in 8.0 s
`,
    });
    assert.deepEqual(asked, {
      repo: "webapp",
      ref: "master",
      by: "ann@laptop",
      environment: "staging",
      promote: false,
      supersede: true,
    });
  });

  it("prints a line of JSON for each step and the result last", async () => {
    const hub = await hubWith({
      "hub.deploy": (_, { part }) => {
        part(accepted);
        return ready;
      },
    });
    const { code, stdout } = await run(hub, ["deploy", "webapp", "master", "--json"]);
    const lines = stdout.trim().split("\n");
    assert.equal(code, 0);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [accepted, { kind: "result", ...ready }],
    );
  });

  const ends: readonly (readonly [RolloutResult["outcome"], number, RegExp])[] = [
    ["ready", exitCodes.ok, /is ready on 1 drone/],
    ["unchanged", exitCodes.ok, /runs already on 1 drone; nothing changed/],
    ["failed", exitCodes.failed, /failed while building: no compiler/],
    ["cancelled", exitCodes.failed, /release 14 of webapp was cancelled: no compiler/],
    ["superseded", exitCodes.conflict, /release 14 of webapp was replaced by a newer one/],
  ];
  for (const [outcome, exitCode, message] of ends) {
    it(`ends with ${exitCode} when it is ${outcome}`, async () => {
      const hub = await hubWith({
        "hub.deploy": (_, { part }) => {
          part(accepted);
          part(phase("building", 0));
          return { ...ready, outcome, reason: "no compiler" };
        },
      });
      const { code, stdout, stderr } = await run(hub, ["deploy", "webapp", "master"]);
      assert.equal(code, exitCode);
      assert.match(stdout + stderr, message);
    });
  }

  it("ends when the hub has accepted it, with --detach", async () => {
    const hub = await hubWith({
      "hub.deploy": ({ detach }, { part }) => {
        assert.equal(detach, true);
        part(accepted);
        return never();
      },
    });
    const { code, stdout } = await run(hub, ["deploy", "webapp", "master", "--detach"]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^release 14 of webapp: 74336bc\nthe deploy goes on; .* propagit follow webapp 14\n/,
    );
  });

  it("goes on without the looker-on after ^C, and says how to look at it again", async () => {
    const hub = await hubWith({
      "hub.deploy": (_, { part }) => {
        part(accepted);
        return never();
      },
    });
    const command = new Command(hub, "deploy", "webapp", "master");
    await command.said(/release 14/);
    command.child.kill("SIGINT");
    assert.equal(await command.exited, 130);
    assert.match(command.stderr, /the deploy goes on.*propagit follow webapp 14\n/);
    assert.match(command.stderr, /propagit cancel webapp 14\n/);
  });

  it("prints the output of what it started until ^C, with --follow", async () => {
    let asked: Params<"hub.logs"> | undefined;
    const line = { at: start, drone: "web-1", repo: "webapp", environment: "production", commit };
    const hub = await hubWith({
      "hub.deploy": (_, { part }) => {
        part(accepted);
        return ready;
      },
      "hub.logs": (params, { part }) => {
        asked = params;
        part([{ ...line, release: 14, service: "http", slot: 1, process: "p", text: "hello" }]);
        return never();
      },
    });
    const command = new Command(hub, "deploy", "webapp", "master", "--follow");
    await command.said(/web-1\/http\.1 hello/);
    command.child.kill("SIGINT");
    assert.equal(await command.exited, 130);
    assert.deepEqual(
      { ...asked },
      { repo: "webapp", environment: "production", release: 14, since: start, follow: true },
    );
  });
});

describe("a hub that is lost on the way", () => {
  it("is waited for, and what it accepted is followed without telling anything twice", async () => {
    let followed: Params<"hub.follow"> | undefined;
    const hub = await hubWith({
      "hub.deploy": (_, { part }) => {
        part(accepted);
        part(phase("building", 0));
        part(output("."));
        return never();
      },
      "hub.follow": (params, { part }) => {
        followed = params;
        for (const before of [accepted, phase("building", 0), output(".")]) part(before);
        part(output("done", 5));
        return ready;
      },
    });
    const command = new Command(hub, "deploy", "webapp", "master");
    await command.said(/\| \.\n/);
    await hub.lose();
    await command.said(/the hub was lost on the way; waiting for it to come back/);
    await hub.comeBack();
    assert.equal(await command.exited, 0);
    assert.deepEqual(followed, { repo: "webapp", environment: "production", release: 14 });
    assert.equal(
      command.stdout,
      `release 14 of webapp: 74336bc
building
web-1        | .
web-1        | done
webapp 74336bc is ready on 1 drone; visitors get it
release 14 in 5 ms
`,
    );
  });

  it("is asked again for a deploy that it had not accepted", async () => {
    let times = 0;
    const hub = await hubWith({
      "hub.deploy": () => {
        times += 1;
        if (times > 1) return ready;
        void hub.lose().then(() => hub.comeBack());
        return never();
      },
    });
    const { code, stderr } = await run(hub, ["deploy", "webapp", "master"]);
    assert.deepEqual([code, times], [0, 2], stderr);
  });

  it("is not asked twice to go back to whatever was before", async () => {
    let times = 0;
    const hub = await hubWith({
      "hub.rollback": () => {
        times += 1;
        void hub.lose().then(() => hub.comeBack());
        return never();
      },
    });
    const { code, stderr } = await run(hub, ["rollback", "webapp"]);
    assert.deepEqual([code, times], [exitCodes.unreachable, 1]);
    assert.match(stderr, /it may have been accepted\n {2}see whether it was .* propagit releases/);
  });
});

describe("propagit follow", () => {
  it("finds the release that is under way", async () => {
    let followed: number | undefined;
    const deploying = { ...release, state: "deploying", current: false } as const;
    const hub = await hubWith({
      "hub.releases": ({ environment }) => ({
        releases: [
          ...(environment === "production" ? [] : [{ ...deploying, number: 99 }]),
          { ...deploying, number: 16, phase: "queued" },
          { ...deploying, number: 15, phase: "building" },
          release,
        ],
      }),
      "hub.follow": (params) => {
        followed = params.release;
        return ready;
      },
    });
    const { code } = await run(hub, ["follow", "webapp"]);
    assert.deepEqual([code, followed], [0, 15]);
  });

  it("says that there is none", async () => {
    const hub = await hubWith({ "hub.releases": () => ({ releases: [] }) });
    const { code, stderr } = await run(hub, ["follow", "webapp"]);
    assert.equal(code, exitCodes.notFound);
    assert.match(stderr, /there is no release of webapp yet/);
  });
});

describe("propagit cancel", () => {
  it("is done when the release is cancelled, and says so when it came too late", async () => {
    const outcomes: RolloutResult["outcome"][] = ["cancelled", "ready"];
    const hub = await hubWith({
      "hub.cancel": (_, { part }) => {
        part(accepted);
        return { ...ready, outcome: outcomes.shift() ?? "failed" };
      },
    });
    const done = await run(hub, ["cancel", "webapp"]);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /release 14 of webapp is cancelled; what ran before goes on/);
    const late = await run(hub, ["cancel", "webapp", "14"]);
    assert.equal(late.code, exitCodes.conflict);
    assert.match(late.stderr, /was ready before it could be cancelled/);
  });
});
