/** Ends of tasks of plans on disk: `commands/<hash of the key>`, one record each. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { namesIn, type Disk } from "@propagit/runtime";
import type { CommandStore } from "../command-world.js";
import {
  encodeCommandRecord,
  parseCommandRecord,
  type CommandRecord,
} from "../core/command-record.js";

/** The newest: far more than any hub asks again for. Some 5 MB of disk. */
const keptMax = 5_000;
/** What a task says may hold anything; it is for the drone's owner only. */
const mode = 0o600;

export class DiskCommandStore implements CommandStore {
  readonly #disk: Disk;
  readonly #folder: string;
  /** Names of files, oldest first. */
  readonly #names: Set<string>;

  private constructor(disk: Disk, folder: string, names: readonly string[]) {
    this.#disk = disk;
    this.#folder = folder;
    this.#names = new Set(names);
  }

  static async open(disk: Disk, folder: string): Promise<DiskCommandStore> {
    const names = (await namesIn(folder)).filter((name) => /^[0-9a-f]{32}$/.test(name));
    const aged = await Promise.all(
      names.map(async (name) => ({ name, at: await writtenAt(join(folder, name)) })),
    );
    aged.sort((left, right) => left.at - right.at);
    const store = new DiskCommandStore(
      disk,
      folder,
      aged.map(({ name }) => name),
    );
    await store.#prune();
    return store;
  }

  async read(key: string): Promise<CommandRecord | undefined> {
    const name = nameOf(key);
    if (!this.#names.has(name)) return undefined;
    const text = (await this.#disk.read(join(this.#folder, name))) ?? "";
    // Of one that cannot be read only that is known: it was begun.
    return parseCommandRecord(text, key) ?? { key };
  }

  async write(record: CommandRecord): Promise<void> {
    const name = nameOf(record.key);
    this.#names.delete(name);
    this.#names.add(name);
    await this.#disk.writeAtomic(join(this.#folder, name), encodeCommandRecord(record), { mode });
    await this.#prune();
  }

  async #prune(): Promise<void> {
    for (const name of this.#names) {
      if (this.#names.size <= keptMax) return;
      this.#names.delete(name);
      await this.#disk.remove(join(this.#folder, name));
    }
  }
}

function nameOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 32);
}

async function writtenAt(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}
