/** A simulated machine for drones: commits, processes and ports on virtual time, with faults by seed. */
import {
  credentialFromSecret,
  randomBetween,
  silentLog,
  sleep,
  type Simulation,
} from "@propagit/runtime";
import { connectIn } from "@propagit/registry";
import { checkOptions, type DroneOptions } from "../../src/core/options.js";
import { Drone } from "../../src/drone.js";
import type {
  Commits,
  DroneWorld,
  LaunchRequest,
  Ports,
  ProcessEnd,
  Processes,
  RunningProcess,
} from "../../src/world.js";
import { secret } from "./hub-double.js";

const credential = credentialFromSecret(secret);
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

export class SimMachine {
  faults: MachineFaults = sound;
  readonly processes = new Set<SimProcess>();
  readonly #simulation: Simulation;
  readonly #host: string;
  #nextPid = 1;

  constructor(simulation: Simulation, host: string) {
    this.#simulation = simulation;
    this.#host = host;
  }

  startDrone(options: Partial<DroneOptions> = {}): Drone {
    const base = this.#simulation.worldOf(this.#host);
    const world: DroneWorld = {
      ...base,
      commits: this.#commits(),
      processes: this.#processStarter(),
      ports: this.#ports(),
      connectRegistry: (address, access) => connectIn(base, address, access),
    };
    const given = { hub: hubAddress, secret, command: ["node", "web.js"], log: silentLog };
    return new Drone(world, {
      settings: checkOptions({ ...given, ...options }, this.#host),
      identity: "1".repeat(32),
      credential,
      host: this.#host,
      environment: {},
      version: "0.1.0",
    });
  }

  chance(share: number): boolean {
    return this.#simulation.random.fraction() < share;
  }

  async delay(lowMs: number, highMs: number): Promise<void> {
    const { clock, random } = this.#simulation;
    await sleep(clock, randomBetween(random, lowMs, highMs));
  }

  #commits(): Commits {
    return {
      fetch: async (_name, source, signal) => {
        await source();
        await this.delay(10, 2_000);
        signal.throwIfAborted();
        if (this.chance(this.faults.fetchFails)) throw new Error("the line broke");
      },
      checkOut: async ({ commit }, signal) => {
        await this.delay(1, 200);
        signal.throwIfAborted();
        return { folder: `/commits/${commit}`, manifest: undefined };
      },
    };
  }

  #processStarter(): Processes {
    return {
      launch: async (request) => {
        await this.delay(1, 100);
        if (this.chance(this.faults.launchFails)) throw new Error("no such command");
        return new SimProcess(this, request, this.#nextPid++);
      },
    };
  }

  #ports(): Ports {
    const taken = (port: number) => [...this.processes].some((process) => process.port === port);
    return {
      pick: async ({ wanted, avoid }) => {
        if (wanted !== undefined && !taken(wanted)) return wanted;
        for (let port = 10_000; ; port++) if (!avoid(port) && !taken(port)) return port;
      },
      isOpen: async (_hosts, port) =>
        [...this.processes].some((process) => process.port === port && process.listens),
    };
  }
}

/** Begins to listen a while after its start; at most one may live for each commit. */
class SimProcess implements RunningProcess {
  readonly commit: string;
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  listens = false;
  readonly #machine: SimMachine;
  readonly #ignoresTerm: boolean;
  #resolve!: (end: ProcessEnd) => void;

  constructor(machine: SimMachine, { commit, environment }: LaunchRequest, pid: number) {
    this.#machine = machine;
    this.commit = commit;
    this.port = Number(environment["PORT"]);
    this.pid = pid;
    this.#ignoresTerm = machine.chance(machine.faults.ignoresTerm);
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const other of machine.processes) {
      if (other.commit === commit) throw new Error("cannot happen: two processes of one commit");
      if (other.port === this.port) throw new Error("cannot happen: two processes on one port");
    }
    machine.processes.add(this);
    void this.#live(machine.chance(machine.faults.crashes));
  }

  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (name === "SIGTERM" && this.#ignoresTerm) return;
    void this.#machine.delay(1, 500).then(() => this.#end(`was ended by ${name}`));
  }

  async lastLines(): Promise<readonly string[]> {
    return [];
  }

  async #live(crashes: boolean): Promise<void> {
    await this.#machine.delay(1, 3_000);
    this.listens = this.#machine.processes.has(this);
    if (!crashes) return;
    await this.#machine.delay(1, 60_000);
    this.#end("exited with code 1");
  }

  #end(how: string): void {
    this.listens = false;
    this.#machine.processes.delete(this);
    this.#resolve({ how, lastLines: [] });
  }
}
