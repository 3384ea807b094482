/**
 * Plans by chance, machines by chance, engines that die: thousands of times. `SEED=n` replays one, `SEEDS=n`
 * says how many.
 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { randomBetween, simRandom, type Random } from "@propagit/runtime";
import { announce } from "../src/core/announce.js";
import { refusalOf } from "../src/core/asks.js";
import { Run } from "../src/core/run.js";
import type { MortalOptions } from "../src/simulated/mortal-world.js";
import { checkRun } from "./support/check-run.js";
import { planByChance } from "./support/plans.js";
import { goodMachines, machinesByChance, SimCluster, startMs } from "./support/sim-cluster.js";

const one = process.env["SEED"];
const seedsWanted = Number(process.env["SEEDS"] ?? 2_000);

it("keeps limits and order, loses nothing and does nothing twice, with engines that die", async (t) => {
  let deathsSeen = 0;
  await forSeeds(seedsWanted, async (seed) => {
    const random = simRandom(seed);
    const plan = planByChance(random);
    const cluster = new SimCluster(seed, machinesByChance(seed));
    const deaths = Array.from({ length: randomBetween(random, 0, 4) }, (): MortalOptions => {
      return {
        writes: randomBetween(random, 1, 12),
        dies: random.fraction() < 0.5 ? "before" : "after",
      };
    });
    deathsSeen += deaths.length;
    const events = await cluster.carryOut(plan, deaths);
    checkRun(plan, events, cluster.executor.deeds);
  });
  t.diagnostic(`${deathsSeen} deaths`);
});

it("keeps all that with people who pause, resume, stop, skip waits and try again", async (t) => {
  const outcomes = new Map<string, number>();
  await forSeeds(seedsWanted, async (seed) => {
    const random = simRandom(seed);
    const plan = planByChance(random);
    const cluster = new SimCluster(seed, machinesByChance(seed));
    for (let count = randomBetween(random, 1, 4); count > 0; count--) askByChance(cluster, random);
    const deaths = [{ writes: randomBetween(random, 1, 20) }];
    const events = await cluster.carryOut(plan, deaths);
    checkRun(plan, events, cluster.executor.deeds);
    const last = events.at(-1);
    const outcome = last?.kind === "run-ended" ? last.outcome : "none";
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  });
  t.diagnostic(JSON.stringify(Object.fromEntries(outcomes)));
});

it("goes on from a death before and after every single event", async (t) => {
  let deaths = 0;
  await forSeeds(Math.ceil(seedsWanted / 20), async (seed) => {
    const plan = planByChance(simRandom(seed));
    const whole = new SimCluster(seed, machinesByChance(seed));
    const { length } = await whole.carryOut(plan, [], { batchEventsMax: 1 });
    for (let writes = 1; writes <= length + 2; writes++) {
      for (const dies of ["before", "after"] as const) {
        const cluster = new SimCluster(seed, machinesByChance(seed));
        const events = await cluster.carryOut(plan, [{ writes, dies }], { batchEventsMax: 1 });
        checkRun(plan, events, cluster.executor.deeds);
        deaths += 1;
      }
    }
  });
  t.diagnostic(`${deaths} deaths, each at another event`);
});

it("waits when its journal cannot be written, and goes on as if nothing had been", async () => {
  await forSeeds(Math.ceil(seedsWanted / 4), async (seed) => {
    const random = simRandom(seed);
    const plan = planByChance(random);
    const cluster = new SimCluster(seed, machinesByChance(seed));
    let left = 0;
    cluster.journal.isFull = () => {
      if (left > 0) left -= 1;
      else if (random.fraction() < 0.1) left = randomBetween(random, 1, 5);
      return left > 0;
    };
    const ended = cluster.carryOut(plan, [{}, {}, {}]);
    checkRun(plan, await ended, cluster.executor.deeds);
  });
});

it("does what was announced, event by event", async () => {
  await forSeeds(seedsWanted, async (seed) => {
    const plan = planByChance(simRandom(seed), { calm: true });
    const machines = goodMachines(seed);
    const announced = announce(plan, {
      at: startMs,
      by: "anna",
      expect: (task) => {
        const { ms, end } = machines(task);
        return { ms, outcome: end.outcome === "unchanged" ? "unchanged" : "done" };
      },
    });
    const cluster = new SimCluster(seed, machines);
    assert.deepEqual(await cluster.carryOut(plan), announced.events);
    checkRun(plan, announced.events, cluster.executor.deeds);
  });
});

it("takes back, when it is asked, what a run did that is over, and tries again what is left", async (t) => {
  const ends = new Map<string, number>();
  await forSeeds(seedsWanted, async (seed) => {
    const random = simRandom(seed);
    const plan = planByChance(random);
    const cluster = new SimCluster(seed, machinesByChance(seed));
    if (random.fraction() < 0.5) {
      cluster.askLater(randomBetween(random, 1, 12_000), { kind: "stop", undo: false, now: true });
    }
    let events = await cluster.carryOut(plan);
    const undo = { kind: "stop", undo: true } as const;
    const retry = { kind: "retry" } as const;
    const again: number[] = [];
    for (const ask of random.fraction() < 0.3 ? [retry, undo] : [undo, retry]) {
      const before = new Run(plan, events);
      if (refusalOf(before, ask, "ben")) continue;
      const deaths = Array.from({ length: randomBetween(random, 0, 3) }, (): MortalOptions => {
        const dies = random.fraction() < 0.5 ? "before" : "after";
        return { writes: randomBetween(random, 1, 6), dies };
      });
      again.push(cluster.executor.deeds.length);
      events = await cluster.askOver(ask, deaths);
      checkRun(plan, events, cluster.executor.deeds, again);
      const { outcome, rollback } = new Run(plan, events);
      if (ask === undo) assert.ok(rollback !== undefined && outcome !== "done");
      const word = `${ask.kind} of ${before.outcome}: ${outcome}`;
      ends.set(word, (ends.get(word) ?? 0) + 1);
    }
  });
  t.diagnostic(JSON.stringify(Object.fromEntries(ends)));
});

function askByChance(cluster: SimCluster, random: Random): void {
  const afterMs = randomBetween(random, 1, 12_000);
  const kinds = ["pause", "stop", "skip-wait", "retry"] as const;
  const kind = kinds[randomBetween(random, 0, 3)] ?? "pause";
  const flags = { undo: random.fraction() < 0.5, now: random.fraction() < 0.5 };
  cluster.askLater(afterMs, kind === "stop" ? { kind, ...flags } : { kind });
  // Else it would be paused for ever; again, as a death may come between.
  for (const laterMs of [3_000, 30_000, 300_000]) {
    cluster.askLater(afterMs + laterMs, { kind: "resume" });
  }
}

async function forSeeds(count: number, check: (seed: number) => Promise<void>): Promise<void> {
  const seeds =
    one === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(one)];
  for (const seed of seeds) {
    try {
      await check(seed);
    } catch (thrown) {
      const replay = `SEED=${seed} node --test ${import.meta.filename}`;
      throw new Error(`${replay}: ${String(thrown)}`, { cause: thrown });
    }
  }
}
