/** A hub in the simulator: the real daemon on a store in memory, that can die and come back. */
import {
  PropagitError,
  type Address,
  type MethodName,
  type Params,
  type Result,
  type RolloutProgress,
} from "@propagit/protocol";
import {
  credentialFromSecret,
  dial,
  hangUp,
  sessionPaths,
  simulate,
  type CallOptions,
  type Conversation,
  type Simulation,
} from "@propagit/runtime";
import {
  openMemoryStore,
  type Json,
  type Outcome,
  type Store,
  type Transaction,
  type Write,
} from "@propagit/store";
import { Hub } from "../../src/index.js";
import { simPlanMeans } from "./plan-means.js";
import { SimFiles } from "./sim-files.js";
import { SimDrone, type SimDroneOptions } from "./sim-drone.js";
import { SimRepositories } from "./sim-repositories.js";

// Stretching takes 50 ms of real time, so it is done once for all.
export const credential = credentialFromSecret("beepboop");
export const hubAddress: Address = { host: "hub", port: 6001 };

/** Two commits that begin alike and one that does not. */
export const commits = {
  one: "74336bc1db98478e02e69f59e7100895be207389",
  two: "74336bcf00000000000000000000000000000002",
  three: "3000000000000000000000000000000000000003",
} as const;

export class SimHub {
  readonly sim: Simulation;
  readonly repositories = new SimRepositories();
  readonly files = new SimFiles();
  readonly #store = openMemoryStore();
  #life: { readonly hub: Hub; readonly store: MortalStore; readonly close: () => void } | undefined;

  private constructor(sim: Simulation) {
    this.sim = sim;
    for (const [name, commit] of Object.entries(commits)) {
      this.repositories.push("webapp", name, commit);
    }
  }

  static async start(seed = 1): Promise<SimHub> {
    const hub = new SimHub(simulate(seed));
    await hub.start();
    return hub;
  }

  async start(): Promise<void> {
    const { sim, repositories, files } = this;
    const store = new MortalStore(this.#store);
    const settingsKey = "5".repeat(64);
    const own = sim.worldOf("hub");
    const world = { ...own, store, repositories, files, settingsKey, plans: simPlanMeans };
    const registry = { port: hubAddress.port, open: false };
    const hub = await Hub.open(world, { clusterKey: credential.key, registry });
    const close = sim.network.serve(hubAddress, sessionPaths.hub, (wire) => hub.accept(wire));
    this.#life = { hub, store, close };
  }

  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  /** Keys of the store that begin so. */
  async keys(prefix: string): Promise<readonly string[]> {
    const { entries } = await this.#store.list(prefix);
    return entries.map(({ key }) => key);
  }

  /** Rewrites what is on its disk while it is down; undefined deletes. */
  async rewrite(prefix: string, change: (value: Json) => Json | undefined): Promise<void> {
    const { entries } = await this.#store.list(prefix);
    const writes = entries.map(({ key, value }): Write => {
      const changed = change(value);
      if (changed === undefined) return { kind: "delete", key };
      return { kind: "put", key, value: changed };
    });
    await this.#store.transact({ writes });
  }

  /** As kill -9 does: nothing more is written, nobody is told. */
  kill(): void {
    this.#life?.store.die();
    this.#life?.close();
    this.#life = undefined;
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    await this.#life?.hub.stop();
    this.kill();
  }

  /** Ends it in order, from its `number`th write from now on. */
  stopAtWrite(number: number): void {
    this.#life?.store.fail(number, "after", () => void this.stop());
  }

  /** Kills it at its `number`th write from now, right before or right after that is on disk. */
  killAtWrite(number: number, when: "before" | "after"): void {
    this.#life?.store.fail(number, when, () => this.kill());
  }

  /** Its `number`th write from now is on disk, and said to have failed; `isLast`: so do all others, until `makeRoom`. */
  failAfterWrite(number: number, { isLast = false } = {}): void {
    const store = this.#life?.store;
    store?.fail(number, "after", () => {
      store.isFull = isLast;
      throw new PropagitError("DATA_UNUSABLE", "the disk is full");
    });
  }

  /** Its disk takes nothing any more, from its `number`th write from now on; until `makeRoom`. */
  fillAtWrite(number: number): void {
    const store = this.#life?.store;
    store?.fail(number, "before", () => {
      store.isFull = true;
    });
  }

  makeRoom(): void {
    if (this.#life) this.#life.store.isFull = false;
  }

  drone(name: string, options: Partial<SimDroneOptions> = {}): SimDrone {
    return new SimDrone(this.sim.worldOf(name), {
      hub: hubAddress,
      credential,
      identity: identityOf(name),
      name,
      ...options,
    });
  }

  /** Drones that have heard what to run. */
  async drones(...names: string[]): Promise<SimDrone[]> {
    const drones = names.map((name) => this.drone(name));
    await this.sim.clock.until("drones join", () => drones.every(({ assigned }) => assigned));
    return drones;
  }

  /** Lets time pass until a promise settles. */
  async settle<T>(work: Promise<T>, limitMs = 15 * 60_000): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined);
    await this.sim.clock.until("the work", () => isDone, limitMs);
    return done;
  }

  /** One command, as the command line makes it. */
  call<M extends MethodName>(
    method: M,
    params: Params<M>,
    options: CallOptions<M> = {},
  ): Promise<Result<M>> {
    return this.settle(this.begin(method, params, options));
  }

  /** As `call`, but without letting time pass. */
  async begin<M extends MethodName>(
    method: M,
    params: Params<M>,
    options: CallOptions<M> = {},
  ): Promise<Result<M>> {
    const conversation = await this.dial();
    try {
      return await conversation.call(method, params, { limitMs: 0, ...options });
    } finally {
      void hangUp(conversation);
    }
  }

  dial(host = "laptop"): Promise<Conversation> {
    return dial(this.sim.worldOf(host), {
      address: hubAddress,
      path: sessionPaths.hub,
      role: "cli",
      credential,
      acceptsOpen: false,
    });
  }

  /** A deploy of `webapp` with the lines of its drones, as `drone: phase`. */
  async deploy(
    ref: string,
    more: Partial<Params<"hub.deploy">> = {},
  ): Promise<{ result: Result<"hub.deploy">; lines: string[] }> {
    const lines: string[] = [];
    const onPart = (part: RolloutProgress) => {
      if (part.kind === "drone") lines.push(`${part.drone}: ${part.phase}`);
    };
    const result = await this.call("hub.deploy", { repo: "webapp", ref, ...more }, { onPart });
    return { result, lines };
  }
}

export function identityOf(name: string): string {
  return Buffer.from(name).toString("hex").padEnd(32, "0").slice(0, 32);
}

/** A store as a process sees it: when the process dies, its answers never come. */
class MortalStore implements Store {
  isFull = false;
  readonly #store: Store;
  #isDead = false;
  #fatal: { writesLeft: number; when: "before" | "after"; act: () => void } | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  die(): void {
    this.#isDead = true;
  }

  fail(writesLeft: number, when: "before" | "after", act: () => void): void {
    this.#fatal = { writesLeft, when, act };
  }

  get(key: string) {
    return this.#store.get(key);
  }

  list(prefix: string) {
    return this.#store.list(prefix);
  }

  async transact(transaction: Transaction): Promise<Outcome> {
    const fatal = this.#fatal && --this.#fatal.writesLeft === 0 ? this.#fatal : undefined;
    if (fatal?.when === "before") fatal.act();
    if (this.#isDead) return new Promise<never>(() => undefined);
    if (this.isFull) throw new PropagitError("DATA_UNUSABLE", "the disk is full");
    const outcome = await this.#store.transact(transaction);
    if (fatal?.when === "after") fatal.act();
    // Written, but the writer does not live to hear it.
    return this.#isDead ? new Promise<never>(() => undefined) : outcome;
  }

  watch(options: Parameters<Store["watch"]>[0]) {
    return this.#store.watch(options);
  }

  async close(): Promise<void> {}
}
