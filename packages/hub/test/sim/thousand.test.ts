/**
 * What a thousand drones cost the hub's processor, without wires: the bounds are wide, and there so that
 * nobody makes a step again that looks at every drone for every drone. The figures are in the test's output.
 */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import {
  PropagitError,
  type CommitHash,
  type InstanceReport,
  type RepoName,
} from "@propagit/protocol";
import { PlanEngine, storeJournal } from "@propagit/plan";
import { simulate, type Conversation, type SimClock } from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { Assignments } from "../../src/assignments.js";
import { changed } from "../../src/core/draft.js";
import type { DeploymentRow, Edit } from "../../src/core/rows.js";
import { Fleet } from "../../src/fleet.js";
import { Ledger } from "../../src/ledger.js";
import { Rollouts } from "../../src/rollouts.js";
import { identityOf } from "../support/sim-hub.js";
import { SimRepositories } from "../support/sim-repositories.js";
import { emptySpecification, service } from "../support/specifications.js";
import { simPlanMeans } from "../support/plan-means.js";

const nothing = Promise.resolve();
const drones = 1_000;
const deployments = 20;
const commit = "74336bc1db98478e02e69f59e7100895be207389" as CommitHash;
const specification = {
  ...emptySpecification,
  services: [
    service("web"),
    service("db", { after: [] }),
    service("job", { instances: { count: 50, per: "total" } }),
  ],
};

/** A wire that takes everything. */
function silentConversation(): Conversation {
  const conversation = {
    isOpen: true,
    remoteHost: "127.0.0.1",
    over: new Promise(() => undefined),
    tell: () => undefined,
    call: () => Promise.reject(new PropagitError("NO_DRONE", "it does not answer")),
    end: () => undefined,
  };
  return conversation as unknown as Conversation;
}

class Thousand {
  readonly conversations = new Map<string, Conversation>();
  readonly clock: SimClock;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly assignments: Assignments;
  readonly rollouts: Rollouts;

  private constructor(
    clock: SimClock,
    ledger: Ledger,
    world: ConstructorParameters<typeof Rollouts>[0],
  ) {
    this.clock = clock;
    this.ledger = ledger;
    this.fleet = new Fleet(world, ledger, { droneTimeoutMs: 30_000 });
    this.assignments = new Assignments(world, ledger, this.fleet);
    const { fleet, assignments } = this;
    const switchboard = { asks: false, seen: () => nothing, applied: () => nothing };
    this.rollouts = new Rollouts(world, ledger, { fleet, assignments, switchboard });
  }

  static async open(): Promise<Thousand> {
    const sim = simulate(1);
    const repositories = new SimRepositories();
    repositories.push("webapp", "main", commit);
    const store = openMemoryStore();
    const own = { store, repositories, settingsKey: "5ec7", plans: simPlanMeans };
    const world = { ...sim.worldOf("hub"), ...own };
    const ledger = await Ledger.open(store, sim.clock);
    const edits = Array.from({ length: deployments }, (_, at): Edit => {
      const row = deploymentRow(at);
      return { table: "deployments", key: row.id, row };
    });
    await ledger.change(() => ({ edits, events: [] }));
    const hub = new Thousand(sim.clock, ledger, world);
    const journal = storeJournal(store);
    const executor = hub.rollouts.tasks;
    const prober = { look: () => Promise.reject(new Error("no plan of a release has gates")) };
    hub.rollouts.resume(await PlanEngine.open({ ...world, journal, executor, prober }));
    return hub;
  }

  /** Lets everything happen that follows by itself. */
  async settle(): Promise<void> {
    await this.ledger.settled();
    await this.clock.advance(200);
    await this.ledger.settled();
  }

  async joinAll(): Promise<void> {
    const names = Array.from({ length: drones }, (_, at) => `web-${at}`);
    const common = { labels: { role: "web" }, host: "10.0.0.1", version: "1.0.0", instances: [] };
    for (const name of names) {
      const conversation = silentConversation();
      this.conversations.set(name, conversation);
      await this.fleet.join({ identity: identityOf(name), name, ...common }, conversation);
      await this.clock.advance(1);
    }
    await this.settle();
  }

  report(name: string, changes: Partial<InstanceReport>): void {
    const conversation = this.conversations.get(name);
    assert.ok(conversation);
    const report: InstanceReport = {
      process: `${name}-${changes.service}`,
      repo: "webapp",
      commit,
      service: "web",
      environment: "production",
      release: 1,
      slot: 1,
      phase: "ready",
      services: [],
      restarts: 0,
      since: this.clock.now(),
      ...changes,
    };
    this.fleet.observe(conversation, report, undefined);
  }
}

function deploymentRow(at: number): DeploymentRow {
  return {
    id: at.toString(16).padStart(16, "0"),
    repo: `app-${at}`,
    environment: "production",
    commit,
    artifact: commit,
    release: 1,
    specification,
    settings: {},
    since: at,
    started: true,
    services: specification.services.map(({ name }) => name),
  };
}

/** Milliseconds of processor time. */
async function cost(t: TestContext, what: string, work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1_000;
  t.diagnostic(`${what}: ${ms.toFixed(0)} ms`);
  return ms;
}

test("a thousand drones join, get a release, and lose one of them", async (t) => {
  const hub = await Thousand.open();
  const joining = await cost(t, "1,000 joins", () => hub.joinAll());
  const changing = await cost(t, "100 changes of a row", async () => {
    for (let at = 0; at < 100; at++) {
      await hub.ledger.change(() => {
        const [key = "", row] = [...hub.ledger.rows("drones")][at] ?? [];
        assert.ok(row);
        const relabelled = { set: { color: "blue" }, unset: [] };
        const edit = { table: "drones", key, row: changed(row, { relabelled }) } as const;
        return { edits: [edit], events: [] };
      });
      await hub.settle();
    }
  });
  const asker = { onPart: () => undefined, signal: new AbortController().signal };
  const result = hub.rollouts.start(
    {
      repo: "webapp" as RepoName,
      environment: "production",
      commit,
      kind: "deploy",
      specification,
      settings: {},
      subject: "one",
      by: "ann",
    },
    asker,
  );
  await hub.settle();
  const [rollout] = [...hub.ledger.rows("rollouts").values()];
  assert.ok(rollout);
  const { deployment } = rollout;
  const releasing = await cost(t, "2,050 instances get ready in turn", async () => {
    for (const name of hub.conversations.keys()) {
      for (const [service, count] of hub.assignments.wantedOf(deployment, identityOf(name))) {
        for (let slot = 1; slot <= count; slot++) {
          hub.report(name, { deployment, service, slot, phase: "starting" });
          hub.report(name, { deployment, service, slot });
          await hub.clock.advance(5);
        }
      }
    }
    await hub.settle();
  });
  assert.equal((await result).outcome, "ready");
  const draining = await cost(t, "1,000 reports while one drains", async () => {
    await hub.ledger.change(() => {
      const [key = "", row] = [...hub.ledger.rows("drones")][0] ?? [];
      assert.ok(row);
      const edit = { table: "drones", key, row: changed(row, { draining: true }) } as const;
      return { edits: [edit], events: [] };
    });
    for (const name of hub.conversations.keys()) {
      hub.report(name, { deployment, service: "web", restarts: 1 });
      await hub.clock.advance(5);
    }
    await hub.settle();
  });
  assert.ok(joining + changing + releasing + draining < 30_000);
});
