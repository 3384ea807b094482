import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Params, RunPart } from "@propagit/protocol";
import { aborted, type Conversation, type Handlers, type TellingHandlers } from "@propagit/runtime";
import type { ReleaseRow } from "../src/core/rows.js";
import {
  commit,
  deployment,
  DeskWorld,
  nextCommit,
  release,
  report,
} from "./support/desk-world.js";

/** Runs commands until it is told how they end; keeps what it was asked and told. */
class Runner {
  readonly asked: Params<"drone.run">[] = [];
  readonly told: string[] = [];
  part: (part: RunPart) => void = () => undefined;
  end: (code: number) => void = () => undefined;
  wasCancelled = false;

  readonly handlers: Handlers = {
    "drone.run": async (params, { part, signal }) => {
      this.asked.push(params);
      this.part = part;
      part({ kind: "started", drone: "me", process: "c3d4" });
      const cancelled = aborted(signal).then(() => {
        this.wasCancelled = true;
        return 143;
      });
      const ended = new Promise<number>((resolve) => {
        this.end = resolve;
      });
      return { drone: "me", code: await Promise.race([ended, cancelled]) };
    },
  };

  readonly tellingHandlers: TellingHandlers = {
    "run.input": ({ data }) => this.told.push(`input ${Buffer.from(data, "base64").toString()}`),
    "run.taken": ({ bytes }) => this.told.push(`taken ${bytes}`),
    "run.resize": ({ columns, rows }) => this.told.push(`resize ${columns}x${rows}`),
    "run.signal": ({ signal }) => this.told.push(signal),
  };

  get options() {
    return { handlers: this.handlers, tellingHandlers: this.tellingHandlers };
  }

  say(text: string): void {
    const data = Buffer.from(text).toString("base64");
    this.part({ kind: "output", drone: "me", stream: "out", data });
  }
}

const second = { ...release(), number: 2, commit: nextCommit, deployment: "2".repeat(16) };

async function cluster(releases: readonly ReleaseRow[] = [release()]) {
  const world = await DeskWorld.open([
    ...releases.map(
      (row) => ({ table: "releases", key: `webapp/production/0000000${row.number}`, row }) as const,
    ),
    {
      table: "environments",
      key: "webapp/production",
      row: {
        repo: "webapp",
        environment: "production",
        lastRelease: 1,
        live: [1],
        settings: {},
        scales: {},
      },
    },
  ]);
  const [one, two, idle] = [new Runner(), new Runner(), new Runner()];
  await world.drone("web-1", {
    ...one.options,
    instances: [report("aa", { phase: "restarting" })],
  });
  await world.drone("web-2", {
    ...two.options,
    instances: [report("bb"), report("cc", { slot: 2 })],
  });
  await world.drone("idle", { ...idle.options, labels: { role: "idle" } });
  return { world, one, two, idle };
}

const params: Params<"hub.run"> = {
  stream: "mine",
  repo: "webapp",
  inside: false,
  drones: {},
  one: false,
  command: ["node", "--version"],
  env: { A: "1" },
  input: true,
};

/** Begins a command, as far as it gets without anybody ending it. */
async function begin(world: DeskWorld, changes: Partial<Params<"hub.run">> = {}) {
  const caller = await world.caller();
  const parts: RunPart[] = [];
  const stop = new AbortController();
  const options = {
    limitMs: 0,
    signal: stop.signal,
    onPart: (part: RunPart) => parts.push(part),
  };
  const result = caller.call("hub.run", { ...params, ...changes }, options);
  result.catch(() => undefined);
  await world.sim.clock.advance(1_000);
  return { caller, parts, result, stop };
}

async function input(world: DeskWorld, caller: Conversation, text: string) {
  const data = Buffer.from(text).toString("base64");
  caller.tell("run.input", { stream: "mine", data });
  await world.sim.clock.advance(1_000);
}

describe("hub.run", () => {
  it("leaves an event of who ran what where, with nothing of what it was given", async () => {
    const { world } = await cluster();
    const command = ["node", "-e", "f()", "x".repeat(300)];
    const env = { TOKEN: "hunter2" };
    const { stop } = await begin(world, { command, env, by: "ann", drones: { names: ["web-1"] } });
    stop.abort();
    const [event, ...others] = (await world.events()).filter(({ kind }) => kind === "ran");
    const shown = `node -e "f()" ${"x".repeat(186)}…`;
    assert.equal(
      event?.text,
      `ann runs \`${shown}\` beside release 1 of webapp (74336bc) on web-1`,
    );
    assert.deepEqual([event.by, event.drone, event.release, others], ["ann", "web-1", 1, []]);
    assert.equal(JSON.stringify(event).includes("hunter2"), false);
  });

  it("runs the command on the drones that run the release, and tells how it ended on each", async () => {
    const { world, one, two, idle } = await cluster();
    const { parts, result } = await begin(world, { service: "http" });
    one.say("v20");
    one.end(0);
    two.end(3);
    assert.deepEqual(await world.settle(result), {
      runs: [
        { drone: "web-1", code: 0 },
        { drone: "web-2", code: 3 },
      ],
      failed: [],
    });
    const [asked] = one.asked;
    assert.deepEqual(asked, {
      stream: asked?.stream,
      deployment,
      repo: "webapp",
      environment: "production",
      commit,
      artifact: commit,
      release: 1,
      service: "http",
      command: ["node", "--version"],
      env: { A: "1" },
      input: true,
    });
    assert.deepEqual(idle.asked, []);
    assert.deepEqual(parts, [
      { kind: "started", drone: "web-1", process: "c3d4" },
      { kind: "started", drone: "web-2", process: "c3d4" },
      { kind: "output", drone: "web-1", stream: "out", data: "djIw" },
    ]);
  });

  it("runs it on chosen drones, whatever they run", async () => {
    const { world, idle } = await cluster();
    const { result } = await begin(world, { drones: { selector: "role=idle" } });
    idle.end(0);
    assert.deepEqual((await world.settle(result)).runs, [{ drone: "idle", code: 0 }]);
  });

  it("runs it on one drone only when that is asked for", async () => {
    const { world, one, two } = await cluster();
    const { result } = await begin(world, { one: true });
    one.end(0);
    assert.deepEqual((await world.settle(result)).runs, [{ drone: "web-1", code: 0 }]);
    assert.deepEqual(two.asked, []);
  });

  it("runs it inside the first instance that is there", async () => {
    const { world, one, two } = await cluster();
    const { result } = await begin(world, { inside: true });
    two.end(0);
    assert.deepEqual((await world.settle(result)).runs, [{ drone: "web-2", code: 0 }]);
    assert.deepEqual([one.asked.length, two.asked[0]?.process], [0, "bb"]);
  });

  it("takes the release by number, commit or branch", async () => {
    for (const [wanted, number] of [
      ["2", 2],
      ["40548da", 2],
      ["next", 2],
      ["main", 1],
      ["7433", 1],
    ] as const) {
      const { world, idle } = await cluster([release(), second]);
      const drones = { names: ["idle"] };
      await begin(world, { release: wanted, drones });
      assert.equal(idle.asked[0]?.release, number, wanted);
    }
  });

  it("goes on with the others when a drone is away, and ends there when it is lost", async () => {
    const { world, one } = await cluster();
    world.sim.network.dropHost("idle");
    const { result } = await begin(world, { drones: { names: ["web-1", "web-2"] } });
    world.sim.network.dropHost("web-2");
    one.end(0);
    const { runs, failed } = await world.settle(result);
    assert.deepEqual(runs, [{ drone: "web-1", code: 0 }]);
    assert.deepEqual(
      failed.map(({ drone }) => drone),
      ["web-2"],
    );
  });

  it("ends on the drones when the caller gives up, or is gone", async () => {
    const { world, one, two } = await cluster();
    const { stop } = await begin(world, { drones: { names: ["web-1"] } });
    stop.abort();
    await world.sim.clock.advance(1_000);
    await begin(world, { drones: { names: ["web-2"] } });
    world.sim.network.dropHost("laptop");
    await world.sim.clock.advance(1_000);
    assert.deepEqual([one.wasCancelled, two.wasCancelled], [true, true]);
  });

  for (const [changes, code, message] of [
    [{ command: [] }, "BAD_USAGE", "there is no command"],
    [{ release: "9" }, "NO_RELEASE", 'there is no release "9" of webapp in production'],
    [{ environment: "staging" }, "NOT_DEPLOYED", "webapp in staging has no release that is ready"],
    [{ drones: { names: ["x"] } }, "NO_PLACE", /no drone is called "x"/],
    [
      { inside: true, service: "say" },
      "NO_INSTANCE",
      "no instance of say of that release runs there",
    ],
    [
      { terminal: { columns: 80, rows: 24, kind: "xterm" } },
      "BAD_USAGE",
      "2 drones fit; a terminal is for one",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(changes)}`, async () => {
      const { world } = await cluster();
      const { result } = await begin(world, changes as Partial<Params<"hub.run">>);
      await assert.rejects(world.settle(result), { code, message });
    });
  }
});

describe("what is typed into a command", () => {
  it("reaches its drones, also what came before they were asked", async () => {
    const { world, one, two } = await cluster();
    const caller = await world.caller();
    const call = caller.call("hub.run", params, { limitMs: 0 });
    await input(world, caller, "early");
    caller.tell("run.resize", { stream: "mine", columns: 100, rows: 30 });
    caller.tell("run.signal", { stream: "mine", signal: "SIGINT" });
    await world.sim.clock.advance(1_000);
    assert.deepEqual(one.told, ["input early", "resize 100x30", "SIGINT"]);
    assert.deepEqual(two.told, one.told);
    one.end(0);
    await world.sim.clock.advance(1_000);
    await input(world, caller, "late");
    assert.deepEqual([one.told.length, two.told.length], [3, 4]);
    two.end(0);
    await world.settle(call);
    await input(world, caller, "too late");
    assert.deepEqual(two.told.length, 4);
    assert.ok(caller.isOpen);
  });

  it("comes from nobody but the conversation that started it", async () => {
    const { world, one } = await cluster();
    const { caller } = await begin(world, { one: true });
    const stranger = await world.caller();
    await input(world, stranger, "rm -rf");
    stranger.tell("run.signal", { stream: "mine", signal: "SIGTERM" });
    // Nor does the name that the drones know it by help.
    const known = one.asked[0]?.stream ?? "";
    stranger.tell("run.signal", { stream: known, signal: "SIGTERM" });
    await world.sim.clock.advance(1_000);
    assert.deepEqual(one.told, []);
    await input(world, caller, "ls");
    assert.deepEqual(one.told, ["input ls"]);
  });

  it("goes to two commands of the same name in two conversations apart", async () => {
    const { world, one, two } = await cluster();
    const first = await begin(world, { drones: { names: ["web-1"] } });
    const other = await begin(world, { drones: { names: ["web-2"] } });
    await input(world, first.caller, "a");
    await input(world, other.caller, "b");
    assert.deepEqual([one.told, two.told], [["input a"], ["input b"]]);
  });

  it("needs a name that is not in use", async () => {
    const { world } = await cluster();
    const { caller } = await begin(world);
    await assert.rejects(world.settle(caller.call("hub.run", params)), {
      code: "BAD_USAGE",
      message: 'the stream "mine" is in use',
    });
  });
});

describe("what a caller has taken", () => {
  it("is told to each drone as far as it is its own", async () => {
    const { world, one, two } = await cluster();
    const { caller } = await begin(world);
    for (const [runner, text] of [
      [one, "aaaa"],
      [two, "bb"],
      [one, "c"],
    ] as const) {
      runner.say(text);
      await world.sim.clock.advance(1_000);
    }
    const take = async (bytes: number) => {
      caller.tell("run.taken", { stream: "mine", bytes });
      await world.sim.clock.advance(1_000);
    };
    await take(3);
    await take(5);
    await take(7);
    await take(100);
    assert.deepEqual(one.told, ["taken 3", "taken 4", "taken 5"]);
    assert.deepEqual(two.told, ["taken 0", "taken 1", "taken 2"]);
  });

  it("is told before there is anything, so that a drone waits for a caller who reads nothing", async () => {
    const { world, one, two } = await cluster();
    const { caller } = await begin(world);
    caller.tell("run.taken", { stream: "mine", bytes: 0 });
    await world.sim.clock.advance(1_000);
    assert.deepEqual([one.told, two.told], [["taken 0"], ["taken 0"]]);
  });
});
