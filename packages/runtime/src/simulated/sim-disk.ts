import { PropagitError } from "@propagit/protocol";
import type { Disk } from "../disk.js";

/** Files in memory that outlive a simulated process; can be full. */
export class SimDisk implements Disk {
  isFull = false;
  readonly #files = new Map<string, string>();

  async read(path: string): Promise<string | undefined> {
    return this.#files.get(path);
  }

  async writeAtomic(path: string, content: string): Promise<void> {
    if (this.isFull) throw new PropagitError("DATA_UNUSABLE", `${path} cannot be used: ENOSPC`);
    this.#files.set(path, content);
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path);
  }
}
