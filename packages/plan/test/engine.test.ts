import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PropagitError } from "@propagit/protocol";
import { simRandom } from "@propagit/runtime";
import { graceMs } from "../src/attempt.js";
import { PlanEngine } from "../src/engine.js";
import type { Gate, Plan } from "../src/plan.js";
import type { RunEvent } from "../src/run-event.js";
import { MortalWorld } from "../src/simulated/mortal-world.js";
import type { SimTask } from "../src/simulated/sim-executor.js";
import type { Executor, GateView } from "../src/world.js";
import { short } from "./support/drive.js";
import { makePlan, probe, wideStage } from "./support/plans.js";
import { SimCluster } from "./support/sim-cluster.js";

const second = 1_000;

function quick(): SimTask {
  return { ms: second, end: { outcome: "done", lastLines: ["fine"] } };
}

function makeCluster(taskOf: (id: string, attempt: number) => SimTask = quick): SimCluster {
  return new SimCluster(1, ({ id }, attempt) => taskOf(id, attempt));
}

/** What a promise comes to while virtual time passes. */
async function within<T>(cluster: SimCluster, what: string, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  promise.then(settled, settled);
  await cluster.clock.until(what, () => isSettled, 24 * 60 * 60 * second);
  return promise;
}

async function refusal(promise: Promise<unknown>): Promise<PropagitError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof PropagitError) return thrown;
    throw thrown;
  }
  throw new Error("it was not refused");
}

const oneTask: Plan = makePlan([{ lines: [[{}]] }]);

describe("an engine", () => {
  it("carries two plans out at the same time", async () => {
    const cluster = makeCluster();
    const engine = await PlanEngine.open(cluster.world);
    const ids = await Promise.all([
      engine.start(oneTask, { by: "anna" }),
      engine.start(oneTask, { by: "ben" }),
    ]);
    assert.notEqual(ids[0], ids[1]);
    const all = Promise.all(ids.map((id) => engine.over(id)));
    const start = cluster.clock.now();
    const ended = await within(cluster, "both", all);
    assert.deepEqual(
      ended.map(({ outcome }) => outcome),
      ["done", "done"],
    );
    assert.equal(cluster.clock.now() - start, second, "side by side");
    assert.deepEqual(
      engine.list().map(({ run, state }) => [run, state]),
      [...ids].reverse().map((id) => [id, "over"]),
    );
  });

  it("lets a run wait behind the one that holds its lock, in order, through a restart", async () => {
    const cluster = makeCluster();
    const locks = ["webapp/production"];
    const first = new MortalWorld(cluster.world);
    const engine = await PlanEngine.open(first.world);
    for (const id of ["a", "b", "c"]) await engine.start(oneTask, { by: "anna", id, locks });
    await engine.start(oneTask, { by: "anna", id: "d", locks: ["other"] });
    const { state, waitsFor } = await engine.status("c");
    assert.deepEqual([state, waitsFor], ["queued", { lock: "webapp/production", behind: "a" }]);
    const why = await refusal(engine.ask("b", { kind: "pause" }, "ben"));
    assert.equal(
      why.message,
      "plan b cannot be asked to pause: it has not begun: it waits for its turn",
    );
    first.die();
    const again = await PlanEngine.open(cluster.world);
    await again.ask("b", { kind: "stop", undo: false }, "ben");
    await within(cluster, "c to end", again.over("c"));
    const begun = cluster.executor.deeds.filter(({ kind }) => kind === "begun");
    assert.deepEqual(
      begun.map(({ order }) => order.run),
      ["a", "d", "c"],
    );
    assert.equal((await again.status("b")).outcome, "stopped");
  });

  it("ends a task whose time is over, and one that does not listen is given up", async () => {
    const cluster = makeCluster((id) => ({
      ms: 10 * 60 * second,
      end: { outcome: "done" },
      isDeaf: id === "1.2.1",
    }));
    const engine = await PlanEngine.open(cluster.world);
    const lines = [[{ timeoutMs: second }], [{ timeoutMs: second }]];
    const plan = makePlan([{ concurrency: 2, maxFailures: 2, lines }]);
    const start = cluster.clock.now();
    const id = await engine.start(plan, { by: "anna" });
    await within(cluster, "the end", engine.over(id));
    assert.equal(cluster.clock.now() - start, second + graceMs);
    const { stages } = await engine.status(id);
    assert.deepEqual(
      stages[0]?.tasks.map(({ task, state, reason }) => [task, state, reason]),
      [
        ["1.1.1", "failed", "it took longer than 1 s"],
        ["1.2.1", "failed", "it took longer than 1 s, and it did not end when it was told to"],
      ],
    );
  });

  it("does not try again what would be refused again, and tries what only failed", async () => {
    const cluster = makeCluster(() => ({ ms: second, end: { outcome: "done" } }));
    const codes = ["FILES_REFUSED", "TASK_REFUSED", "BAD_NAME", "TASK_FAILED", "DENIED"] as const;
    const executor: Executor = {
      run: ({ task: { args } }) => {
        const code = codes[Number(args["code"])] ?? "INTERNAL";
        return Promise.reject(new PropagitError(code, "no"));
      },
      recall: () => Promise.resolve("unknown"),
    };
    const engine = await PlanEngine.open({ ...cluster.world, executor });
    const lines = codes.map((_, code) => [{ retryDelaysMs: [second], args: { code } }]);
    const plan = makePlan([{ concurrency: 9, maxFailures: 9, lines }]);
    const id = await engine.start(plan, { by: "anna" });
    await within(cluster, "the end", engine.over(id));
    const { stages } = await engine.status(id);
    const ends = stages[0]?.tasks.map(({ attempt, reason }) => [attempt, reason]);
    const refused = [1, "no; it is not tried again, as that would be refused again"];
    assert.deepEqual(ends, [refused, refused, refused, [2, "no"], [2, "no"]]);
  });

  it("ends what is under way when it is to stop now", async () => {
    const cluster = makeCluster(() => ({ ms: 60 * second, end: { outcome: "done" } }));
    const engine = await PlanEngine.open(cluster.world);
    const id = await engine.start(makePlan([wideStage(3, 3, { concurrency: 2 })]), { by: "anna" });
    await cluster.clock.advance(second);
    const start = cluster.clock.now();
    await engine.ask(id, { kind: "stop", undo: false }, "ben");
    await engine.ask(id, { kind: "stop", undo: false, now: true }, "ben");
    const { outcome, reason, counts } = await within(cluster, "the end", engine.over(id));
    assert.deepEqual([outcome, reason], ["stopped", "stopped by ben"]);
    assert.deepEqual([counts.stopped, counts.neverRun], [2, 1]);
    assert.equal(cluster.clock.now(), start);
  });

  it("tries a run that is over again, with what failed only", async () => {
    const cluster = makeCluster((id, attempt) => {
      const isBad = id === "1.2.1" && attempt === 1;
      return { ms: second, end: { outcome: isBad ? "failed" : "done" } };
    });
    const engine = await PlanEngine.open(cluster.world);
    const plan = makePlan([wideStage(3, 3, { concurrency: 2 })]);
    const id = await engine.start(plan, { by: "anna", locks: ["l"] });
    await within(cluster, "the end", engine.over(id));
    const again = await PlanEngine.open(cluster.world);
    assert.deepEqual(again.list(), engine.list());
    const other = await again.start(oneTask, { by: "anna", locks: ["l"] });
    const taken = await refusal(again.ask(id, { kind: "retry" }, "ben"));
    assert.match(taken.message, new RegExp(`l is taken by plan ${other}`));
    await within(cluster, "the other", again.over(other));
    await again.ask(id, { kind: "retry" }, "ben");
    assert.equal((await within(cluster, "the end", again.over(id))).outcome, "done");
    const begun = cluster.executor.deeds.filter(({ kind, order }) => {
      return kind === "begun" && order.run === id;
    });
    assert.deepEqual(
      begun.map(({ order }) => order.key),
      ["1.1.1/1", "1.2.1/1", "1.3.1/1", "1.2.1/2"].map((key) => `${id}/${key}`),
    );
  });

  it("refuses what is not for that person, and what is not there", async () => {
    const cluster = makeCluster();
    const engine = await PlanEngine.open(cluster.world);
    const gates = [{ kind: "approval", by: ["anna"] }] as const;
    const id = await engine.start(makePlan([{ gates, lines: [] }]), { by: "ben" });
    const denied = await refusal(engine.ask(id, { kind: "approve" }, "ben"));
    assert.equal(denied.code, "DENIED");
    assert.match(denied.message, /for anna to approve, not for ben/);
    assert.match(denied.hint, /^ask one of them to; .*propagit plans status/);
    assert.equal((await refusal(engine.ask("x", { kind: "pause" }, "ben"))).code, "NO_PLAN");
    assert.equal((await refusal(engine.over("x"))).code, "NO_PLAN");
    assert.equal((await refusal(engine.start(oneTask, { by: "b", id }))).code, "EXISTS");
    await engine.ask(id, { kind: "approve" }, "anna");
    assert.equal((await within(cluster, "the end", engine.over(id))).outcome, "done");
    const over = await refusal(engine.ask(id, { kind: "pause" }, "ben"));
    assert.deepEqual(
      [over.code, over.message],
      ["NOT_NOW", `plan ${id} cannot be asked to pause: it is over: done`],
    );
  });

  it("knows runs by the beginning of their ids, if only one begins so", async () => {
    const engine = await PlanEngine.open(makeCluster().world);
    for (const id of ["abc", "abd", "ab"]) await engine.start(oneTask, { by: "anna", id });
    assert.deepEqual([engine.find("abd"), engine.find("ab")], ["abd", "ab"]);
    assert.throws(() => engine.find("a"), { code: "AMBIGUOUS", message: /ab, abd, abc/ });
    assert.throws(() => engine.find("x"), { code: "NO_PLAN" });
  });

  it("keeps the newest runs that are over, and removes the others", async () => {
    const cluster = makeCluster();
    const engine = await PlanEngine.open(cluster.world, { runsKept: 2 });
    for (const id of ["a", "b", "c"]) {
      await engine.start(makePlan([]), { by: "anna", id });
      await within(cluster, "the end", engine.over(id));
    }
    await cluster.clock.advance(second);
    assert.deepEqual(
      (await cluster.journal.list()).map(({ run }) => run),
      ["c", "b"],
    );
    assert.deepEqual(
      engine.list().map(({ run }) => run),
      ["c", "b"],
    );
  });

  it("does not let runs of one task push others out", async () => {
    const cluster = makeCluster();
    const engine = await PlanEngine.open(cluster.world, { runsKept: 2 });
    const large = makePlan([wideStage(3, 3)]);
    const runs = { large1: large, large2: large, s1: oneTask, s2: oneTask, s3: oneTask };
    for (const [id, plan] of Object.entries(runs)) {
      await engine.start(plan, { by: "anna", id });
      await within(cluster, "the end", engine.over(id));
    }
    await cluster.clock.advance(second);
    const kept = ["s3", "s2", "large2", "large1"];
    assert.deepEqual(
      engine.list().map(({ run }) => run),
      kept,
    );
    assert.deepEqual(
      (await cluster.journal.list()).map(({ run }) => run),
      kept,
    );
  });

  it("says which journal it cannot read, and goes on with the others", async () => {
    const cluster = makeCluster();
    await cluster.journal.create("bad", oneTask);
    const wrong: RunEvent = { at: 1, kind: "stage-begun", stage: 7 };
    await cluster.journal.append("bad", [wrong]);
    await cluster.journal.create("good", oneTask);
    await cluster.journal.append("good", [{ at: 1, kind: "run-begun", by: "anna", locks: [] }]);
    const engine = await PlanEngine.open(cluster.world);
    assert.equal((await within(cluster, "the end", engine.over("good"))).outcome, "done");
    assert.equal(engine.list().find(({ run }) => run === "bad")?.state, "unreadable");
  });
});

describe("follow", () => {
  it("tells every event once, in order, from any on, also of a run that is over", async () => {
    const cluster = makeCluster();
    const engine = await PlanEngine.open(cluster.world);
    const id = await engine.start(makePlan([wideStage(5, 5, { concurrency: 2 })]), { by: "anna" });
    const random = simRandom(3);
    const heard: { from: number; events: RunEvent[]; at: number[] }[] = [];
    const listen = async (from: number) => {
      const one = { from, events: [] as RunEvent[], at: [] as number[] };
      heard.push(one);
      const onEvent = (event: RunEvent, index: number) => {
        one.events.push(event);
        one.at.push(index);
      };
      await engine.follow(id, onEvent, from);
    };
    while (engine.list()[0]?.state !== "over") {
      await listen(Math.floor(random.fraction() * 6));
      await cluster.clock.advance(300);
    }
    await listen(2);
    const { events } = await cluster.journal.read(id);
    for (const { from, events: told, at } of heard) {
      assert.deepEqual(told, events.slice(from));
      assert.deepEqual(at, [...events.keys()].slice(from));
    }
    assert.ok(heard.length > 5);
  });

  it("does not hold a plan up by one who cannot listen", async () => {
    const cluster = makeCluster();
    const engine = await PlanEngine.open(cluster.world);
    const id = await engine.start(oneTask, { by: "anna" });
    const told: string[] = [];
    const broken = () => {
      throw new Error("gone");
    };
    await engine.follow(id, broken, 1_000);
    await engine.follow(id, (event) => told.push(short(event)));
    await cluster.clock.advance(0);
    const index = (await cluster.journal.read(id)).events.length;
    await engine.follow(id, broken, index);
    assert.equal((await within(cluster, "the end", engine.over(id))).outcome, "done");
    assert.equal(told.at(-1), "run done");
  });

  it("waits for the journal before a task begins, unless whoever does it remembers it himself", async () => {
    for (const remembers of [false, true]) {
      const cluster = makeCluster();
      const begun: string[] = [];
      const executor: Executor = {
        run: async ({ task }) => {
          begun.push(task.id);
          return { outcome: "done" };
        },
        recall: async () => "not-begun",
        remembers: () => remembers,
      };
      const engine = await PlanEngine.open({ ...cluster.world, executor });
      let writes = 0;
      const until = cluster.clock.now() + 60 * second;
      // The plan is taken, and nothing that happens to it for a minute.
      cluster.journal.isFull = () => ++writes > 1 && cluster.clock.now() < until;
      const plan = makePlan([wideStage(3, 3, { concurrency: 2 })]);
      const starting = engine.start(plan, { by: "anna", id: "run" });
      await cluster.clock.advance(second);
      assert.equal(begun.length > 0, remembers);
      await within(cluster, "its beginning", starting);
      const { outcome, counts } = await within(cluster, "the end", engine.over("run"));
      assert.deepEqual([outcome, counts.done], ["done", counts.tasks]);
      assert.equal(new Set(begun).size, begun.length, "each once");
    }
  });

  it("tells nothing that is not on disk", async () => {
    const cluster = makeCluster();
    const engine = await PlanEngine.open(cluster.world);
    const id = await engine.start(oneTask, { by: "anna" });
    const told: string[] = [];
    await engine.follow(id, (event) => told.push(short(event)));
    await cluster.clock.advance(1);
    cluster.journal.isFull = () => true;
    await cluster.clock.advance(5 * second);
    assert.deepEqual(told, ["run-begun", "stage 1 begins", "begin 1.1.1"]);
    const { suspended } = await engine.status(id);
    assert.match(suspended?.why ?? "", /ENOSPC/);
    const refused = await refusal(engine.ask(id, { kind: "pause" }, "ben"));
    assert.equal(refused.code, "DATA_UNUSABLE");
    cluster.journal.isFull = () => false;
    assert.equal((await within(cluster, "the end", engine.over(id))).outcome, "done");
    assert.equal(told.at(-1), "run done");
  });
});

describe("gates", () => {
  async function gated(views: readonly GateView[], gate: Gate) {
    const cluster = makeCluster();
    const left = [...views];
    let looks = 0;
    const prober = {
      look: async () => {
        looks += 1;
        return left.shift() ?? ({ state: "shut", why: "503" } as const);
      },
    };
    const engine = await PlanEngine.open({ ...cluster.world, prober });
    const start = cluster.clock.now();
    const plan = makePlan([{ gates: [gate], lines: [] }]);
    const id = await engine.start(plan, { by: "anna" });
    const end = await within(cluster, "the end", engine.over(id));
    return { end, looks, ms: cluster.clock.now() - start };
  }

  it("are looked at until they are open", async () => {
    const shut = { state: "shut", why: "503" } as const;
    const { end, looks, ms } = await gated([shut, shut, { state: "open", why: "200" }], probe);
    assert.deepEqual([end.outcome, looks, ms], ["done", 3, 2 * second]);
  });

  it("fail the stage when they never open, or their time is over, saying what was seen", async () => {
    const refused = await gated([{ state: "refused", why: "410" }], probe);
    assert.equal(refused.end.reason, "stage stage 1 failed: 410");
    const late = await gated([], probe);
    assert.match(late.end.reason ?? "", /did not open within 20 s; seen last: 503/);
    assert.equal(late.ms, 20 * second);
  });

  it("of health are open once that has lasted", async () => {
    const health = {
      kind: "health",
      repo: "webapp",
      environment: "production",
      readyPercent: 100,
      forMs: 3 * second,
      everyMs: second,
      timeoutMs: 60 * second,
    } as const;
    const open = { state: "open", why: "all are ready" } as const;
    const shut = { state: "shut", why: "one is not" } as const;
    const views = [open, open, shut, open, open, open, open];
    const { end, looks } = await gated(views, health);
    assert.deepEqual([end.outcome, looks], ["done", 7]);
  });
});
