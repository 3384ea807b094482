/** Plans of a hub, in virtual time: what is refused, gates, drones that are away, what can be asked. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DroneCommandEnd, Params, PlanEvent } from "@propagit/protocol";
import { planHash, readPlan, toolBox } from "@propagit/plan";
import { PlanDrone, type PlanDroneDisk } from "./support/plan-drone.js";
import { SimHub } from "./support/sim-hub.js";

const touch = { command: "execute", run: "true", drone: "web-1" };
const done: DroneCommandEnd = { outcome: "done", lastLines: [], exit: 0 };

class Bench {
  readonly done: Params<"drone.command">[] = [];
  readonly hub: SimHub;
  readonly #disk: PlanDroneDisk = { ends: new Map(), begun: new Set() };
  ends: (params: Params<"drone.command">) => DroneCommandEnd = () => done;

  private constructor(hub: SimHub) {
    this.hub = hub;
  }

  static async start(): Promise<Bench> {
    const bench = new Bench(await SimHub.start());
    await bench.drone();
    return bench;
  }

  async drone(name = "web-1"): Promise<PlanDrone> {
    const drone = new PlanDrone(this.hub, name, {
      disk: this.#disk,
      onDone: (params) => this.done.push(params),
      endOf: (params) => this.ends(params),
    });
    await this.hub.sim.clock.until("the drone to join", () => drone.isUp);
    return drone;
  }

  begin(
    stages: readonly object[],
    more: Partial<Params<"hub.plan-start">> = {},
  ): Promise<{ id: string; hash: string }> {
    const plan = JSON.stringify({ name: "p", stages });
    return this.hub.call("hub.plan-start", { plan, file: "plan.json", by: "ann", ...more });
  }

  async follow(id: string) {
    const events: PlanEvent[] = [];
    const onPart = (part: { event: PlanEvent }[]) =>
      void events.push(...part.map(({ event }) => event));
    const summary = await this.hub.call("hub.plan-follow", { id, from: 0 }, { onPart });
    return { summary, events };
  }

  async status(id: string) {
    return this.hub.call("hub.plan-status", { id });
  }

  ask(id: string, ask: Params<"hub.plan-ask">["ask"], by = "ann") {
    return this.hub.call("hub.plan-ask", { id, ask, by });
  }
}

const stage = (tasks: readonly object[], more: object = {}) => ({ name: "s", tasks, ...more });

describe("plans of a hub", () => {
  it("are begun once for an id, and only as they were looked at", async () => {
    const bench = await Bench.start();
    const id = "a".repeat(10);
    const { hash } = await bench.begin([stage([touch])], { id });
    const text = JSON.stringify({ name: "p", stages: [stage([touch])] });
    assert.equal(hash, planHash(readPlan({ file: "plan.json", text }, toolBox)));
    await assert.rejects(bench.begin([stage([touch])], { id }), { code: "EXISTS" });
    const other = bench.begin([stage([touch, { ...touch, run: "false" }])], { hash });
    await assert.rejects(other, { code: "CHANGED_MEANWHILE" });
    const { summary } = await bench.follow("aaa");
    assert.equal(summary.outcome, "done");
    assert.equal(bench.done.length, 1);
    const told = await bench.hub.call("hub.plan-text", { id: "a" });
    assert.equal(told.hash, hash);
    const again = readPlan({ file: "plan.json", text: told.text }, toolBox);
    assert.equal(planHash(again), hash);
  });

  it("are refused with the places of all that is wrong", async () => {
    const bench = await Bench.start();
    const wrong = [
      { ...touch, command: "tuch" },
      { ...touch, timeout: "soon" },
    ];
    await assert.rejects(bench.begin([stage(wrong)]), (error: Error) => {
      assert.match(error.message, /plan\.json:1:\d+: .*tuch[\s\S]*plan\.json:1:\d+: .*timeout/);
      return true;
    });
    await assert.rejects(bench.begin([stage([{ ...touch, drone: "web-2" }])]), {
      code: "BAD_PLAN",
      message: "plan.json: task 1.1.1 (execute): there is no drone web-2; did you mean `web-1`?",
    });
    const code = { repo: "webapp", commit: "7".repeat(40) };
    const greet = { command: "greet", drone: "web-1" };
    const plan = JSON.stringify({ name: "p", code, stages: [stage([greet])] });
    const own = bench.hub.call("hub.plan-start", { plan, file: "plan.json", by: "ann" });
    await assert.rejects(own, { code: "NO_COMMIT" });
    assert.deepEqual((await bench.hub.call("hub.plans", {})).plans, []);
    await assert.rejects(bench.status("a"), { code: "NO_PLAN" });
  });

  it("wait for a drone that is away as long as the task may take, and say so", async () => {
    const bench = await Bench.start();
    const drone = await bench.drone("web-2");
    drone.die();
    const there = await bench.begin([stage([{ ...touch, drone: "web-2", timeout: "10m" }])]);
    await bench.hub.sim.clock.advance(60_000);
    const { stages } = await bench.status(there.id);
    assert.deepEqual(stages[0]?.tasks[0]?.lastLines, ["drone web-2 is away, and waited for"]);
    const back = await bench.drone("web-2");
    assert.equal((await bench.follow(there.id)).summary.outcome, "done");
    back.die();
    const late = await bench.begin([stage([{ ...touch, drone: "web-2", timeout: "1m" }])]);
    const { summary, events } = await bench.follow(late.id);
    assert.equal(summary.outcome, "failed");
    const end = events.find(({ kind }) => kind === "task-ended");
    assert.match(JSON.stringify(end), /drone web-2 is away/);
  });

  it("go one after the other when they need the same lock", async () => {
    const bench = await Bench.start();
    const locks = ["webapp/production"];
    const first = await bench.begin([stage([touch], { gate: { approval: true } })], { locks });
    const second = await bench.begin([stage([touch])], { locks });
    const waiting = await bench.status(second.id);
    assert.deepEqual(waiting.plan.waitsFor, { lock: locks[0], behind: first.id });
    await bench.ask(first.id, { kind: "approve" });
    assert.equal((await bench.follow(second.id)).summary.outcome, "done");
    await assert.rejects(bench.ask(second.id, { kind: "pause" }), { code: "NOT_NOW" });
    const { events } = await bench.hub.call("hub.events", { last: 20, follow: false });
    const said = events.filter(({ kind }) => kind.startsWith("plan-")).map(({ kind }) => kind);
    assert.deepEqual(said, ["plan-began", "plan-began", "plan-asked", "plan-ended", "plan-ended"]);
  });

  it("look at gates by commands on drones, with their exit codes", async () => {
    const bench = await Bench.start();
    let looks = 0;
    bench.ends = ({ look }) =>
      look && ++looks < 3 ? { outcome: "failed", reason: "no", lastLines: [], exit: 1 } : done;
    const gate = { command: { ...touch, run: "check" }, every: "10s", timeout: "5m" };
    const { id } = await bench.begin([stage([touch], { gate })]);
    const { summary } = await bench.follow(id);
    assert.equal(summary.outcome, "done");
    assert.deepEqual(
      bench.done.map(({ look = false }) => look),
      [true, true, true, false],
    );
  });

  it("keep a gate shut while nobody can say how its command ends, whatever code it waits for", async () => {
    const bench = await Bench.start();
    const away = await bench.drone("web-2");
    away.die();
    for (const exit of [0, 1]) {
      const command = { ...touch, run: `check ${exit}`, drone: "web-2", timeout: "10s" };
      const gate = { command, exit, every: "1s", timeout: "1m" };
      const { id } = await bench.begin([stage([touch], { gate })]);
      const { summary } = await bench.follow(id);
      assert.equal(summary.outcome, "failed");
    }
    assert.deepEqual(bench.done, []);
  });

  it("look at gates by what the hub knows of releases and visitors", async () => {
    const bench = await Bench.start();
    const { hub } = bench;
    const nobody = { errors: "webapp", max: "1%", over: "1m", every: "10s", timeout: "3m" };
    const errors = await bench.begin([stage([touch], { gate: nobody })]);
    const refused = await bench.follow(errors.id);
    assert.equal(refused.summary.outcome, "failed");
    assert.match(refused.summary.reason ?? "", /webapp had no visitors/);
    const gate = { health: "webapp", ready: "100%", for: "5s", every: "1s", timeout: "10m" };
    const { id } = await bench.begin([stage([touch], { gate })]);
    await hub.sim.clock.advance(5_000);
    const seen = async () => (await bench.status(id)).stages[0]?.waits?.seen;
    assert.equal(await seen(), "nothing of webapp is live");
    await hub.drones("runner");
    await hub.deploy("one");
    const { summary, events } = await bench.follow(id);
    assert.equal(summary.outcome, "done");
    assert.match(JSON.stringify(events), /1 of 1 instances of webapp are ready/);
    const canary = { canary: "webapp", every: "1s", timeout: "1m" };
    const waits = await bench.begin([stage([touch], { gate: canary })]);
    const { summary: none } = await bench.follow(waits.id);
    assert.match(none.reason ?? "", /no release that gets visitors step by step/);
  });

  it("are refused when they name what the hub does not know, before anything begins", async () => {
    const bench = await Bench.start();
    await bench.hub.drones("runner");
    await bench.hub.deploy("one");
    const commit = "f".repeat(40);
    const tasks = [
      touch,
      { command: "drain", drone: "web-1", repo: "webap" },
      { command: "distribute", drone: "web-1", repo: "nope", commit },
      { command: "distribute", drone: "web-1", repo: "webapp", commit },
    ];
    const gate = { health: "webapp", environment: "prod" };
    await assert.rejects(bench.begin([stage([touch]), { ...stage(tasks, { gate }), name: "t" }]), {
      code: "BAD_PLAN",
      message: [
        'plan.json: task 2.2.1 (drain): the hub has no repository "webap"; did you mean `webapp`?',
        'plan.json: stage 2 (t): gate 1: nothing of webapp was ever released to "prod", but to production',
        'plan.json: task 2.3.1 (distribute): the hub has no repository "nope"',
        `plan.json: task 2.4.1 (distribute): webapp has no "${commit}"`,
      ].join("\n"),
    });
    assert.deepEqual(bench.done, []);
    const { plans } = await bench.hub.call("hub.plans", {});
    assert.deepEqual(
      plans.map(({ name }) => name),
      ["deploy webapp 74336bc to production"],
    );
  });

  it("are told to have ended exactly once, wherever the hub dies", async () => {
    let died = 0;
    for (let write = 1; write <= 12; write++) {
      for (const when of ["before", "after"] as const) {
        const bench = await Bench.start();
        const id = "a".repeat(10);
        await bench.begin([stage([touch], { gate: { approval: true } })], { id });
        bench.hub.killAtWrite(write, when);
        void bench.ask(id, { kind: "approve" }).catch(() => undefined);
        await bench.hub.sim.clock.advance(60_000);
        if (!bench.hub.isAlive) {
          died += 1;
          await bench.hub.start();
          await bench.drone();
          const { plan } = await bench.status(id);
          if (plan.state !== "over" && plan.counts.done === 0) {
            await bench.ask(id, { kind: "approve" }).catch(() => undefined);
          }
        }
        await bench.follow(id);
        // A next life looks at all that is over, and finds it told.
        await bench.hub.stop();
        await bench.hub.start();
        const { events } = await bench.hub.call("hub.events", { last: 50, follow: false });
        const ends = events.filter(({ kind }) => kind === "plan-ended");
        assert.equal(ends.length, 1, `${when} write ${write}`);
        await bench.hub.stop();
      }
    }
    assert.ok(died > 8, `the hub died ${died} times`);
  });
});
