/**
 * A hub, two relays and the drones below them in virtual time, with everything that carries parts of plans out being
 * the real thing; what is written outlives every process.
 *
 *     hub --- head (relay) --- near-1, near-2
 *                 '--- deep (relay) --- far-1, far-2
 */
import type { DelegationWish, Errands, MethodName, Params, Result } from "@propagit/protocol";
import {
  ErrandDesk,
  errandsPath,
  PlanRelay,
  PlanTasks,
  type DroneContext,
} from "@propagit/drone/plans";
import { Hub, hubCommands, type HubWorld } from "@propagit/hub";
import { SimJournal, storeJournal, toolBox } from "@propagit/plan";
import {
  Conversation,
  credentialFromSecret,
  dial,
  hangUp,
  Link,
  sessionPaths,
  simulate,
  type CallOptions,
  type Simulation,
} from "@propagit/runtime";
import { openMemoryStore } from "@propagit/store";
import { Life } from "./life.js";
import { SimMachine, type Deed } from "./sim-machine.js";

// Stretching takes 50 ms of real time, so it is done once for all.
const credential = credentialFromSecret("beepboop");
const hubAddress = { host: "hub", port: 6001 };
const heartbeatMs = 5_000;
export const relays = ["head", "deep"] as const;
export const drones = ["near-1", "near-2", "far-1", "far-2"] as const;
export type HostName = (typeof relays)[number] | (typeof drones)[number];

/** What of a host survives its death. */
interface Disk {
  readonly machine: SimMachine;
  readonly journal: SimJournal;
  readonly wishes: Map<string, DelegationWish>;
  readonly errands: Map<string, Errands>;
}

interface Host {
  readonly life: Life;
  readonly link: Link;
  die(): void;
}

export class DelegatedCluster {
  readonly sim: Simulation;
  readonly deeds: Deed[] = [];
  readonly #store = openMemoryStore();
  readonly #disks = new Map<HostName, Disk>();
  readonly #hosts = new Map<HostName, Host>();
  #hub: { readonly life: Life; die(): void } | undefined;

  private constructor(seed: number) {
    this.sim = simulate(seed);
  }

  static async start(seed: number): Promise<DelegatedCluster> {
    const cluster = new DelegatedCluster(seed);
    await cluster.startHub();
    for (const name of [...relays, ...drones]) cluster.startHost(name);
    await cluster.sim.clock.until("all are connected", () => cluster.areUp);
    return cluster;
  }

  get areUp(): boolean {
    const links = [...this.#hosts.values()].map(({ link }) => link.state.kind);
    return this.#hub !== undefined && links.every((kind) => kind === "up");
  }

  get isHubAlive(): boolean {
    return this.#hub !== undefined;
  }

  lifeOf(name: HostName | "hub"): Life | undefined {
    return name === "hub" ? this.#hub?.life : this.#hosts.get(name)?.life;
  }

  async startHub(): Promise<void> {
    const { sim } = this;
    const life = new Life();
    const own = sim.worldOf("hub");
    const world: HubWorld = {
      ...own,
      clock: life.clock(own.clock),
      store: life.guard(this.#store, ["transact"]),
      repositories: noRepositories,
      settingsKey: "5".repeat(64),
      plans: {
        commands: hubCommands,
        runsPrograms: false,
        hostFor: () => {
          throw new Error("nothing of this is done by the hub itself");
        },
        close: () => Promise.resolve(),
      },
    };
    const registry = { port: hubAddress.port, open: false };
    let close: () => void = () => undefined;
    const hub = { life, die: () => close() };
    this.#hub = hub;
    const opened = await Hub.open(world, { clusterKey: credential.key, registry });
    if (this.#hub !== hub) return;
    close = sim.network.serve(hubAddress, sessionPaths.hub, (wire) => opened.accept(wire));
  }

  startHost(name: HostName): void {
    const disk = this.#disks.get(name) ?? {
      machine: new SimMachine(this.sim, name, this.deeds),
      journal: new SimJournal(),
      wishes: new Map<string, DelegationWish>(),
      errands: new Map<string, Errands>(),
    };
    this.#disks.set(name, disk);
    this.#hosts.set(name, this.#host(name, disk));
  }

  /** As kill -9 does: nothing more is written, nobody is told. */
  kill(name: HostName | "hub"): void {
    if (name === "hub") {
      this.#hub?.life.end();
      this.#hub?.die();
      this.#hub = undefined;
      this.sim.network.dropHost("hub");
      return;
    }
    this.#hosts.get(name)?.die();
    this.#hosts.delete(name);
  }

  isAlive(name: HostName | "hub"): boolean {
    return name === "hub" ? this.isHubAlive : this.#hosts.has(name);
  }

  /** What is on the disk of a relay. */
  journalOf(name: (typeof relays)[number]): SimJournal {
    const disk = this.#disks.get(name);
    if (!disk) throw new Error(`${name} was never started`);
    return disk.journal;
  }

  /** What the hub heard of parts. */
  get heard(): Pick<SimJournal, "read"> {
    return storeJournal(this.#store, "part");
  }

  /** One command, as the command line makes it. */
  async call<M extends MethodName>(
    method: M,
    params: Params<M>,
    options: CallOptions<M> = {},
  ): Promise<Result<M>> {
    const conversation = await dial(this.sim.worldOf("laptop"), {
      address: hubAddress,
      path: sessionPaths.hub,
      role: "cli",
      credential,
      acceptsOpen: false,
    });
    try {
      return await conversation.call(method, params, options);
    } finally {
      void hangUp(conversation);
    }
  }

  #host(name: HostName, disk: Disk): Host {
    const { sim } = this;
    const life = new Life();
    const own = sim.worldOf(name);
    const world = { ...own, clock: life.clock(own.clock) };
    const context = { world, name: () => name, host: name, tidySoon: () => undefined };
    const drone = context as unknown as DroneContext;
    const handlers = disk.machine.handlers(life);
    const tasks = new PlanTasks(handlers);
    const isRelay = relays.some((one) => one === name);
    const relay = isRelay ? relayOn(drone, disk, life, tasks) : undefined;
    const errands = new ErrandDesk(drone, {
      store: life.guard(errandStore(disk.errands), ["write", "remove"]),
      tasks,
      credential,
      ...(relay && { carrier: relay }),
    });
    const place = { host: name, port: 6001 };
    const upstream = "hub:6001";
    const link = new Link(world, {
      address: hubAddress,
      path: sessionPaths.hub,
      role: "drone",
      credential,
      acceptsOpen: false,
      introduce: async (conversation) => {
        await conversation.call("hub.join", {
          identity: Buffer.from(name).toString("hex").padEnd(32, "0"),
          name,
          labels: {},
          host: name,
          version: "1.0.0",
          instances: [],
          ...(isRelay && { swarm: { port: 6001, relay: { ...place, upstream } } }),
        });
      },
      tellingHandlers: { "drone.assign": () => undefined },
      handlers: { ...handlers, ...relay?.handlers, ...errands.handlers },
    });
    const close = relay
      ? sim.network.serve(place, errandsPath, (wire) => {
          const side = { kind: "server", clusterKey: credential.key, heartbeatMs } as const;
          void new Conversation(world, wire, { side, handlers: relay.lineHandlers });
        })
      : () => undefined;
    const die = () => {
      life.end();
      close();
      link.stop();
      void errands.stop();
      sim.network.dropHost(name);
      disk.machine.die();
    };
    return { life, link, die };
  }
}

function relayOn(drone: DroneContext, disk: Disk, life: Life, tasks: PlanTasks): PlanRelay {
  const journal = life.guard(disk.journal, ["create", "append", "conclude", "remove"]);
  const wishes = {
    read: async (run: string) => disk.wishes.get(run),
    write: async (run: string, wish: DelegationWish) => void disk.wishes.set(run, wish),
    keep: async (runs: ReadonlySet<string>) => {
      for (const run of disk.wishes.keys()) if (!runs.has(run)) disk.wishes.delete(run);
    },
  };
  const guarded = life.guard(wishes, ["write", "keep"]);
  return new PlanRelay(drone, { journal, wishes: guarded, tasks, commands: toolBox });
}

function errandStore(errands: Map<string, Errands>) {
  return {
    get all() {
      return [...errands.values()];
    },
    write: async (one: Errands) => void errands.set(one.run, one),
    remove: async (run: string) => void errands.delete(run),
  };
}

const noRepositories = new Proxy({} as HubWorld["repositories"], {
  get: () => () => Promise.reject(new Error("there are no repositories here")),
});
