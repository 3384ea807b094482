/** A whole cluster on free ports of this machine, in a folder that is gone afterwards. */
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonProcess, runCli, until, type Finished, type Program } from "./cli.js";

export const secret = "beepboop";

export interface Ports {
  readonly registry: number;
  /** Git is on the port after it. */
  readonly hub: number;
  readonly proxy: number;
}

export class Cluster {
  readonly folder: string;
  readonly ports: Ports;
  readonly #daemons: DaemonProcess[] = [];
  readonly #drones = new Set<DaemonProcess>();

  private constructor(folder: string, ports: Ports) {
    this.folder = folder;
    this.ports = ports;
  }

  /**
   * @param wanted ports to take when they are free, the first one that is; and the folder to be made in
   */
  static async create(
    wanted: { readonly registry?: readonly number[]; readonly parent?: string } = {},
  ): Promise<Cluster> {
    const folder = await mkdtemp(join(wanted.parent ?? tmpdir(), "propagit-"));
    const [hub, proxy] = [await freePair(), await freePort()];
    const registry = (await firstFree(wanted.registry ?? [])) ?? (await freePort());
    return new Cluster(folder, { hub, registry, proxy });
  }

  get hubFlags(): readonly string[] {
    return [`--hub=localhost:${this.ports.hub}`, `--secret=${secret}`];
  }

  get registryAddress(): string {
    return `localhost:${this.ports.registry}`;
  }

  /** Starts a daemon that is ended with the cluster; its data is in the cluster's folder. */
  start(
    name: string,
    program: Program,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): DaemonProcess {
    const daemon = new DaemonProcess(name, program, args, { ...this.env, ...env });
    this.#daemons.push(daemon);
    if (args[0] === "drone") this.#drones.add(daemon);
    return daemon;
  }

  async startRegistry(args: readonly string[] = []): Promise<DaemonProcess> {
    const daemon = this.start("registry", "registry", [String(this.ports.registry), ...args]);
    await daemon.said(/listening on/);
    return daemon;
  }

  /** The hub; with the registry of `startRegistry` unless it shall have its own. */
  async startHub(
    options: {
      readonly ownRegistry?: boolean;
      readonly flags?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<DaemonProcess> {
    const registry = options.ownRegistry ? [] : [`--registry=${this.registryAddress}`];
    const own = options.flags ?? [];
    const flags = [`--port=${this.ports.hub}`, `--secret=${secret}`, ...registry, ...own];
    const daemon = this.start("hub", "propagit", ["hub", ...flags], options.env);
    await daemon.said(/listening on/);
    return daemon;
  }

  /** A drone, once the hub knows it; without a command it runs what repositories say. */
  async startDrone(
    command: readonly string[],
    flags: readonly string[] = [],
  ): Promise<DaemonProcess> {
    const own = command.length > 0 ? ["--", ...command] : [];
    const args = ["drone", ...this.hubFlags, ...flags, ...own];
    const daemon = this.start(`drone ${[...command, ...flags].join(" ")}`, "propagit", args);
    await daemon.said(/connected to the hub/);
    return daemon;
  }

  async startProxy(flags: readonly string[] = []): Promise<DaemonProcess> {
    const args = ["proxy", ...this.hubFlags, `--port=${this.ports.proxy}`, ...flags];
    const daemon = this.start("proxy", "propagit", args);
    await daemon.said(/listening on/);
    return daemon;
  }

  /** `propagit COMMAND --hub --secret ARGS…`, to its end. */
  propagit(command: string, ...args: readonly string[]): Promise<Finished> {
    return runCli("propagit", [command, ...this.hubFlags, ...args], this.env);
  }

  registry(...args: readonly string[]): Promise<Finished> {
    return runCli("registry", args, this.env);
  }

  get env(): Readonly<Record<string, string>> {
    return { PROPAGIT_HOME: join(this.folder, "home") };
  }

  /** Everything that every daemon said, for the message of a failed test. */
  get output(): string {
    return this.#daemons.map(({ name, output }) => `--- ${name}\n${output}`).join("\n");
  }

  /** Ends every process, drones first and with their instances, and removes the folder. */
  async destroy(): Promise<void> {
    // Without its hub a drone waits for a while to hear that nothing is under way to what it ends.
    await Promise.all([...this.#drones].map(async (drone) => drone.stop("SIGINT")));
    for (const daemon of this.#daemons.reverse()) await daemon.stop("SIGINT");
    // What a drone that was killed left behind.
    for (const pid of await processesIn(this.folder)) killHard(pid);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Processes that work in a folder or below it. */
export async function processesIn(folder: string): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const place = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      return place === folder || place.startsWith(`${folder}/`) ? pid : undefined;
    }),
  );
  return found.filter((pid) => pid !== undefined);
}

function killHard(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, () => resolve());
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (typeof address !== "object" || !address) throw new Error("no port was given");
  return address.port;
}

/** A free port whose next one is free too. */
async function freePair(): Promise<number> {
  let pair = 0;
  await until("two free ports in a row", async () => {
    pair = await freePort();
    return isFree(pair + 1);
  });
  return pair;
}

async function firstFree(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (await isFree(port)) return port;
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => {
      server.close(() => resolve(true));
    });
  });
}
