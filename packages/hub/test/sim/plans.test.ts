/**
 * Plans in a cluster where everything goes wrong: the hub is killed at any write, drones die with tasks under way,
 * messages are lost and wires break. Whatever happens, stages keep their order, limits hold, every plan ends, and
 * what may run once never runs twice.
 *
 * A failure prints its seed; `SEED=<seed> script/test sim/plans` replays it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toPropagitError, type PlanEvent, type PlanSummary } from "@propagit/protocol";
import { calm, randomBetween, sleep } from "@propagit/runtime";
import { PlanDrone, type PlanDroneDisk } from "../support/plan-drone.js";
import { SimHub } from "../support/sim-hub.js";

const names = ["web-1", "web-2", "web-3"];
const stagesCount = 3;
const perStage = 6;
const seeds = process.env["SEED"]
  ? [Number(process.env["SEED"])]
  : Array.from({ length: 60 }, (_, at) => at + 1);
const again = ["LINK_LOST", "UNREACHABLE", "TIMED_OUT", "BAD_FRAME", "UNPROVEN"];

class Story {
  /** Of each task, how often it was really done. */
  readonly doings = new Map<string, number>();
  readonly hub: SimHub;
  readonly #drones = new Map<string, PlanDrone>();
  readonly #disks = new Map<string, PlanDroneDisk>();

  constructor(hub: SimHub) {
    this.hub = hub;
    for (const name of names) this.#birth(name);
  }

  get areUp(): boolean {
    return [...this.#drones.values()].every(({ isUp }) => isUp);
  }

  /** Breaks something every now and then. */
  async rage(): Promise<void> {
    const { sim } = this.hub;
    const { random, clock, network } = sim;
    network.faults = { ...calm, delayMsMax: 300, lost: 0.005, broken: 0.01 };
    for (let round = 0; round < 8; round++) {
      await sleep(clock, randomBetween(random, 100, 4_000));
      const dice = randomBetween(random, 0, 5);
      if (dice < 2) this.#killHub(dice === 0 ? "before" : "after");
      else if (dice < 4) this.#reborn(names[randomBetween(random, 0, names.length - 1)] ?? "");
      await sleep(clock, randomBetween(random, 100, 2_000));
      if (!this.hub.isAlive) await this.hub.start();
    }
    network.faults = calm;
    // With it goes what it was to die of later.
    this.hub.kill();
    await this.hub.start();
  }

  #killHub(when: "before" | "after"): void {
    this.hub.killAtWrite(randomBetween(this.hub.sim.random, 1, 6), when);
  }

  #reborn(name: string): void {
    this.#drones.get(name)?.die();
    this.#birth(name);
  }

  #birth(name: string): void {
    const disk = this.#disks.get(name) ?? { ends: new Map(), begun: new Set<string>() };
    this.#disks.set(name, disk);
    const drone = new PlanDrone(this.hub, name, {
      disk,
      onDone: ({ key }) => {
        const task = key.split("/")[1] ?? "";
        this.doings.set(task, (this.doings.get(task) ?? 0) + 1);
      },
    });
    this.#drones.set(name, drone);
  }
}

function planText(): string {
  const stages = Array.from({ length: stagesCount }, (_, stage) => ({
    name: `stage ${stage + 1}`,
    concurrency: 3,
    concurrencyPerHost: 2,
    maxFailures: perStage,
    tasks: Array.from({ length: perStage }, (__, at) => ({
      command: "execute",
      run: `step ${stage} ${at}`,
      drone: names[at % names.length],
      once: at % 2 === 0,
    })),
  }));
  return JSON.stringify({ name: "wild", stages });
}

function isOnce(task: string): boolean {
  return Number(task.split(".")[1]) % 2 === 1;
}

/** Until it is begun, as the command line does. */
async function begin(hub: SimHub, id: string): Promise<void> {
  for (;;) {
    try {
      const params = { plan: planText(), file: "the plan", by: "ann", id };
      await hub.begin("hub.plan-start", params, { limitMs: 20_000 });
      return;
    } catch (thrown) {
      const { code } = toPropagitError(thrown);
      if (code === "EXISTS") return;
      if (!again.includes(code)) throw thrown;
      await sleep(hub.sim.clock, 1_000);
    }
  }
}

function check(story: Story, events: readonly PlanEvent[], summary: PlanSummary): void {
  const { counts, outcome } = summary;
  const said = JSON.stringify(summary);
  assert.equal(summary.state, "over", said);
  assert.equal(counts.running + counts.retrying + counts.failed + counts.stopped, 0, said);
  // What nobody can know is for a person to decide.
  assert.equal(outcome, counts.unknown > 0 ? "failed" : "done", said);
  assert.equal(counts.done === counts.tasks, outcome === "done", said);
  let stage = 0;
  const running = new Set<string>();
  for (const event of events) {
    if (event.kind === "stage-begun") {
      assert.equal(running.size, 0, "tasks of the stage before have ended");
      stage = event.stage;
    }
    if (event.kind === "task-begun") {
      assert.equal(Number(event.task.split(".")[0]), stage);
      running.add(event.task);
      assert.ok(running.size <= 3, `${running.size} tasks at once`);
    }
    if (event.kind === "task-ended") {
      running.delete(event.task);
      const doings = story.doings.get(event.task) ?? 0;
      if (isOnce(event.task)) assert.ok(doings <= 1, `${event.task} was done ${doings} times`);
      if (event.outcome === "done") assert.ok(doings >= 1, `${event.task} was never done`);
      if (event.outcome === "unknown") assert.ok(isOnce(event.task));
    }
  }
}

for (const seed of seeds) {
  test(`a plan in a wild cluster, seed ${seed}`, async () => {
    const hub = await SimHub.start(seed);
    const story = new Story(hub);
    await hub.sim.clock.until("drones to join", () => story.areUp);
    const id = hub.sim.random.hex(10);
    const raging = story.rage();
    await hub.settle(begin(hub, id));
    await hub.settle(raging);
    await hub.sim.clock.until("drones to be back", () => story.areUp);
    const events: PlanEvent[] = [];
    const onPart = (part: { index: number; event: PlanEvent }[]) => {
      for (const { index, event } of part) {
        assert.equal(index, events.length);
        events.push(event);
      }
    };
    const summary = await hub.call("hub.plan-follow", { id: id.slice(0, 6), from: 0 }, { onPart });
    check(story, events, summary);
    if (summary.outcome !== "done") {
      const ask = { kind: "retry", force: true } as const;
      await hub.call("hub.plan-ask", { id, ask, by: "ann" });
      const { outcome } = await hub.call("hub.plan-follow", { id, from: events.length });
      assert.equal(outcome, "done");
    }
    const { plans } = await hub.call("hub.plans", {});
    assert.deepEqual(
      plans.map(({ run }) => run),
      [id],
    );
    await hub.stop();
  });
}
