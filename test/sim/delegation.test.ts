/**
 * Parts of plans on relays, in a cluster where everything goes wrong: processes are killed at any write, lines are cut
 * both ways, messages are late, doubled and lost, and people pause, resume and stop. Whatever happens, relays keep
 * limits and order, nothing begins once a stop was heard, what may be done once is never done twice, every plan ends,
 * and the hub has heard all that happened, once and in order. Each seed takes a fifth of a second; `SEEDS=1000` looks
 * longer.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toPropagitError, type PlanAsk, type PlanSummary } from "@propagit/protocol";
import { runOfPart } from "@propagit/plan";
import { calm, randomBetween, sleep } from "@propagit/runtime";
import { DelegatedCluster, drones, relays, type HostName } from "./delegated-cluster.js";
import { checkDeeds, checkHeard, checkOutcome, type Parts } from "./delegation-checks.js";
import { forSeeds } from "./seeds.js";
import type { Deed } from "./sim-machine.js";

const file = "sim/delegation";
const id = "0123456789";
const parts: Parts = { head: runOfPart(id, "1.1.2"), deep: "" };
const whole: Parts = { ...parts, deep: runOfPart(parts.head, "2.1.2") };
const again = new Set([
  "LINK_LOST",
  "UNREACHABLE",
  "TIMED_OUT",
  "BAD_FRAME",
  "UNPROVEN",
  "NO_PLAN",
]);
const hosts: readonly (HostName | "hub")[] = ["hub", ...relays, ...drones];

/** Every other task may be done once. */
const tasksOn = (names: readonly string[], count: number) =>
  Array.from({ length: count }, (_, at) => ({
    command: "execute",
    run: `step ${at}`,
    drone: names[at % names.length],
    once: at % 2 === 0,
  }));

const planText = JSON.stringify({
  name: "wild",
  stages: [
    {
      name: "hand on",
      maxFailures: 10,
      tasks: [
        [
          { command: "execute", run: "before", drone: "head" },
          {
            command: "delegate",
            drone: "head",
            plan: {
              name: "part of head",
              stages: [
                {
                  name: "first",
                  concurrency: 3,
                  concurrencyPerHost: 2,
                  maxFailures: 100,
                  onFailure: "continue",
                  tasks: tasksOn(["near-1", "near-2", "head"], 8),
                },
                {
                  name: "second",
                  after: "5s",
                  maxFailures: 100,
                  onFailure: "continue",
                  tasks: [
                    [
                      { command: "execute", run: "before", drone: "deep" },
                      {
                        command: "delegate",
                        drone: "deep",
                        plan: {
                          name: "part of deep",
                          stages: [
                            {
                              name: "far",
                              concurrency: 2,
                              concurrencyPerHost: 1,
                              maxFailures: 100,
                              onFailure: "continue",
                              tasks: tasksOn(["far-1", "far-2"], 8),
                            },
                          ],
                        },
                      },
                    ],
                    ...tasksOn(["near-1", "near-2"], 4),
                  ],
                },
              ],
            },
          },
        ],
      ],
    },
  ],
});

class Story {
  readonly cluster: DelegatedCluster;
  /** How it was asked to stop. */
  stopped = false;

  constructor(cluster: DelegatedCluster) {
    this.cluster = cluster;
  }

  async begin(): Promise<void> {
    await this.#untilHeard(() =>
      this.cluster.call("hub.plan-start", { plan: planText, file: "the plan", by: "ann", id }),
    );
  }

  /** Until the hub has taken it, as a person would. */
  async ask(ask: PlanAsk): Promise<void> {
    await this.#untilHeard(() => this.cluster.call("hub.plan-ask", { id, ask, by: "ben" }));
  }

  /** Breaks something every now and then. */
  async rage(rounds: number): Promise<void> {
    const { random, clock, network } = this.cluster.sim;
    network.faults = { ...calm, delayMsMax: 300, lost: 0.005, repeated: 0.01, broken: 0.005 };
    for (let round = 0; round < rounds; round++) {
      await sleep(clock, randomBetween(random, 100, 5_000));
      if (random.fraction() < 0.6) this.#killOne();
      else this.#cutOne();
    }
    await sleep(clock, randomBetween(random, 100, 20_000));
    network.faults = calm;
    for (const one of hosts) for (const other of hosts) network.heal(one, other);
    // With them goes what they were to die of later.
    for (const host of hosts) {
      this.cluster.kill(host);
      await this.#revive(host);
    }
  }

  async askByChance(): Promise<void> {
    const { random, clock } = this.cluster.sim;
    for (let count = randomBetween(random, 0, 3); count > 0; count--) {
      await sleep(clock, randomBetween(random, 1, 25_000));
      const kind = (["pause", "stop", "skip-wait"] as const)[randomBetween(random, 0, 2)];
      if (kind === undefined) continue;
      if (kind === "stop") this.stopped = true;
      await this.ask(kind === "stop" ? stopByChance(random.fraction()) : { kind });
      if (kind !== "pause") continue;
      await sleep(clock, randomBetween(random, 1, 30_000));
      await this.ask({ kind: "resume" });
    }
  }

  async over(): Promise<PlanSummary> {
    for (;;) {
      try {
        return await this.cluster.call("hub.plan-follow", { id, from: 0 }, { limitMs: 0 });
      } catch (thrown) {
        if (!again.has(toPropagitError(thrown).code)) throw thrown;
        await sleep(this.cluster.sim.clock, 1_000);
      }
    }
  }

  /** Lets time pass until a promise settles. */
  async settle<T>(what: string, work: Promise<T>, limitMs = 2 * 60 * 60_000): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined);
    await this.cluster.sim.clock.until(what, () => isDone, limitMs);
    return done;
  }

  #killOne(): void {
    const { random, clock } = this.cluster.sim;
    const host = hosts[randomBetween(random, 0, hosts.length - 1)] ?? "hub";
    const dies = () => {
      this.cluster.kill(host);
      clock.after(randomBetween(random, 100, 15_000), () => void this.#revive(host));
    };
    const when = random.fraction() < 0.5 ? "before" : "after";
    if (random.fraction() < 0.3) dies();
    else this.cluster.lifeOf(host)?.endAtWrite(randomBetween(random, 1, 5), when, dies);
  }

  async #revive(host: HostName | "hub"): Promise<void> {
    if (this.cluster.isAlive(host)) return;
    if (host === "hub") await this.cluster.startHub();
    else this.cluster.startHost(host);
  }

  /** The hub from all, or two hosts from each other; for a while. */
  #cutOne(): void {
    const { random, clock, network } = this.cluster.sim;
    const pairs: (readonly [string, string])[] =
      random.fraction() < 0.5
        ? [...relays, ...drones].map((host) => ["hub", host] as const)
        : [[random.fraction() < 0.5 ? "head" : "deep", hosts[randomBetween(random, 1, 6)] ?? ""]];
    for (const [one, other] of pairs) network.cut(one, other);
    clock.after(randomBetween(random, 1_000, 60_000), () => {
      for (const [one, other] of pairs) network.heal(one, other);
    });
  }

  async #untilHeard(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (thrown) {
        const { code } = toPropagitError(thrown);
        if (code === "EXISTS" || code === "NOT_NOW") return;
        if (!again.has(code)) throw thrown;
        await sleep(this.cluster.sim.clock, 1_000);
      }
    }
  }
}

function stopByChance(fraction: number): PlanAsk {
  return { kind: "stop", undo: false, now: fraction < 0.5 };
}

describe("parts of plans on relays", () => {
  it("hear each change on one line", async () => {
    const cluster = await DelegatedCluster.start(1);
    const { clock } = cluster.sim;
    const story = new Story(cluster);
    await story.settle("the plan to begin", story.begin());
    await clock.until("the part to be under way", () => cluster.deeds.some(isOfHead));
    for (let times = 0; times < 2; times++) {
      await story.settle("the pause", story.ask({ kind: "pause" }));
      // What was under way when it was heard ends.
      await clock.advance(10_000);
      const before = cluster.deeds.length;
      await clock.advance(60_000);
      assert.equal(cluster.deeds.length, before, "something begins while it is paused");
      await story.settle("the resume", story.ask({ kind: "resume" }));
      await clock.until("it goes on", () => cluster.deeds.length > before);
    }
    const summary = await story.settle("the plan to be over", story.over());
    assert.equal(summary.outcome, "done", JSON.stringify(summary));
  });

  forSeeds("are carried out, whatever breaks", { count: 30, file }, (seed) =>
    tell(seed, { asks: false }),
  );

  forSeeds("hear what is asked, whatever breaks", { count: 50, file }, (seed) =>
    tell(seed, { asks: true }),
  );
});

async function tell(seed: number, { asks }: { readonly asks: boolean }): Promise<void> {
  const cluster = await DelegatedCluster.start(seed);
  const story = new Story(cluster);
  await story.settle("the plan to begin", story.begin());
  const raging = story.rage(randomBetween(cluster.sim.random, 1, 8));
  const asking = asks ? story.askByChance() : Promise.resolve();
  await story.settle("the storm", raging);
  await story.settle("the asks", asking);
  await cluster.sim.clock.until("all are back", () => cluster.areUp);
  const summary = await story.settle("the plan to be over", story.over());
  checkOutcome(summary, story.stopped);
  checkDeeds(cluster.deeds, whole);
  const said = `the plan ended: ${JSON.stringify(await story.settle("its status", status(cluster)))}`;
  await checkHeard(cluster, whole, said);
}

function isOfHead({ key }: Deed): boolean {
  return key.startsWith(`${parts.head}/`);
}

/** For whoever reads a failure. */
async function status(cluster: DelegatedCluster) {
  const { stages } = await cluster.call("hub.plan-status", { id, tasks: "all" });
  return stages.flatMap(({ tasks }) =>
    tasks.map(({ task, state, reason }) => [task, state, reason]),
  );
}
