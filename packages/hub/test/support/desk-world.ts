/**
 * Desks in the simulator: a ledger and a fleet of the hub, drones that answer as the test says, and callers,
 * each at the other end of a real conversation.
 */
import type { InstanceReport, MethodName, Params, Result } from "@propagit/protocol";
import {
  Conversation,
  credentialFromSecret,
  dial,
  Link,
  sessionPaths,
  simulate,
  type CallOptions,
  type Handlers,
  type Simulation,
  type TellingHandlers,
} from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import type { Edit, ReleaseRow } from "../../src/core/rows.js";
import { DroneDesk } from "../../src/drone-desk.js";
import { Fleet } from "../../src/fleet.js";
import { InstanceDesk } from "../../src/instance-desk.js";
import { Ledger } from "../../src/ledger.js";
import { LogDesk } from "../../src/log-desk.js";
import { RunDesk } from "../../src/run-desk.js";
import type { HubWorld } from "../../src/world.js";
import { SimRepositories } from "./sim-repositories.js";
import { simPlanMeans } from "./plan-means.js";

const credential = credentialFromSecret("beepboop");
const address = { host: "hub", port: 6001 };

export const commit = "74336bc1db98478e02e69f59e7100895be207389";
/** Of a branch that is pushed, and not the one that is live. */
export const nextCommit = "40548da2f0d6a1d4e1b2c3a4f5e6d7c8b9a0f1e2";
export const deployment = "0d1c2b3a49586776";

export function report(process: string, changes: Partial<InstanceReport> = {}): InstanceReport {
  return {
    process,
    repo: "webapp",
    commit,
    deployment,
    environment: "production",
    release: 1,
    slot: 1,
    service: "http",
    phase: "ready",
    services: ["http"],
    restarts: 0,
    since: 0,
    ...changes,
  };
}

export function release(changes: Partial<ReleaseRow> = {}): ReleaseRow {
  return {
    repo: "webapp",
    environment: "production",
    number: 1,
    deployment,
    commit,
    subject: "The answer is 42",
    kind: "deploy",
    by: "ann",
    at: 1,
    state: "ready",
    phases: [],
    drones: [],
    specification: { services: [], routes: [], promote: "first" },
    settings: {},
    pinned: false,
    presence: "running",
    ...changes,
  };
}

export interface FakeDroneOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly instances?: readonly InstanceReport[];
  readonly handlers?: Handlers;
  readonly tellingHandlers?: TellingHandlers;
}

const noRelays = { through: () => undefined };

export class DeskWorld {
  readonly sim: Simulation;
  /** The hub's ends, in the order they were made. */
  readonly conversations: Conversation[] = [];
  readonly #ledger: Ledger;
  readonly #fleet: Fleet;
  readonly #handlers: Handlers;
  readonly #tellingHandlers: TellingHandlers;

  private constructor(sim: Simulation, world: HubWorld, ledger: Ledger) {
    this.sim = sim;
    this.#ledger = ledger;
    this.#fleet = new Fleet(world, ledger, { droneTimeoutMs: 30_000 });
    const [fleet, drones] = [this.#fleet, new DroneDesk(ledger, this.#fleet, noRelays)];
    const instances = new InstanceDesk(world, ledger, fleet);
    const logs = new LogDesk(world, ledger, fleet);
    const runs = new RunDesk(world, ledger, fleet);
    this.#handlers = {
      "hub.join": async (params, { conversation }) => {
        const { name } = await fleet.join(params, conversation);
        return { name, registry: { port: 1, open: false } };
      },
      "hub.ps": (params, call) => instances.ps(params, call),
      "hub.restart": (params, call) => instances.restart(params, call),
      "hub.drones": (params, call) => drones.drones(params, call),
      "hub.label": (params) => drones.label(params),
      "hub.logs": (params, call) => logs.logs(params, call),
      "hub.run": (params, call) => runs.run(params, call),
    };
    this.#tellingHandlers = {
      "run.input": (params, from) => runs.input(params, from),
      "run.taken": (params, from) => runs.taken(params, from),
      "run.resize": (params, from) => runs.resize(params, from),
      "run.signal": (params, from) => runs.signal(params, from),
    };
  }

  static async open(edits: readonly Edit[] = []): Promise<DeskWorld> {
    const sim = simulate(1);
    const plain = sim.worldOf("hub");
    const store = openMemoryStore();
    const ledger = await Ledger.open(store, plain.clock);
    if (edits.length > 0) await ledger.change(() => ({ edits, events: [] }));
    const repositories = new SimRepositories();
    repositories.push("webapp", "main", commit);
    repositories.push("webapp", "next", nextCommit);
    const own = { store, repositories, settingsKey: "5ec7", plans: simPlanMeans };
    const world: HubWorld = { ...plain, ...own };
    const desks = new DeskWorld(sim, world, ledger);
    sim.network.serve(address, sessionPaths.hub, (wire) => {
      const conversation = new Conversation(world, wire, {
        side: { kind: "server", clusterKey: credential.key, heartbeatMs: 5_000 },
        handlers: desks.#handlers,
        tellingHandlers: desks.#tellingHandlers,
      });
      desks.conversations.push(conversation);
    });
    return desks;
  }

  /** A drone that has joined; it joins again whenever its connection breaks. */
  async drone(name: string, options: FakeDroneOptions = {}): Promise<Link> {
    const { labels = {}, instances = [], handlers, tellingHandlers } = options;
    const identity = Buffer.from(name).toString("hex").padEnd(32, "0");
    const introduction = { identity, name, host: name, version: "1.0.0" };
    const link = new Link(this.sim.worldOf(name), {
      address,
      path: sessionPaths.hub,
      role: "drone",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        const reports = { labels: { ...labels }, instances: [...instances] };
        await conversation.call("hub.join", { ...introduction, ...reports });
      },
      ...(handlers && { handlers }),
      ...(tellingHandlers && { tellingHandlers }),
    });
    await this.settle(link.up(10_000));
    return link;
  }

  /** Somebody at a terminal. */
  caller(): Promise<Conversation> {
    const world = this.sim.worldOf("laptop");
    const path = sessionPaths.hub;
    return this.settle(dial(world, { address, path, role: "cli", credential, acceptsOpen: false }));
  }

  /** One command, to its end. */
  async call<M extends MethodName>(
    method: M,
    params: Params<M>,
    options: CallOptions<M> = {},
  ): Promise<Result<M>> {
    const conversation = await this.caller();
    return this.settle(conversation.call(method, params, { limitMs: 0, ...options }));
  }

  events() {
    return this.settle(this.#ledger.settled().then(() => this.#ledger.events(100)));
  }

  /** Lets time pass until a promise settles. */
  async settle<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined);
    await this.sim.clock.until("the work", () => isDone);
    return done;
  }
}
