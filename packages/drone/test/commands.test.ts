/** Tasks of plans on a drone: each key once, its end across lives, output, cancelling, what waits. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { PropagitError, type DroneCommandEnd, type Params, type Result } from "@propagit/protocol";
import { localHost, toolBox, type CommandContext } from "@propagit/plan";
import { nodeCrypto, nodeDisk, nodeWorld, silentLog, type IncomingCall } from "@propagit/runtime";
import { CommandDesk } from "../src/commands.js";
import type { CommandStore } from "../src/command-world.js";
import type { DroneContext } from "../src/drone-part.js";
import { DiskCommandStore } from "../src/system/command-store.js";
import { until } from "./support/until.js";

interface Asked {
  readonly end: Promise<DroneCommandEnd>;
  readonly lines: string[];
  readonly leave: () => void;
}

class Life {
  readonly desk: CommandDesk;

  constructor(store: CommandStore, commands = toolBox) {
    const context = { world: nodeWorld(silentLog), name: () => "one" } as unknown as DroneContext;
    const host = (name: string) => localHost({ name });
    this.desk = new CommandDesk(context, { store, commands, host });
  }

  ask(
    params: Partial<Params<"drone.command">> & { readonly run?: string },
    sessionKey?: string,
  ): Asked {
    const { run = "true", ...more } = params;
    const lines: string[] = [];
    const gone = new AbortController();
    const call = {
      signal: gone.signal,
      part: (part: string[]) => void lines.push(...part),
      conversation: { peer: sessionKey === undefined ? undefined : { sessionKey } },
    } as unknown as IncomingCall<"drone.command">;
    const args = JSON.stringify({ run });
    const whole = { key: "r/1.1.1/1", command: "execute", args, timeoutMs: 60_000, once: false };
    const end = Promise.resolve().then(() =>
      this.desk.handlers["drone.command"]?.({ ...whole, ...more }, call),
    );
    return { end: end as Promise<DroneCommandEnd>, lines, leave: () => gone.abort() };
  }

  async recall(...keys: string[]): Promise<Result<"drone.command-recall">["commands"]> {
    const call = {} as unknown as IncomingCall<"drone.command-recall">;
    const answer = await this.desk.handlers["drone.command-recall"]?.({ keys }, call);
    return answer?.commands ?? [];
  }

  cancel(key: string): void {
    const call = {} as unknown as IncomingCall<"drone.command-cancel">;
    void this.desk.handlers["drone.command-cancel"]?.({ key }, call);
  }
}

describe("tasks of plans on a drone", () => {
  let folder: string;
  let place: string;
  let tests = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "propagit-commands-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  beforeEach(() => {
    place = join(folder, String(++tests));
  });

  const life = async () => new Life(await DiskCommandStore.open(nodeDisk, `${place}-data`));
  const traces = async () => (await readFile(place, "utf8").catch(() => "")).length;
  const trace = () => `printf x >>${place}`;

  it("are carried out once, however often they are asked for, also in a next life", async () => {
    const first = await life();
    const asked = [first.ask({ run: trace() }), first.ask({ run: trace() })];
    for (const { end } of asked) assert.equal((await end).outcome, "done");
    assert.equal((await (await life()).ask({ run: trace() }).end).outcome, "done");
    assert.equal(await traces(), 1);
    const [ended, other] = await (await life()).recall("r/1.1.1/1", "r/1.1.1/2");
    assert.deepEqual(ended, { state: "ended", end: { outcome: "done", lastLines: [], exit: 0 } });
    assert.deepEqual(other, { state: "not-begun" });
  });

  it("tell how they failed, with what they said and the exit code", async () => {
    const { end, lines } = (await life()).ask({ run: "echo one; echo two >&2; exit 3" });
    const { outcome, reason, lastLines, exit } = await end;
    assert.deepEqual([outcome, exit], ["failed", 3]);
    assert.deepEqual(lastLines.toSorted(), ["one", "two"]);
    assert.match(reason ?? "", /ended with 3/);
    assert.deepEqual(lines.toSorted(), ["one", "two"]);
  });

  it("send and keep the newest lines of however much is said", async () => {
    const { end, lines } = (await life()).ask({ run: "seq 1 100000" });
    const { lastLines } = await end;
    assert.equal(lastLines.length, 20);
    assert.equal(lastLines.at(-1), "100000");
    assert.ok(lines.length < 1_000, `${lines.length} lines were sent`);
  });

  it("go on when who asked goes, and are joined by who asks again", async () => {
    const one = await life();
    const left = one.ask({ run: `${trace()}; while [ ! -e ${place}-go ]; do sleep 0.02; done` });
    await until("it to begin", async () => (await traces()) === 1);
    left.leave();
    await assert.rejects(left.end, { code: "LINK_LOST" });
    assert.deepEqual(await one.recall("r/1.1.1/1"), [{ state: "begun" }]);
    const again = one.ask({});
    await nodeDisk.writeAtomic(`${place}-go`, "");
    assert.equal((await again.end).outcome, "done");
    assert.equal(await traces(), 1);
  });

  it("end when they are told to, and when their time is over", async () => {
    const one = await life();
    const cancelled = one.ask({ run: `${trace()}; sleep 300` });
    await until("it to begin", async () => (await traces()) === 1);
    one.cancel("r/1.1.1/1");
    const { outcome, reason } = await cancelled.end;
    assert.deepEqual([outcome, reason], ["failed", "it was told to end"]);
    const late = await one.ask({ key: "r/2.1.1/1", run: "sleep 300", timeoutMs: 50 }).end;
    assert.match(late.reason ?? "", /longer than 50 ms/);
  });

  it("that may run once and were under way when the drone died are unknown, others run again", async () => {
    const store = await DiskCommandStore.open(nodeDisk, `${place}-data`);
    // As kill -9 leaves them: what is on disk when it has begun, and nothing after that.
    await store.write({ key: "r/1.1.1/1" });
    const next = await life();
    const once = await next.ask({ run: trace(), once: true }).end;
    assert.equal(once.outcome, "unknown");
    assert.deepEqual(await next.recall("r/1.1.1/1"), [{ state: "unknown" }]);
    const other = await next.ask({ key: "r/1.2.1/1", run: trace() }).end;
    assert.equal(other.outcome, "done");
    assert.equal(await traces(), 1);
  });

  it("are on disk as begun before anything is done that may be done once", async () => {
    const store = await DiskCommandStore.open(nodeDisk, `${place}-data`);
    const full: CommandStore = {
      read: (key) => store.read(key),
      write: () => Promise.reject(new Error("ENOSPC")),
    };
    const one = new Life(full);
    const once = await one.ask({ run: trace(), once: true }).end;
    assert.equal(once.outcome, "failed");
    assert.equal(await traces(), 0);
    assert.equal((await one.ask({ key: "r/1.2.1/1", run: trace() }).end).outcome, "done");
    assert.equal(await traces(), 1);
  });

  it("end with their drone; those that may run again are asked for again", async () => {
    const one = await life();
    const again = one.ask({ run: `${trace()}; sleep 300` });
    const once = one.ask({ key: "r/1.2.1/1", run: `${trace()}; sleep 300`, once: true });
    await until("both to begin", async () => (await traces()) === 2);
    const ends = Promise.allSettled([again.end, once.end]);
    await one.desk.stop();
    const [first, second] = await ends;
    assert.equal(first?.status, "rejected");
    assert.equal(second?.status === "fulfilled" && second.value.outcome, "failed");
    const next = await life();
    assert.deepEqual(await next.recall("r/1.1.1/1"), [{ state: "not-begun" }]);
    assert.equal((await next.recall("r/1.2.1/1"))[0]?.state, "ended");
  });

  it("of gates leave nothing on disk", async () => {
    const one = await life();
    for (const expected of [1, 2]) {
      await one.ask({ key: "look/1", run: trace(), look: true }).end;
      assert.equal(await traces(), expected);
    }
    assert.deepEqual(await (await life()).recall("look/1"), [{ state: "not-begun" }]);
  });

  it("refuse what they do not know, and arguments that are none", async () => {
    const one = await life();
    const foreign = await one.ask({ command: "explode" }).end;
    assert.match(foreign.reason ?? "", /does not know the command explode/);
    const wrong = await one.ask({ key: "r/2.1.1/1", args: '{"ran":["true"]}' }).end;
    assert.equal(wrong.outcome, "failed");
    assert.match(wrong.reason ?? "", /"ran"/);
    assert.deepEqual(
      [foreign.refused, wrong.refused],
      [true, true],
      "asked again, they would again",
    );
  });

  it("run some at a time", async () => {
    const one = await life();
    const run = `${trace()}; while [ ! -e ${place}-go ]; do sleep 0.05; done`;
    const asked = Array.from({ length: 20 }, (_, at) => one.ask({ key: `r/1.${at}.1/1`, run }));
    await until("sixteen to run", async () => (await traces()) === 16);
    await nodeDisk.writeAtomic(`${place}-go`, "");
    for (const { end } of asked) assert.equal((await end).outcome, "done");
    assert.equal(await traces(), 20);
  });

  it("use secrets that are hidden under the session's key, and say their names in their places", async () => {
    const sessionKey = "5".repeat(64);
    const means = {
      name: "tell",
      summary: "",
      args: { schema: {}, keys: [], read: () => ({}) },
      describe: () => "would tell",
      run: async (_: unknown, { means: given, say }: CommandContext) => {
        const secret = await given.secret("TOKEN");
        say(`it is ${secret}`);
        throw new PropagitError("TASK_FAILED", `not ${secret}, nor ${await given.secret("OTHER")}`);
      },
      example: {},
    };
    const commands: typeof toolBox = new Map([["tell", means]]);
    const store = await DiskCommandStore.open(nodeDisk, `${place}-data`);
    const one = new Life(store, commands);
    const hidden = nodeCrypto.encrypt(sessionKey, "much-hidden");
    const params = { command: "tell", args: "{}", secrets: [{ name: "TOKEN", hidden }] };
    const { end, lines } = one.ask(params, sessionKey);
    const { outcome, reason, lastLines } = await end;
    assert.deepEqual([outcome, reason], ["failed", "not $TOKEN, nor undefined"]);
    assert.deepEqual([lines, lastLines], [["it is $TOKEN"], ["it is $TOKEN"]]);
    const other = one.ask({ ...params, key: "r/1.1.2/1" }, "6".repeat(64));
    await assert.rejects(other.end, { code: "UNPROVEN" });
  });
});
