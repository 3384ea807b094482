/**
 * What should run here, on disk before it counts: a drone that is killed, or that comes up after a reboot
 * without its hub, goes on with what it was told last.
 */
import { toPropagitError } from "@propagit/protocol";
import type { DroneWorld, Joined, Remembered } from "./world.js";

export class DesireBook {
  readonly #world: Pick<DroneWorld, "memory" | "log">;
  readonly #changed: () => void;
  /** On disk. */
  #current: Remembered | undefined;
  /** To be on disk soon. */
  #next: Remembered | undefined;
  #isWriting = false;
  #written: Promise<void> = Promise.resolve();

  /** @param changed called when what is on disk is another */
  constructor(world: Pick<DroneWorld, "memory" | "log">, changed: () => void) {
    this.#world = world;
    this.#changed = changed;
  }

  /** Undefined until a hub took the drone in, in this life or an earlier one. */
  get current(): Remembered | undefined {
    return this.#current;
  }

  async load(): Promise<void> {
    this.#current = await this.#world.memory.read();
    this.#next = this.#current;
  }

  joined(joined: Joined): void {
    const nothing = { assignments: [], keep: [], specifications: [], resting: [] };
    const before = this.#next ?? { joined, ...nothing };
    if (this.#next && JSON.stringify(before.joined) === JSON.stringify(joined)) return;
    this.#write({ ...before, joined });
  }

  /** Changes what is remembered; counts once it is on disk. */
  change(make: (before: Remembered) => Remembered): void {
    if (!this.#next) return;
    const next = make(this.#next);
    if (next !== this.#next) this.#write(next);
  }

  #write(next: Remembered): void {
    this.#next = next;
    if (!this.#isWriting) this.#written = this.#writeAll();
  }

  /** Resolves once nothing is being written. */
  flushed(): Promise<void> {
    return this.#written;
  }

  /** One after the other; what was replaced before its turn is never written. */
  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#next && this.#next !== this.#current) {
      const next = this.#next;
      await this.#world.memory.write(next).catch((thrown: unknown) => {
        // It counts all the same: a full disk must not keep anything from being stopped or moved.
        const { message } = toPropagitError(thrown);
        this.#world.log.warn(`what should run here was not noted: ${message}`);
      });
      this.#current = next;
      this.#changed();
    }
    this.#isWriting = false;
  }
}
