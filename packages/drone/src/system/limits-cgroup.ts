/**
 * Control groups of Linux, of either version (cgroups(7)), below the one that the drone is in itself:
 *
 *     version 2   OWN/propagit/PROCESS/{memory.max, cpu.max}, after the drone has moved to OWN/drone: a
 *                 group that hands controllers on must be empty itself
 *     version 1   a tree for each controller: OWN/propagit/PROCESS/memory.limit_in_bytes, cpu.cfs_quota_us
 *
 * systemd hands a group to a service without root with `Delegate=yes`.
 */
import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LimitPlan } from "../core/limit-plan.js";

const cpuPeriodUs = 100_000;

type Controller = "memory" | "cpu";

export class ControlGroups {
  readonly #version: 1 | 2;
  /** Folder in which groups are made, by what it controls; the same for both in version 2. */
  readonly #folders: ReadonlyMap<Controller, string>;

  private constructor(version: 1 | 2, folders: ReadonlyMap<Controller, string>) {
    this.#version = version;
    this.#folders = folders;
  }

  /** What this process may use; nothing where there are no groups that it may write to. */
  static async find(proc = "/proc/self"): Promise<ControlGroups> {
    const groups = await ControlGroups.#find(proc);
    for (const folder of groups.#folders.values()) {
      const names = await readdir(folder).catch(() => []);
      for (const name of names) await groups.remove(name);
    }
    return groups;
  }

  static async #find(proc: string): Promise<ControlGroups> {
    const mounts = await readMounts(proc);
    const paths = await readPaths(proc);
    const unified = mounts.find(({ kind }) => kind === "cgroup2");
    const own = paths.get("");
    if (unified && own !== undefined) {
      const folder = await delegate(join(unified.path, own));
      if (folder !== undefined) return new ControlGroups(2, folder);
    }
    const folders = new Map<Controller, string>();
    for (const controller of ["memory", "cpu"] as const) {
      const mount = mounts.find((it) => it.kind === "cgroup" && it.options.includes(controller));
      const path = paths.get(controller);
      if (!mount || path === undefined) continue;
      const folder = await makeFolder(join(mount.path, path));
      if (folder !== undefined) folders.set(controller, folder);
    }
    return new ControlGroups(1, folders);
  }

  get abilities(): { readonly memory: boolean; readonly cpu: boolean } {
    return { memory: this.#folders.has("memory"), cpu: this.#folders.has("cpu") };
  }

  /** Makes the groups of an instance; lines by which a shell enters them. */
  async create(process: string, plan: LimitPlan): Promise<readonly string[]> {
    const { memoryBytes, cpuPercent } = plan;
    const entered = new Set<string>();
    if (memoryBytes !== undefined) entered.add(await this.#limitMemory(process, memoryBytes));
    if (cpuPercent !== undefined) entered.add(await this.#limitCpu(process, cpuPercent));
    return [...entered].map((folder) => `echo $$ >${quoted(join(folder, "cgroup.procs"))}`);
  }

  /** Only what is empty can go. */
  async remove(process: string): Promise<void> {
    for (const folder of new Set(this.#folders.values())) {
      await rmdir(join(folder, process)).catch(() => undefined);
    }
  }

  async #limitMemory(process: string, bytes: number): Promise<string> {
    const folder = await this.#makeGroup("memory", process);
    if (this.#version === 2) {
      await writeFile(join(folder, "memory.max"), String(bytes));
      // Else it would go on in the swap. A kernel without swap has no such file.
      await writeFile(join(folder, "memory.swap.max"), "0").catch(() => undefined);
      return folder;
    }
    await writeFile(join(folder, "memory.limit_in_bytes"), String(bytes));
    await writeFile(join(folder, "memory.memsw.limit_in_bytes"), String(bytes)).catch(
      () => undefined,
    );
    return folder;
  }

  async #limitCpu(process: string, percent: number): Promise<string> {
    const folder = await this.#makeGroup("cpu", process);
    const quotaUs = Math.max(1_000, Math.round((cpuPeriodUs * percent) / 100));
    if (this.#version === 2) {
      await writeFile(join(folder, "cpu.max"), `${quotaUs} ${cpuPeriodUs}`);
      return folder;
    }
    await writeFile(join(folder, "cpu.cfs_period_us"), String(cpuPeriodUs));
    await writeFile(join(folder, "cpu.cfs_quota_us"), String(quotaUs));
    return folder;
  }

  async #makeGroup(controller: Controller, process: string): Promise<string> {
    const parent = this.#folders.get(controller);
    if (parent === undefined)
      throw new Error(`cannot happen: no group that controls ${controller}`);
    const folder = join(parent, process);
    await mkdir(folder, { recursive: true });
    return folder;
  }
}

/** The folder for groups of version 2, once the controllers are handed on. */
async function delegate(own: string): Promise<ReadonlyMap<Controller, string> | undefined> {
  const offered = (await read(join(own, "cgroup.controllers"))).trim().split(" ");
  const controllers = (["memory", "cpu"] as const).filter((it) => offered.includes(it));
  if (controllers.length === 0 || !(await isWritable(own))) return undefined;
  const wanted = controllers.map((it) => `+${it}`).join(" ");
  try {
    const handedOn = (await read(join(own, "cgroup.subtree_control"))).trim().split(" ");
    if (!controllers.every((it) => handedOn.includes(it))) {
      await mkdir(join(own, "drone"), { recursive: true });
      await writeFile(join(own, "drone", "cgroup.procs"), String(process.pid));
      await writeFile(join(own, "cgroup.subtree_control"), wanted);
    }
    const folder = join(own, "propagit");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "cgroup.subtree_control"), wanted);
    return new Map(controllers.map((it) => [it, folder]));
  } catch {
    // Others are in the group as well, or it is not ours after all.
    await writeFile(join(own, "cgroup.procs"), String(process.pid)).catch(() => undefined);
    await rmdir(join(own, "drone")).catch(() => undefined);
    return undefined;
  }
}

async function makeFolder(own: string): Promise<string | undefined> {
  if (!(await isWritable(own))) return undefined;
  const folder = join(own, "propagit");
  return mkdir(folder, { recursive: true }).then(
    () => folder,
    () => undefined,
  );
}

interface Mount {
  readonly kind: "cgroup" | "cgroup2";
  readonly path: string;
  readonly options: readonly string[];
}

async function readMounts(proc: string): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const line of (await read(join(proc, "mounts"))).split("\n")) {
    const [, path, kind, options] = line.split(" ");
    if (path === undefined || options === undefined) continue;
    if (kind === "cgroup" || kind === "cgroup2") {
      mounts.push({ kind, path, options: options.split(",") });
    }
  }
  return mounts;
}

/** The own group by controller; under an empty name that of version 2. */
async function readPaths(proc: string): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  for (const line of (await read(join(proc, "cgroup"))).split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(",")) paths.set(controller, path);
  }
  return paths;
}

/** A group that cannot be listed is one of another name space. */
async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK)
    .then(() => readdir(folder))
    .then(
      () => true,
      () => false,
    );
}

async function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
