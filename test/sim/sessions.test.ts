/**
 * Sessions under fire: one hub that restarts, one client with a link, a line that is late, loses, repeats,
 * reorders, breaks and goes silent; all by seed. Whatever happens, a call is answered once, with its own
 * answer, or fails with a named error, within its limit; and when the trouble is over, the link is up.
 */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { PropagitError, type ErrorCode } from "@propagit/protocol";
import {
  calm,
  Conversation,
  Link,
  randomBetween,
  sessionPaths,
  simulate,
  sleep,
  type Simulation,
} from "@propagit/runtime";
import { forSeeds } from "./seeds.js";

const hubAddress = { host: "hub", port: 6001 };
const clusterKey = "5ec7".repeat(16);
/** Dice rolled while there is trouble; about a second apart. */
const rolls = 120;
const callLimitMsMax = 20_000;
/** Noticing a dead line (17 s), the longest back-off (10 s), connecting (8 s) and proving (10 s). */
const recoveryMsMax = 45_000;

/** What a call may fail with here; anything else would be a surprise to a user. */
const namedErrors: readonly ErrorCode[] = ["LINK_LOST", "TIMED_OUT", "UNREACHABLE", "BAD_FRAME"];

describe("sessions on a bad line", () => {
  forSeeds(
    "answer every call once or name the reason, and recover",
    { count: 60, file: "sim/sessions" },
    async (seed) => {
      const sim = simulate(seed);
      const hub = new Hub(sim);
      const client = new Client(sim);
      for (let roll = 1; roll <= rolls; roll++) await rollDice(sim, hub, client);
      await endTrouble(sim, hub, client);
      client.call("after", callLimitMsMax);
      await sim.clock.advance(2 * callLimitMsMax + 1_000);
      client.check(hub);
      assert.equal(client.calls.at(-1)?.outcomes[0], "ok", "a call after the trouble");
      await endAll(sim, hub, client);
    },
  );
});

async function rollDice(sim: Simulation, hub: Hub, client: Client): Promise<void> {
  const { random, network } = sim;
  const dice = random.fraction();
  if (dice < 0.5)
    client.call(`call-${client.calls.length}`, randomBetween(random, 500, callLimitMsMax));
  else if (dice < 0.6) network.faults = randomFaults(sim);
  else if (dice < 0.65) network.faults = calm;
  else if (dice < 0.7) network.cut("hub", "laptop");
  else if (dice < 0.8) network.heal("hub", "laptop");
  else if (dice < 0.85) hub.restart();
  else if (dice < 0.88) hub.stop();
  else if (dice < 0.9) network.dropHost("laptop");
  else if (dice < 0.92) sim.clock.jump(randomBetween(random, -86_400_000, 86_400_000));
  await sim.clock.advance(randomBetween(random, 0, 2_000));
}

function randomFaults({ random }: Simulation) {
  return {
    delayMsMin: 1,
    delayMsMax: randomBetween(random, 1, 3_000),
    keepsOrder: random.fraction() < 0.7,
    lost: random.fraction() < 0.5 ? 0 : random.fraction() * 0.1,
    repeated: random.fraction() * 0.3,
    broken: random.fraction() < 0.5 ? 0 : random.fraction() * 0.05,
  };
}

async function endTrouble(sim: Simulation, hub: Hub, { link }: Client): Promise<void> {
  sim.network.faults = calm;
  sim.network.heal("hub", "laptop");
  if (!hub.isServing) hub.restart();
  await sim.clock.advance(recoveryMsMax);
  assert.equal(link.state.kind, "up", "the link after the trouble");
}

/** When both are ended, nothing goes on: no conversation, no timer that comes back. */
async function endAll(sim: Simulation, hub: Hub, { link }: Client): Promise<void> {
  link.stop();
  await sim.clock.advance(60_000);
  assert.equal(hub.open.size, 0, "conversations left at the hub");
  assert.equal(link.state.kind, "stopped");
}

/** Takes introductions and answers calls, slowly; counts both. */
class Hub {
  readonly executions = new Map<string, number>();
  /** Calls from conversations that had not introduced themselves. */
  readonly strangers: string[] = [];
  readonly open = new Set<Conversation>();
  isServing = false;
  readonly #sim: Simulation;
  readonly #introduced = new Set<Conversation>();
  #kill: () => void = () => undefined;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.restart();
  }

  stop(): void {
    this.#kill();
    this.isServing = false;
  }

  restart(): void {
    this.stop();
    this.isServing = true;
    this.#kill = this.#sim.network.serve(hubAddress, sessionPaths.hub, (wire) => {
      const conversation = new Conversation(this.#sim.worldOf("hub"), wire, {
        side: { kind: "server", clusterKey, heartbeatMs: 5_000 },
        handlers: {
          "hub.leave": (_, call) => {
            this.#introduced.add(call.conversation);
            return {};
          },
          "hub.promote": ({ repo }, call) => this.#answer(repo, call.conversation),
        },
      });
      this.open.add(conversation);
      void conversation.over.then(() => this.open.delete(conversation));
    });
  }

  async #answer(repo: string, conversation: Conversation) {
    if (!this.#introduced.has(conversation)) this.strangers.push(repo);
    this.executions.set(repo, (this.executions.get(repo) ?? 0) + 1);
    await sleep(this.#sim.clock, randomBetween(this.#sim.random, 0, 3_000));
    return { repo, shares: [] };
  }
}

interface Call {
  readonly name: string;
  readonly limitMs: number;
  readonly startedAt: number;
  /** How it went, each time it was settled: once. */
  readonly outcomes: string[];
  settledAt: number;
}

/** Calls under names of their own and notes how each one went. */
class Client {
  readonly calls: Call[] = [];
  readonly link: Link;
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.link = new Link(sim.worldOf("laptop"), {
      address: hubAddress,
      path: sessionPaths.hub,
      role: "drone",
      credential: { id: "cluster", key: clusterKey },
      acceptsOpen: false,
      introduce: async (conversation) => {
        await conversation.call("hub.leave", {});
      },
    });
  }

  call(name: string, limitMs: number): void {
    const startedAt = this.#sim.clock.monotonic();
    const call: Call = { name, limitMs, startedAt, outcomes: [], settledAt: Infinity };
    this.calls.push(call);
    const settle = (outcome: string) => {
      call.outcomes.push(outcome);
      call.settledAt = this.#sim.clock.monotonic();
    };
    this.link.call("hub.promote", { repo: name, ref: "main" }, { limitMs }).then(
      ({ repo }) => settle(repo === name ? "ok" : `the answer of ${repo}`),
      (error: unknown) => settle(error instanceof PropagitError ? error.code : String(error)),
    );
  }

  check(hub: Hub): void {
    assert.deepEqual(hub.strangers, [], "calls before the introduction");
    for (const { name, limitMs, startedAt, outcomes, settledAt } of this.calls) {
      const [outcome = "never settled"] = outcomes;
      assert.equal(outcomes.length, 1, `${name}: ${outcomes.join(", ") || outcome}`);
      assert.ok(["ok", ...namedErrors].includes(outcome), `${name}: ${outcome}`);
      // Waiting for the link and for the answer are bounded by the limit, each.
      assert.ok(settledAt - startedAt <= 2 * limitMs, `${name} took ${settledAt - startedAt} ms`);
      const executions = hub.executions.get(name) ?? 0;
      assert.ok(executions <= 1, `${name} was carried out ${executions} times`);
      if (outcome === "ok") assert.equal(executions, 1, `${name} was answered`);
    }
  }
}
