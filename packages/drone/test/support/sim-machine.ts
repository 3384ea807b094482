/**
 * A simulated machine for drones: commits, processes and ports on virtual time, with faults by seed. What
 * runs outlives the drone, as it does on a real machine.
 */
import { connectIn } from "@propagit/registry";
import {
  credentialFromSecret,
  randomBetween,
  silentLog,
  sleep,
  type Log,
  type Simulation,
} from "@propagit/runtime";
import { checkOptions, type DroneOptions } from "../../src/core/options.js";
import { Drone } from "../../src/drone.js";
import { openHider, openMemory } from "../../src/system/memory.js";
import type {
  Checks,
  CommitName,
  Commits,
  DroneWorld,
  LaunchRequest,
  Memory,
  Ports,
  Processes,
} from "../../src/world.js";
import { secret } from "./hub-double.js";
import { Life } from "./mortal.js";
import { SimProcess } from "./sim-process.js";

const credential = credentialFromSecret(secret);
const dataFolder = "/data";
export const hubAddress = { host: "hub", port: 6001 };

/** Shares from 0 to 1. */
export interface MachineFaults {
  readonly fetchFails: number;
  readonly launchFails: number;
  /** Of processes that end by themselves within a minute. */
  readonly crashes: number;
  readonly ignoresTerm: number;
}

export const sound: MachineFaults = { fetchFails: 0, launchFails: 0, crashes: 0, ignoresTerm: 0 };

export interface LifeOptions extends Partial<DroneOptions> {
  /** It has no command of its own. */
  readonly services?: boolean;
}

export class SimMachine {
  faults: MachineFaults = sound;
  /** Those that run. */
  readonly processes = new Set<SimProcess>();
  /** Ended, and no drone has seen it yet. */
  readonly unseen = new Set<SimProcess>();
  /** Signals that drones sent. */
  signals = 0;
  /** What commands exit with when they end by themselves. */
  exitCode = 1;
  /** Answers of health checks. */
  isHealthy = (_port: number): boolean => true;
  checks = 0;
  /** What was last asked to stay on disk. */
  kept: readonly CommitName[] | undefined;
  readonly #simulation: Simulation;
  readonly #host: string;
  readonly #fetched = new Set<string>();
  #nextPid = 1;
  /** What drones said to whoever runs them. */
  readonly log: string[] = [];

  constructor(simulation: Simulation, host: string) {
    this.#simulation = simulation;
    this.#host = host;
  }

  startDrone(options: LifeOptions = {}): Drone {
    return this.startLife(options).drone;
  }

  /** A drone that can be killed; the next one on this machine finds what it left. */
  startLife(options: LifeOptions = {}): { drone: Drone; kill: () => void } {
    const life = new Life();
    const log = this.#logOf(life);
    const base = { ...life.world(this.#simulation.worldOf(this.#host)), log };
    const world: DroneWorld = {
      ...base,
      commits: life.guard(this.#commits()),
      processes: life.guard(this.#processesOf(life)),
      ports: life.guard(this.#ports()),
      checks: life.guard(this.#checks()),
      memory: life.guard(this.#remembering(log)),
      connectRegistry: (address, { lease, ...access }) =>
        connectIn(base, address, { ...access, ...(lease !== undefined && { lease }) }),
    };
    const { services = false, ...chosen } = options;
    const own = services ? {} : { command: ["node", "web.js"] };
    const given = { hub: hubAddress, secret, log: silentLog, ...own, ...chosen };
    const drone = new Drone(world, {
      settings: checkOptions(given, this.#host),
      identity: "1".repeat(32),
      credential,
      host: this.#host,
      environment: {},
      version: "0.1.0",
      parts: [],
    });
    return {
      drone,
      kill: () => {
        life.end();
        this.#simulation.network.dropHost(this.#host);
      },
    };
  }

  /** A file of the drone's data folder becomes another; undefined removes it. */
  async damage(name: string, change: (text: string) => string | undefined): Promise<void> {
    const { disk } = this.#simulation.worldOf(this.#host);
    const path = `${dataFolder}/${name}`;
    const text = change((await disk.read(path)) ?? "");
    if (text === undefined) await disk.remove(path);
    else await disk.writeAtomic(path, text);
  }

  /** Everything ends at once, nobody sees it. */
  reboot(): void {
    for (const process of this.processes) process.end("ended with the machine", undefined);
  }

  chance(share: number): boolean {
    return this.#simulation.random.fraction() < share;
  }

  async delay(lowMs: number, highMs: number): Promise<void> {
    const { clock, random } = this.#simulation;
    await sleep(clock, randomBetween(random, lowMs, highMs));
  }

  #remembering(log: Log): Memory {
    const world = { ...this.#simulation.worldOf(this.#host), log };
    const open = async () => openMemory(world, dataFolder, await openHider(world, dataFolder));
    const opened = open();
    return {
      read: async () => (await opened).read(),
      write: async (remembered) => {
        await this.delay(1, 20);
        await (await opened).write(remembered);
      },
      readLease: async () => (await opened).readLease(),
      writeLease: async (lease) => (await opened).writeLease(lease),
    };
  }

  #logOf(life: Life): Log {
    const say = (line: string) => {
      if (!life.isOver) this.log.push(line);
    };
    return { info: say, warn: (line) => say(`! ${line}`) };
  }

  #commits(): Commits {
    return {
      keepOnly: async (names) => {
        this.kept = names;
        return [];
      },
      fetch: async ({ commit }, source, signal) => {
        if (this.#fetched.has(commit)) return;
        await source();
        await this.delay(10, 2_000);
        signal.throwIfAborted();
        if (this.chance(this.faults.fetchFails)) throw new Error("the line broke");
        this.#fetched.add(commit);
      },
      checkOut: async ({ commit }, signal) => {
        await this.delay(1, 200);
        signal.throwIfAborted();
        return { folder: `/commits/${commit}`, manifest: undefined };
      },
    };
  }

  #processesOf(life: Life): Processes {
    let hasLeft = false;
    const isSeen = () => !life.isOver && !hasLeft;
    return {
      launch: async (request) => {
        await this.delay(1, 100);
        if (!isSeen()) return new Promise<never>(() => undefined);
        if (this.chance(this.faults.launchFails)) throw new Error("no such command");
        const process = this.#start(request);
        return life.guard(process.seenBy(isSeen));
      },
      adopt: async () => {
        const found = [...this.processes, ...this.unseen];
        return found.map((process) => ({
          note: process.note,
          running: life.guard(process.seenBy(isSeen)),
        }));
      },
      leave: () => {
        hasLeft = true;
      },
    };
  }

  #start(request: LaunchRequest): SimProcess {
    const process = new SimProcess(this, request, this.#nextPid++);
    for (const other of [...this.processes, ...this.unseen]) {
      if (other.place === process.place) throw new Error("cannot happen: two of one place");
    }
    for (const other of this.processes) {
      if (other.ports.some((port) => process.ports.includes(port))) {
        throw new Error("cannot happen: two processes on one port");
      }
    }
    this.processes.add(process);
    process.begin();
    return process;
  }

  #checks(): Checks {
    const answer = async (port: number) => {
      this.checks++;
      await this.delay(1, 20);
      const ok = this.isHealthy(port);
      return { ok, reason: ok ? "" : "not well" };
    };
    return {
      http: async (url) => {
        const { ok } = await answer(Number(new URL(url).port));
        return { ok, reason: "", status: ok ? 200 : 500 };
      },
      tcp: async (_host, port) => answer(port),
      command: async () => answer(0),
    };
  }

  #ports(): Ports {
    const taken = (port: number) => [...this.processes].some(({ ports }) => ports.includes(port));
    return {
      pick: async ({ wanted, avoid, range }) => {
        if (wanted !== undefined && !avoid(wanted) && !taken(wanted)) return wanted;
        for (let port = range.low; port <= range.high; port++) {
          if (!avoid(port) && !taken(port)) return port;
        }
        throw new Error("no port is free");
      },
      isOpen: async (_hosts, port) =>
        [...this.processes].some(({ ports, listens }) => listens && ports.includes(port)),
    };
  }
}
