/**
 * The output of one run of an instance, in a file that the process writes itself: no pipe that dies with
 * the drone, nothing that the drone must read to keep the app going.
 *
 *     logs/REPO/SHA-SERVICE-N.log     N counts the runs; the newest few are kept
 *
 * A file over its bound is cut: its end is kept beside it (`.1`) and it begins again at 0. What is
 * written between the two steps is lost; a pipe in between would not lose it, but could block the app.
 */
import {
  copyFile,
  mkdir,
  open,
  readdir,
  rm,
  stat,
  truncate,
  type FileHandle,
} from "node:fs/promises";
import { join } from "node:path";
import { lastLinesOf, tailBytesMax } from "../core/last-lines.js";

/** Files kept for one service of a commit, so that a crash loop fills no disk. */
const filesMax = 5;
const watchMs = 2_000;

export interface OutputPlace {
  /** The folder `logs`. */
  readonly folder: string;
  readonly repo: string;
  readonly commit: string;
  readonly service: string;
  readonly bytesMax: number;
}

export class OutputFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #bytesMax: number;
  readonly #watch: NodeJS.Timeout;

  private constructor(path: string, file: FileHandle, bytesMax: number) {
    this.path = path;
    this.#file = file;
    this.#bytesMax = bytesMax;
    this.#watch = setInterval(() => void this.#cut().catch(() => undefined), watchMs);
  }

  static async create(place: OutputPlace): Promise<OutputFile> {
    const folder = join(place.folder, place.repo);
    const prefix = `${place.commit}-${place.service}-`;
    await mkdir(folder, { recursive: true });
    const numbers = await numbersIn(folder, prefix);
    for (const old of numbers.slice(0, -(filesMax - 1))) {
      await rm(join(folder, `${prefix}${old}.log`), { force: true });
      await rm(join(folder, `${prefix}${old}.log.1`), { force: true });
    }
    const path = join(folder, `${prefix}${(numbers.at(-1) ?? 0) + 1}.log`);
    return new OutputFile(path, await open(path, "a", 0o600), place.bytesMax);
  }

  /** For the process to write to. */
  get descriptor(): number {
    return this.#file.fd;
  }

  /** Gives the drone's own handle back, once the process has its own. */
  async release(): Promise<void> {
    await this.#file.close();
  }

  /** No more watching; the file stays. */
  stop(): void {
    clearInterval(this.#watch);
  }

  async lastLines(): Promise<string[]> {
    const file = await open(this.path, "r");
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - tailBytesMax);
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(tailBytesMax),
        0,
        tailBytesMax,
        start,
      );
      return lastLinesOf(buffer.toString("utf8", 0, bytesRead));
    } finally {
      await file.close();
    }
  }

  async #cut(): Promise<void> {
    const { size } = await stat(this.path);
    if (size <= this.#bytesMax) return;
    await copyFile(this.path, `${this.path}.1`);
    // The process appends, so its next line lands at the beginning.
    await truncate(this.path, 0);
  }
}

async function numbersIn(folder: string, prefix: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.startsWith(prefix) && name.endsWith(".log"))
    .map((name) => Number(name.slice(prefix.length, -".log".length)))
    .filter(Number.isInteger)
    .sort((left, right) => left - right);
}
