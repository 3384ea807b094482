/** What is measured with, from the environment; and the fleet that most rows share. */
import { join } from "node:path";
import { Fleet, hubMachine } from "@propagit/test-support";

/** So many bytes for each drone, on lines of so many a second. */
export interface Size {
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

export interface Setting extends Size {
  /** Numbers of drones, in order. */
  readonly drones: readonly number[];
  readonly rounds: number;
  /** Of rows that have one of their own; the others go by `bytes` and `bytesPerSecond`. */
  readonly sizes: Readonly<Record<SizedRow, Size>>;
}

/**
 * Sixty-four drones share two cores here: at half a MB/s for each they are not what is measured. In memory, as
 * all of them share one disk, too.
 */
const defaults = { drones: "4,16,64", megabytes: 16, megabytesPerSecond: 0.5, rounds: 3 };

type SizedRow = "all" | "few" | "zones" | "faulty";

/** So that a row ends within a few minutes; all rows together within a quarter of an hour. */
const defaultSizes: Readonly<Record<SizedRow, { megabytes: number; megabytesPerSecond: number }>> =
  {
    // Everybody's own fetch takes as long as one, so many times, and is measured to its end, twice. What it costs all
    // drones to meet, processor time of the cores that they share here, is to be a small part of the swarm's time.
    all: { megabytes: 0.5, megabytesPerSecond: 0.25 },
    // A few drones can have wide lines, on which what a swarm costs at first is a larger part.
    few: { megabytes: 20, megabytesPerSecond: 8 },
    // The line between the zones has a tenth.
    zones: { megabytes: 2, megabytesPerSecond: 0.5 },
    faulty: { megabytes: 3, megabytesPerSecond: 0.5 },
  };

export const folderParent = "/dev/shm";
/** Groups that rows take beside those of BENCH_DRONES. */
const smallSizes = [1, 2, 3, 8];
/** More than any row takes for one commit with the sizes above. */
const limitMsMin = 5 * 60_000;
/** Everybody's own fetch, with room for what the machine does beside it. */
const limitTimes = 2;

/** When to give up: every drone could have fetched by itself, one after the other, and more. */
export function limitMsOf({ bytes, bytesPerSecond }: Size, drones: number): number {
  return limitMsMin + (bytes / bytesPerSecond) * 1_000 * drones * limitTimes;
}

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
  const sizeOf = (size: { megabytes: number; megabytesPerSecond: number }, prefix = ""): Size => ({
    bytes: number(`BENCH_${prefix}MB`, size.megabytes) * 1e6,
    bytesPerSecond: number(`BENCH_${prefix}MB_PER_SECOND`, size.megabytesPerSecond) * 1e6,
  });
  return {
    drones: drones.sort((left, right) => left - right),
    ...sizeOf(defaults),
    rounds: number("BENCH_ROUNDS", defaults.rounds),
    sizes: {
      all: sizeOf(defaultSizes.all, "ALL_"),
      few: sizeOf(defaultSizes.few, "FEW_"),
      zones: sizeOf(defaultSizes.zones, "ZONES_"),
      faulty: sizeOf(defaultSizes.faulty, "FAULTY_"),
    },
  };
}

/** In words, for the name of a figure. */
export function wordsOf({ bytes, bytesPerSecond }: Size): string {
  return `${bytes / 1e6} MB at ${bytesPerSecond / 1e6} MB/s`;
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

  /** Lines of the hub and of these drones: so wide, or unbounded. */
  shape(names: readonly string[], bytesPerSecond: number | undefined): void {
    for (const name of [hubMachine, ...names]) this.fleet.machines.shape(name, bytesPerSecond);
  }

  /** As wide as they were. */
  restore(names: readonly string[]): void {
    this.shape(names, this.#setting.bytesPerSecond);
  }
}

/** Of the first so many drones of a kind. */
export function labelOf(count: number, kind: Kind = "taking part"): string {
  return `${kind === "aloof" ? "aloof" : "first"}-${count}`;
}
