/**
 * A registry, its owners and its watchers under every fault the simulated network has: messages lost, late,
 * repeated and overtaking, wires that break, hosts cut off, registries and owners killed.
 *
 *     SEED=42 script/test registry/test/sim       replays one run
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { calm, randomBetween, simulate, type Simulation } from "@propagit/runtime";
import { openMemoryStore, type Store } from "@propagit/store";
import { Followed, registryAddress, startClient, startRegistry } from "../support/simulated.js";
import type { RunningClient, RunningRegistry } from "../support/simulated.js";

const seedsDefault = 40;
const ttlMs = 15_000;
/** What happens in one run, and how long the faults last. */
const eventsPerRun = 40;
const eventGapMsMax = 4_000;
/** The longest that a message is on its way: the last renewal may arrive after its sender's death. */
const latestMs = 200;

const seeds =
  process.env["SEED"] === undefined
    ? Array.from({ length: seedsDefault }, (_, index) => index + 1)
    : [Number(process.env["SEED"])];

describe("a registry under faults", () => {
  for (const seed of seeds) {
    const data = seed % 2 === 0 ? "with data" : "without data";
    it(`${data} shows the living and only them once the faults are over (seed ${seed})`, async () => {
      try {
        await new Trial(seed).run();
      } catch (thrown) {
        const replay = `replay with: SEED=${seed} script/test registry/test/sim`;
        throw new Error(`seed ${seed}: ${String(thrown)}; ${replay}`, { cause: thrown });
      }
    });
  }
});

interface Owner extends RunningClient {
  /** Services that it wants registered. */
  readonly services: Set<string>;
}

class Trial {
  readonly #sim: Simulation;
  /** Undefined: every life begins without memory. */
  readonly #store: Store | undefined;
  readonly #owners: Owner[] = [];
  readonly #watchers: { readonly followed: Followed; readonly host: string }[] = [];
  #running: RunningRegistry | undefined;
  #names = 0;
  /** When the owner of a service was killed. */
  readonly #diedAtMs = new Map<string, number>();
  readonly #ghosts: string[] = [];
  /** What was refused although its owner still wanted it. */
  readonly #refused: string[] = [];

  constructor(seed: number) {
    this.#sim = simulate(seed);
    this.#store = seed % 2 === 0 ? openMemoryStore() : undefined;
  }

  async run(): Promise<void> {
    // One client is there before the registry is.
    this.#addOwner();
    for (let index = 0; index < 2; index++) this.#addWatcher();
    await this.#pass(3_000);
    this.#start();
    for (let event = 0; event < eventsPerRun; event++) {
      this.#misbehave();
      this.#happen();
      await this.#pass(this.#upTo(eventGapMsMax));
      this.#checkNoGhosts();
    }
    await this.#calmDown();
    this.#checkTables();
  }

  /** Another mood of the network. */
  #misbehave(): void {
    const share = (max: number) => this.#sim.random.fraction() * max;
    this.#sim.network.faults = {
      delayMsMin: 1,
      delayMsMax: 1 + this.#upTo(latestMs - 1),
      keepsOrder: this.#upTo(3) > 0,
      lost: share(0.02),
      repeated: share(0.1),
      broken: share(0.02),
    };
  }

  #happen(): void {
    const events: readonly (() => void)[] = [
      () => this.#addOwner(),
      () => this.#killOwner(),
      () => this.#register(),
      () => this.#register(),
      () => this.#register(),
      () => this.#free(),
      () => this.#free(),
      () => this.#set(),
      () => this.#cut(),
      () => this.#heal(),
      () => this.#heal(),
      () => this.#kill(),
      () => this.#start(),
      () => this.#start(),
    ];
    events[this.#upTo(events.length - 1)]?.();
  }

  #addOwner(): void {
    const host = `owner-${this.#names++}`;
    const owner = { ...startClient(this.#sim, host), services: new Set<string>() };
    this.#owners.push(owner);
    this.#registerFor(owner);
  }

  #addWatcher(): void {
    const host = `watcher-${this.#watchers.length}`;
    const { client } = startClient(this.#sim, host);
    this.#watchers.push({ followed: new Followed(client), host });
  }

  #killOwner(): void {
    const owner = this.#pick(this.#owners);
    if (!owner || this.#owners.length < 2) return;
    owner.kill();
    this.#owners.splice(this.#owners.indexOf(owner), 1);
    const now = this.#sim.clock.monotonic();
    for (const service of owner.services) this.#diedAtMs.set(service, now);
  }

  #register(): void {
    const owner = this.#pick(this.#owners);
    if (owner) this.#registerFor(owner);
  }

  #registerFor(owner: Owner): void {
    const service = `s${this.#names++}`;
    owner.services.add(service);
    owner.client.register(service, { id: service }).catch((thrown: unknown) => {
      if (owner.services.has(service)) this.#refused.push(`${service}: ${String(thrown)}`);
    });
  }

  #free(): void {
    const owner = this.#pick(this.#owners);
    const service = owner && this.#pick([...owner.services]);
    if (!owner || service === undefined) return;
    owner.services.delete(service);
    void owner.client.free(service);
  }

  #set(): void {
    const owner = this.#pick(this.#owners);
    const service = owner && this.#pick([...owner.services]);
    if (!owner || service === undefined) return;
    owner.client.set(service, { changed: String(this.#names++) }).catch(() => undefined);
  }

  #cut(): void {
    const host = this.#pick([...this.#owners, ...this.#watchers])?.host;
    if (host !== undefined) this.#sim.network.cut(host, registryAddress.host);
  }

  #heal(): void {
    for (const { host } of [...this.#owners, ...this.#watchers]) {
      this.#sim.network.heal(host, registryAddress.host);
    }
  }

  #kill(): void {
    this.#running?.kill();
    this.#running = undefined;
  }

  #start(): void {
    if (this.#running) return;
    this.#running = startRegistry(this.#sim, this.#store && { store: this.#store });
    const bornAtMs = this.#sim.clock.monotonic();
    // A new life never shows somebody who had died before it began.
    this.#running.registry.watch(undefined, (update) => {
      if (update.kind !== "up") return;
      const { service } = update.endpoint;
      const diedAtMs = this.#diedAtMs.get(service);
      if (diedAtMs !== undefined && diedAtMs <= bornAtMs) this.#ghosts.push(service);
    });
  }

  #checkNoGhosts(): void {
    assert.deepEqual(this.#ghosts, [], "services that died before the registry was started");
    if (!this.#running) return;
    const now = this.#sim.clock.monotonic();
    const overdue = this.#table().endpoints.filter(({ service }) => {
      const diedAtMs = this.#diedAtMs.get(service);
      return diedAtMs !== undefined && now - diedAtMs > ttlMs + latestMs;
    });
    assert.deepEqual(overdue, [], "services that died more than a lease time ago");
  }

  async #calmDown(): Promise<void> {
    this.#heal();
    this.#start();
    this.#sim.network.faults = calm;
    // A lease time for the dead; back-off and lost heartbeats for those who come back.
    await this.#pass(ttlMs + 45_000);
  }

  #checkTables(): void {
    assert.deepEqual(this.#refused, [], "what is refused");
    const { settled, endpoints, at } = this.#table();
    const wanted = this.#owners.flatMap(({ services }) => [...services]);
    const shown = endpoints.map(({ service }) => service);
    assert.deepEqual(shown.sort(), wanted.sort(), "the living and only they are shown");
    assert.equal(settled, true);
    for (const { followed, host } of this.#watchers) {
      assert.equal(followed.gap, undefined, `${host} saw every change once and in order`);
      assert.deepEqual(followed.table.at, at, `${host} stands where the registry does`);
      assert.deepEqual(byId(followed.table.endpoints.values()), byId(endpoints), host);
      assert.equal(followed.table.isSettled, true);
    }
  }

  #table() {
    assert.ok(this.#running);
    return this.#running.registry.query();
  }

  async #pass(ms: number): Promise<void> {
    await this.#sim.clock.advance(ms);
  }

  #upTo(max: number): number {
    return randomBetween(this.#sim.random, 0, max);
  }

  #pick<T>(of: readonly T[]): T | undefined {
    return of[this.#upTo(of.length - 1)];
  }
}

function byId<T extends { readonly id: string }>(items: Iterable<T>): T[] {
  return [...items].sort((left, right) => (left.id < right.id ? -1 : 1));
}
