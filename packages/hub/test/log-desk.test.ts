import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toPropagitError, type LogLine, type LogQuery, type Part } from "@propagit/protocol";
import { aborted, type Handlers } from "@propagit/runtime";
import { releaseKey } from "../src/core/rows.js";
import { commit, deployment, DeskWorld, release, report } from "./support/desk-world.js";

function line(at: number, text: string): LogLine {
  return {
    at,
    drone: "whatever it calls itself",
    repo: "webapp",
    environment: "production",
    release: 1,
    commit,
    service: "http",
    slot: 1,
    process: "c3d4",
    text,
  };
}

/** What a drone has said, and says; remembers how it was asked. */
class Output {
  readonly queries: LogQuery[] = [];
  readonly #lines: LogLine[];
  readonly #followers = new Set<(lines: LogLine[]) => void>();

  constructor(...lines: LogLine[]) {
    this.#lines = lines;
  }

  say(...lines: LogLine[]): void {
    this.#lines.push(...lines);
    for (const follower of this.#followers) follower(lines);
  }

  readonly handlers: Handlers = {
    "drone.logs": async (query, { part, signal }) => {
      this.queries.push(query);
      const { since = 0, last = 0, follow } = query;
      const kept = this.#lines.filter(({ at }) => at >= since);
      if (last > 0 && kept.length > 0) part(kept.slice(-last));
      if (!follow) return {};
      this.#followers.add(part);
      await aborted(signal);
      this.#followers.delete(part);
      return {};
    },
  };
}

const textsOf = (lines: readonly LogLine[]) =>
  lines.map(({ drone, text }) => `${drone} ${text}`).join(", ");

describe("hub.logs", () => {
  async function history(world: DeskWorld, params: Partial<LogQuery> = {}) {
    const lines: LogLine[] = [];
    const onPart = (part: Part<"hub.logs">) => lines.push(...part);
    const result = await world.call("hub.logs", { follow: false, ...params }, { onPart });
    return { lines, ...result };
  }

  it("merges what drones kept by time, under the names that the hub gave them", async () => {
    const world = await DeskWorld.open();
    const [one, two] = [new Output(line(1, "a"), line(4, "d")), new Output(line(2, "b"))];
    await world.drone("web-1", { handlers: one.handlers });
    await world.drone("web-2", { handlers: two.handlers });
    const { lines, missing } = await history(world, { repo: "webapp.git", services: ["http"] });
    assert.equal(textsOf(lines), "web-1 a, web-2 b, web-1 d");
    assert.deepEqual(missing, []);
    assert.deepEqual(one.queries, [
      { repo: "webapp", services: ["http"], last: 100, follow: false },
    ]);
  });

  it("keeps the last lines of all together", async () => {
    const world = await DeskWorld.open();
    const [one, two] = [
      new Output(line(1, "a"), line(3, "c")),
      new Output(line(2, "b"), line(4, "d")),
    ];
    await world.drone("web-1", { handlers: one.handlers });
    await world.drone("web-2", { handlers: two.handlers });
    const { lines } = await history(world, { last: 2 });
    assert.equal(textsOf(lines), "web-1 c, web-2 d");
  });

  it("names drones that are away or do not answer, and is not held up by them", async () => {
    const world = await DeskWorld.open();
    const output = new Output(line(1, "a"));
    const gone = await world.drone("web-0");
    gone.stop();
    await world.drone("web-1", { handlers: output.handlers });
    await world.drone("web-2", { handlers: { "drone.logs": () => new Promise(() => undefined) } });
    const startedAt = world.sim.clock.now();
    const { lines, missing } = await history(world);
    assert.equal(textsOf(lines), "web-1 a");
    assert.deepEqual(missing, [
      { drone: "web-0", reason: "drone web-0 is not connected" },
      { drone: "web-2", reason: "no answer to drone.logs in 5 s" },
    ]);
    assert.ok(world.sim.clock.now() - startedAt < 6_000);
  });

  it("brings thousands of lines in parts", async () => {
    const world = await DeskWorld.open();
    const many = Array.from({ length: 3_000 }, (_, at) => line(at, `${at} ${"x".repeat(500)}`));
    const handlers: Handlers = {
      "drone.logs": (_, { part }) => {
        for (let at = 0; at < many.length; at += 1_000) part(many.slice(at, at + 1_000));
        return {};
      },
    };
    await world.drone("web-1", { handlers });
    const { lines } = await history(world, { last: 10_000 });
    assert.deepEqual(
      lines.map(({ at }) => at),
      many.map(({ at }) => at),
    );
  });

  it("leaves drones calls for their tasks, however many read output", async () => {
    const world = await DeskWorld.open();
    await world.drone("web-1", { handlers: new Output().handlers });
    const stop = new AbortController();
    const caller = await world.caller();
    const options = { limitMs: 0, signal: stop.signal };
    const ends = Array.from({ length: 401 }, () =>
      caller.call("hub.logs", { follow: true }, options).catch(toPropagitError),
    );
    assert.equal(toPropagitError(await world.settle(Promise.race(ends))).code, "OVERLOADED");
    stop.abort();
    await world.settle(Promise.all(ends));
    await assert.doesNotReject(world.call("hub.logs", { follow: false }));
  });

  it("asks for a release by what it runs, which instances of an earlier one may say", async () => {
    const world = await DeskWorld.open(
      [release(), release({ number: 2, kind: "rollback" })].map((row) => ({
        table: "releases",
        key: releaseKey(row.repo, row.environment, row.number),
        row,
      })),
    );
    const output = new Output(line(1, "a"));
    await world.drone("web-1", { handlers: output.handlers });
    const { lines } = await history(world, { repo: "webapp", release: 2 });
    assert.equal(textsOf(lines), "web-1 a");
    assert.deepEqual(output.queries, [
      { repo: "webapp", deployments: [deployment], last: 100, follow: false },
    ]);
  });

  it("says what is not there rather than nothing, unless a drone remembers it", async () => {
    const world = await DeskWorld.open();
    const output = new Output();
    const instances = [report("c3d4")];
    await world.drone("web-1", { handlers: output.handlers, instances });
    const asked: readonly [Partial<LogQuery>, string, RegExp][] = [
      [{ repo: "webap" }, "NO_REPO", /webap/],
      [{ repo: "webapp", release: 99 }, "NO_RELEASE", /^there is no release 99 of webapp$/],
      [{ repo: "webapp", services: ["nope"] }, "NO_SERVICE", /"nope" of webapp; there are http$/],
    ];
    for (const [query, code, message] of asked) {
      await assert.rejects(history(world, query), { code, message });
      await assert.rejects(history(world, { ...query, follow: true }), { code, message });
    }
    assert.deepEqual((await history(world, { repo: "webapp", services: ["http"] })).lines, []);
    output.say(line(1, "a"));
    for (const [query] of asked) assert.equal((await history(world, query)).lines.length, 1);
  });

  it("refuses what no drone could answer", async () => {
    const world = await DeskWorld.open();
    await world.drone("web-1");
    await assert.rejects(history(world, { grep: "(" }), {
      code: "BAD_PATTERN",
      message: '"(" is no regular expression: unterminated group',
    });
    const drones = { names: ["web-9"] };
    await assert.rejects(world.call("hub.logs", { follow: false, drones }), { code: "NO_PLACE" });
  });
});

describe("hub.logs that follows", () => {
  async function follow(world: DeskWorld, params: Partial<LogQuery> = {}) {
    const lines: LogLine[] = [];
    const stop = new AbortController();
    const caller = await world.caller();
    const call = caller.call(
      "hub.logs",
      { follow: true, last: 2, ...params },
      { limitMs: 0, signal: stop.signal, onPart: (part) => lines.push(...part) },
    );
    call.catch(() => undefined);
    await world.sim.clock.advance(3_000);
    return { lines, stop, caller };
  }

  it("begins with the last lines and goes on with new ones, in order", async () => {
    const world = await DeskWorld.open();
    const [one, two] = [
      new Output(line(1, "a"), line(3, "c")),
      new Output(line(2, "b"), line(4, "d")),
    ];
    await world.drone("web-1", { handlers: one.handlers });
    await world.drone("web-2", { handlers: two.handlers });
    const { lines } = await follow(world);
    assert.equal(textsOf(lines), "web-1 c, web-2 d");
    lines.length = 0;
    const now = world.sim.clock.now();
    one.say(line(now + 10, "second"), line(now + 20, "third"));
    two.say(line(now, "first"), line(now + 30, "fourth"));
    await world.sim.clock.advance(1_000);
    assert.equal(textsOf(lines), "web-2 first, web-1 second, web-1 third, web-2 fourth");
  });

  it("shows nothing of the past when none is asked for", async () => {
    const world = await DeskWorld.open();
    const output = new Output(line(1, "a"));
    await world.drone("web-1", { handlers: output.handlers });
    const { lines } = await follow(world, { last: 0 });
    output.say(line(world.sim.clock.now(), "b"));
    await world.sim.clock.advance(1_000);
    assert.equal(textsOf(lines), "web-1 b");
  });

  it("goes on with a drone that comes back where it was, and with one that comes later", async () => {
    const world = await DeskWorld.open();
    const [one, two] = [new Output(), new Output()];
    await world.drone("web-1", { handlers: one.handlers });
    const { lines } = await follow(world);
    const now = world.sim.clock.now();
    one.say(line(now, "a"), line(now, "a"));
    await world.sim.clock.advance(1_000);
    world.sim.network.dropHost("web-1");
    one.say(line(now, "a"), line(now, "b"), line(now + 100, "c"));
    await world.drone("web-2", { handlers: two.handlers });
    await world.sim.clock.advance(5_000);
    two.say(line(now + 200, "d"));
    await world.sim.clock.advance(1_000);
    assert.equal(textsOf(lines), "web-1 a, web-1 a, web-1 a, web-1 b, web-1 c, web-2 d");
  });

  it("ends on the drones when the caller has had enough", async () => {
    const world = await DeskWorld.open();
    let ended = false;
    const handlers: Handlers = {
      "drone.logs": async (_, { signal }) => {
        await aborted(signal);
        ended = true;
        return {};
      },
    };
    await world.drone("web-1", { handlers });
    const { stop } = await follow(world);
    stop.abort();
    await world.sim.clock.advance(1_000);
    assert.ok(ended);
  });

  it("waits for a caller that reads slowly, and says what was left out", async () => {
    const world = await DeskWorld.open();
    const output = new Output();
    await world.drone("web-1", { handlers: output.handlers });
    const { lines } = await follow(world);
    const hubsEnd = world.conversations.at(-1);
    assert.ok(hubsEnd);
    let bufferedBytes = 5 * 1024 * 1024;
    Object.defineProperty(hubsEnd, "bufferedBytes", { get: () => bufferedBytes });
    const now = world.sim.clock.now();
    for (let batch = 0; batch < 60; batch++) {
      const text = "x".repeat(8_000);
      output.say(...Array.from({ length: 100 }, (_, at) => line(now + batch * 100 + at, text)));
      await world.sim.clock.advance(100);
    }
    assert.ok(lines.length <= 1_000);
    bufferedBytes = 0;
    await world.sim.clock.advance(5_000);
    const lost = lines.find(({ text }) => /\d+ lines are left out here/.test(text));
    assert.ok(lost);
    assert.equal(lines.at(-1)?.at, now + 59 * 100 + 99);
  });
});
