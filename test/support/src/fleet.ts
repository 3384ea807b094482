/** A hub and drones, each on a machine of its own with a bounded line; see machines.ts. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, execaSync } from "execa";
import { cleanEnv, DaemonProcess, runCli, type Finished } from "./cli.js";
import { processesIn, secret } from "./cluster.js";
import type { WorkTree } from "./git.js";
import { Machines, type Machine, type MachinesOptions } from "./machines.js";
import type { Badness, EvilOptions } from "./swarm/evil-options.js";

const folderPrefix = "propagit-fleet-";
const hubPort = 6001;
export const hubMachine = "hub";

export interface FleetOptions extends MachinesOptions {
  /** Where data folders are made; default: the system's folder for what is temporary. */
  readonly parent?: string;
  /** Of every line, in each direction; default: no bound. */
  readonly bytesPerSecond?: number;
}

export interface DroneOptions {
  readonly zone?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whom it dials; default: the hub itself. */
  readonly hub?: string | undefined;
}

export class Fleet {
  readonly folder: string;
  readonly machines: Machines;
  readonly drones = new Map<string, DaemonProcess>();
  readonly #fleetOptions: FleetOptions;
  readonly #others: DaemonProcess[] = [];
  readonly #options = new Map<string, DroneOptions>();
  readonly #disks: string[] = [];
  #hub: DaemonProcess | undefined;

  private constructor(folder: string, options: FleetOptions) {
    this.folder = folder;
    this.#fleetOptions = options;
    this.machines = Machines.create(options);
  }

  /** The machine of the hub; nothing runs yet. */
  static async create(options: FleetOptions = {}): Promise<Fleet> {
    const parent = options.parent ?? tmpdir();
    removeLeftovers(parent);
    const fleet = new Fleet(await mkdtemp(join(parent, `${folderPrefix}${process.pid}-`)), options);
    // After the machines, whose processes work in it.
    process.on("exit", fleet.#removeFolder);
    fleet.machines.add(hubMachine, "a", options.bytesPerSecond);
    return fleet;
  }

  get hub(): DaemonProcess {
    if (!this.#hub) throw new Error("the hub was not started");
    return this.#hub;
  }

  get hubFlags(): readonly string[] {
    return [`--hub=${this.machines.machine(hubMachine).address}:${hubPort}`, `--secret=${secret}`];
  }

  /** Where the hub or a drone keeps its data. */
  dataOf(name: string): string {
    return join(this.folder, name);
  }

  async startHub(
    flags: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<DaemonProcess> {
    const own = [`--port=${hubPort}`, `--secret=${secret}`, `--data=${this.dataOf(hubMachine)}`];
    this.#hub = this.#start(
      hubMachine,
      this.machines.machine(hubMachine),
      ["hub", ...own, ...flags],
      env,
    );
    await this.#hub.said(/listening on/);
    return this.#hub;
  }

  /** Starts drones side by side, each on a new machine, until the hub knows them all. */
  async startDrones(
    names: readonly string[],
    options: (name: string) => DroneOptions = () => ({}),
  ): Promise<void> {
    for (const name of names) {
      const own = options(name);
      this.machines.add(name, own.zone ?? "a", this.#fleetOptions.bytesPerSecond);
      this.#options.set(name, own);
      this.#startDrone(name);
    }
    await Promise.all(names.map(async (name) => this.drone(name).said(/connected to the hub/)));
  }

  /** A drone's next life, on its old machine and with its old data. */
  async restartDrone(name: string): Promise<void> {
    this.#startDrone(name);
    await this.drone(name).said(/connected to the hub/);
  }

  drone(name: string): DaemonProcess {
    const drone = this.drones.get(name);
    if (!drone) throw new Error(`there is no drone ${name}`);
    return drone;
  }

  /** Another daemon of ours on a machine, such as a relay. */
  start(name: string, machine: Machine, args: readonly string[]): DaemonProcess {
    const daemon = this.#start(name, machine, args);
    this.#others.push(daemon);
    return daemon;
  }

  /** Somebody on a machine of its own who takes part in a commit's artifact and does harm. */
  startEvil(badness: Badness, repo: string, commit: string): DaemonProcess {
    const name = `evil-${badness}`;
    const machine = this.machines.add(name, "a", this.#fleetOptions.bytesPerSecond);
    const hub = { host: this.machines.machine(hubMachine).address, port: hubPort };
    const own = { hub, secret, name, host: machine.address };
    const options: EvilOptions = { ...own, badness, repo, commit };
    const program = new URL("swarm/evil-peer.js", import.meta.url);
    const args = [JSON.stringify(options)];
    const evil = new DaemonProcess(name, program, args, this.#env(name), machine.elsewhere);
    this.#others.push(evil);
    return evil;
  }

  /** `propagit COMMAND --hub --secret ARGS…` on the hub's machine, to its end. */
  propagit(command: string, ...args: readonly string[]): Promise<Finished> {
    const { elsewhere } = this.machines.machine(hubMachine);
    return runCli("propagit", [command, ...this.hubFlags, ...args], this.#env("user"), elsewhere);
  }

  /** Gives a drone that was not started yet a disk of its own, of so many bytes. */
  async limitDisk(name: string, bytes: number): Promise<void> {
    const place = this.dataOf(name);
    await mkdir(place, { recursive: true });
    await execa("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", place]);
    this.#disks.push(place);
  }

  /** Address of a repository on the hub for git, with the password in it. */
  urlOf(repo: string): string {
    return `http://git:${secret}@${this.machines.machine(hubMachine).address}:${hubPort}/${repo}`;
  }

  /** Pushes the work tree's HEAD; nothing is released by that. */
  async push(tree: WorkTree, repo: string): Promise<void> {
    await this.on(hubMachine, [
      "git",
      "-C",
      tree.folder,
      "push",
      "--quiet",
      this.urlOf(repo),
      "HEAD:refs/heads/master",
    ]);
  }

  /** Runs a command on a machine to its end; its output. */
  async on(name: string, command: readonly string[], limitMs = 600_000): Promise<string> {
    const [first = "", ...words] = [...this.machines.machine(name).elsewhere, ...command];
    const { stdout } = await execa(first, words, {
      extendEnv: false,
      env: cleanEnv({ GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }),
      timeout: limitMs,
    });
    return stdout;
  }

  /** Whether git has a whole commit on a drone. */
  async hasTaken(name: string, repo: string, commit: string): Promise<boolean> {
    const place = join(this.dataOf(name), "repos", `${repo}.git`);
    if (await exists(join(place, "refs", "propagit", commit))) return true;
    const packed = await readFile(join(place, "packed-refs"), "utf8").catch(() => "");
    return packed.includes(`refs/propagit/${commit}`);
  }

  /** Where the files of a commit are on a drone, once they are there. */
  checkoutOf(name: string, repo: string, commit: string): string {
    return join(this.dataOf(name), "commits", repo, commit);
  }

  /** Waits until git has it on all of them. */
  async untilTaken(
    names: readonly string[],
    repo: string,
    commit: string,
    limitMs: number,
  ): Promise<void> {
    const left = new Set(names);
    const end = performance.now() + limitMs;
    while (left.size > 0) {
      for (const name of left) if (await this.hasTaken(name, repo, commit)) left.delete(name);
      if (left.size > 0 && performance.now() > end) {
        const what = `${repo} ${commit.slice(0, 7)} is not on ${[...left].join(", ")}`;
        throw new Error(`${what} after ${limitMs / 1_000} s`);
      }
      // Looking costs time that the drones need: the more of them, the less often.
      await new Promise((resolve) => {
        setTimeout(resolve, 5 + 2 * left.size);
      });
    }
  }

  /** Everything that every daemon said, for the message of a failed test. */
  get output(): string {
    const all = [...(this.#hub ? [this.#hub] : []), ...this.drones.values(), ...this.#others];
    return all.map(({ name, output }) => `--- ${name}\n${output}`).join("\n");
  }

  /** Nothing of it is left, instances included. */
  async destroy(): Promise<void> {
    this.machines.remove();
    const all = [...(this.#hub ? [this.#hub] : []), ...this.drones.values(), ...this.#others];
    await Promise.all(all.map(async ({ exited }) => exited));
    for (const pid of await processesIn(this.folder)) process.kill(pid, "SIGKILL");
    this.#removeFolder();
    process.off("exit", this.#removeFolder);
  }

  readonly #removeFolder = (): void => {
    for (const place of this.#disks.splice(0)) execaSync("umount", ["-l", place]);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  };

  #startDrone(name: string): void {
    const { flags = [], hub, env } = this.#options.get(name) ?? {};
    const to = hub === undefined ? this.hubFlags : [`--hub=${hub}`, `--secret=${secret}`];
    const own = [`--name=${name}`, `--data=${this.dataOf(name)}`, ...flags];
    const machine = this.machines.machine(name);
    this.drones.set(name, this.#start(name, machine, ["drone", ...to, ...own], env));
  }

  #start(
    name: string,
    machine: Machine,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): DaemonProcess {
    const all = { ...this.#env(name), ...env };
    return new DaemonProcess(name, "propagit", args, all, machine.elsewhere);
  }

  #env(name: string): Readonly<Record<string, string>> {
    return { PROPAGIT_HOME: join(this.folder, `${name}.home`) };
  }
}

/** Of processes that were killed so that they could not clear up. */
function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
