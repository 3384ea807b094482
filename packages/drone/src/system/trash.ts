/**
 * What is to be removed: a rename takes it out of the way at once, its files go in the background, also in
 * the next life when this one ends before they are gone.
 */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, type Random } from "@propagit/runtime";

export class Trash {
  readonly #folder: string;
  readonly #random: Random;
  #emptying: Promise<void> = Promise.resolve();

  /** @param folder on the same file system as everything that is thrown into it */
  constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#random = random;
  }

  /** Takes a file or folder away; whether it was there. */
  async take(path: string): Promise<boolean> {
    await mkdir(this.#folder, { recursive: true });
    try {
      await rename(path, join(this.#folder, this.#random.hex(16)));
    } catch (thrown) {
      if (errnoOf(thrown) === "ENOENT") return false;
      throw thrown;
    }
    this.empty();
    return true;
  }

  /** Begins to remove what lies here, one thing after the other: a start should not wait for the disk. */
  empty(): void {
    this.#emptying = this.#emptying.then(() => this.#removeAll()).catch(() => undefined);
  }

  /** Resolves when what was thrown away so far is gone. */
  emptied(): Promise<void> {
    return this.#emptying;
  }

  async #removeAll(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) await rm(join(this.#folder, name), { recursive: true, force: true });
  }
}
