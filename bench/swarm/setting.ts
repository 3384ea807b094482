/** What is measured with, from the environment; and the fleet that most rows share. */
import { join } from "node:path";
import { Fleet } from "@propagit/test-support";

export interface Setting {
  /** Numbers of drones, in order. */
  readonly drones: readonly number[];
  readonly bytes: number;
  /** What all fetch from the hub by themselves: as long as one has, so many times. */
  readonly directBytes: number;
  readonly bytesPerSecond: number;
  readonly rounds: number;
}

/**
 * Sixty-four drones share two cores here: at half a MB/s for each they are not what is measured. In memory, as
 * all of them share one disk, too.
 */
const defaults = {
  drones: "4,16,64",
  megabytes: 16,
  directMegabytes: 1,
  megabytesPerSecond: 0.5,
  rounds: 3,
};
export const folderParent = "/dev/shm";
/** Groups that rows take beside those of BENCH_DRONES. */
const smallSizes = [1, 2, 3, 8];
/** Nothing takes as long, not even everybody's own fetch. */
export const limitMs = 60 * 60_000;

export function settingOf(env: NodeJS.ProcessEnv): Setting {
  const number = (name: string, otherwise: number) => {
    const value = Number(env[name] ?? otherwise);
    if (!(value > 0)) throw new Error(`${name} is not a number above 0: ${env[name]}`);
    return value;
  };
  const drones = (env["BENCH_DRONES"] ?? defaults.drones).split(",").map(Number);
  if (!drones.every((count) => Number.isInteger(count) && count > 0 && count <= 200)) {
    throw new Error(`BENCH_DRONES are numbers from 1 to 200: ${env["BENCH_DRONES"]}`);
  }
  return {
    drones: drones.sort((left, right) => left - right),
    bytes: number("BENCH_MB", defaults.megabytes) * 1e6,
    directBytes: number("BENCH_DIRECT_MB", defaults.directMegabytes) * 1e6,
    bytesPerSecond: number("BENCH_MB_PER_SECOND", defaults.megabytesPerSecond) * 1e6,
    rounds: number("BENCH_ROUNDS", defaults.rounds),
  };
}

export type Kind = "taking part" | "aloof";

/** Drones `d1` … in one zone, all lines alike; each row takes the first few of them. */
export class Ring {
  readonly fleet: Fleet;
  readonly #setting: Setting;
  #trees = 0;

  private constructor(fleet: Fleet, setting: Setting) {
    this.fleet = fleet;
    this.#setting = setting;
  }

  static async start(setting: Setting): Promise<Ring> {
    const { bytesPerSecond } = setting;
    const ring = new Ring(await Fleet.create({ parent: folderParent, bytesPerSecond }), setting);
    await ring.fleet.startHub();
    return ring;
  }

  /**
   * The first so many drones of a kind, which have the label of `labelOf`; started where they are not yet.
   * Those aloof of swarms fetch with git.
   */
  async first(count: number, kind: Kind = "taking part"): Promise<readonly string[]> {
    const [letter, flag] = kind === "aloof" ? ["a", ["--no-swarm"]] : ["d", []];
    const names = Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
    const sizes = [...new Set([...this.#setting.drones, ...smallSizes])];
    const missing = names.filter((name) => !this.fleet.drones.has(name));
    await this.fleet.startDrones(missing, (name) => ({
      flags: [
        ...flag,
        ...sizes
          .filter((size) => Number(name.slice(1)) <= size)
          .map((size) => `--label=${labelOf(size, kind)}=1`),
      ],
    }));
    return names;
  }

  /** A folder for a work tree that nobody used before. */
  newFolder(): string {
    return join(this.fleet.folder, `tree-${this.#trees++}`);
  }

  /** Lines of the hub and of these drones as wide as they are without us, or as they were. */
  widen(names: readonly string[], isWide: boolean): void {
    for (const name of ["hub", ...names]) {
      this.fleet.machines.shape(name, isWide ? undefined : this.#setting.bytesPerSecond);
    }
  }
}

/** Of the first so many drones of a kind. */
export function labelOf(count: number, kind: Kind = "taking part"): string {
  return `${kind === "aloof" ? "aloof" : "first"}-${count}`;
}
