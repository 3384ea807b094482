/**
 * What the drone remembers, in its data folder:
 *
 *     desired.json   what it should run, settings hidden
 *     lease.json     the lease in the registry that its records are under
 *     key            hides the settings; made in the first life, readable by the drone's user only
 */
import { join } from "node:path";
import { toPropagitError } from "@propagit/protocol";
import type { World } from "@propagit/runtime";
import { decodeDesire, decodeLease, encodeDesire, type Hider } from "../core/stored-desire.js";
import type { Memory, Remembered, RememberedLease } from "../world.js";

type MemoryWorld = Pick<World, "disk" | "crypto" | "random" | "log">;

export function openMemory(world: MemoryWorld, folder: string, hider: Hider): Memory {
  return new FolderMemory(world, folder, hider);
}

/** Hides what is kept on disk by the drone's own key. @throws DATA_UNUSABLE when that cannot be made */
export async function openHider(world: MemoryWorld, folder: string): Promise<Hider> {
  return hiderOf(world, await readKey(world, join(folder, "key")));
}

class FolderMemory implements Memory {
  readonly #world: MemoryWorld;
  readonly #hider: Hider;
  readonly #desired: string;
  readonly #lease: string;

  constructor(world: MemoryWorld, folder: string, hider: Hider) {
    this.#world = world;
    this.#hider = hider;
    this.#desired = join(folder, "desired.json");
    this.#lease = join(folder, "lease.json");
  }

  async read(): Promise<Remembered | undefined> {
    const text = await this.#readText(this.#desired);
    if (text === undefined) return undefined;
    const { log } = this.#world;
    const decoded = decodeDesire(text, this.#hider);
    if (!decoded) {
      log.warn(`${this.#desired} is damaged: what should run here is known when the hub says it`);
    } else if (decoded.unread > 0) {
      const what = `${decoded.unread} deployment(s) in ${this.#desired} cannot be read`;
      log.warn(`${what}: they were hidden by another key, or are damaged; the hub is asked again`);
    }
    return decoded?.remembered;
  }

  async write(remembered: Remembered): Promise<void> {
    const text = encodeDesire(remembered, this.#hider);
    await this.#world.disk.writeAtomic(this.#desired, text, { mode: 0o600 });
  }

  async readLease(): Promise<RememberedLease | undefined> {
    const text = await this.#readText(this.#lease);
    const lease = text === undefined ? undefined : decodeLease(text);
    if (text !== undefined && !lease) {
      this.#world.log.warn(`${this.#lease} is damaged: records in the registry are made anew`);
    }
    return lease;
  }

  async writeLease(lease: RememberedLease): Promise<void> {
    await this.#world.disk.writeAtomic(this.#lease, JSON.stringify(lease), { mode: 0o600 });
  }

  async #readText(path: string): Promise<string | undefined> {
    return this.#world.disk.read(path).catch((thrown: unknown) => {
      this.#world.log.warn(toPropagitError(thrown).message);
      return undefined;
    });
  }
}

async function readKey({ disk, random, log }: MemoryWorld, path: string): Promise<string> {
  const known = (await disk.read(path))?.trim();
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return known;
  if (known !== undefined) log.warn(`${path} is damaged; a new key is made`);
  const key = random.hex(64);
  await disk.writeAtomic(path, `${key}\n`, { mode: 0o600 });
  return key;
}

function hiderOf({ crypto }: MemoryWorld, key: string): Hider {
  return {
    hide: (text) => crypto.encrypt(key, text),
    show: (hidden) => crypto.decrypt(key, hidden),
  };
}
