/**
 * The registry's way to its store: writes go out in order and together, the newest of each key only.
 *
 * A disk that is full does not stop the registry: taking every new service of a cluster down with it
 * would be worse than to forget, in the next restart, what could not be written. It is said loudly, and
 * tried again until it works.
 */
import { toPropagitError } from "@propagit/protocol";
import type { Timer, World } from "@propagit/runtime";
import { storeLimits, type Store, type Write } from "@propagit/store";

/** Pause before writes that failed are tried again. */
const retryMs = 1_000;

export class Memory {
  readonly #world: World;
  readonly #store: Store;
  readonly #waiting = new Map<string, Write>();
  #writing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #hasFailed = false;

  constructor(world: World, store: Store) {
    this.#world = world;
    this.#store = store;
  }

  /** Writes; resolves when it is on disk, or when the disk has refused it and that was said. */
  async keep(writes: readonly Write[]): Promise<void> {
    for (const write of writes) this.#waiting.set(write.key, write);
    if (writes.length === 0) return;
    // A round that has begun may have left before these writes came; the next one takes them.
    await this.#writing;
    await this.#round();
  }

  /** Waits for what is being written and gives up on what cannot be. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#writing;
    await this.#round();
    this.#timer?.cancel();
  }

  #round(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const writes = [...this.#waiting.values()].slice(0, storeLimits.writes);
      try {
        await this.#store.transact({ writes });
      } catch (thrown) {
        this.#sayFailure(thrown);
        return;
      }
      for (const write of writes) {
        if (this.#waiting.get(write.key) === write) this.#waiting.delete(write.key);
      }
    }
    if (this.#hasFailed) this.#world.log.info("the data can be written again");
    this.#hasFailed = false;
  }

  #sayFailure(thrown: unknown): void {
    if (!this.#hasFailed) {
      const { message } = toPropagitError(thrown);
      this.#world.log.warn(
        `the data cannot be written: ${message}; going on from memory and trying again every ${retryMs / 1000} s`,
      );
    }
    this.#hasFailed = true;
    this.#timer?.cancel();
    this.#timer = this.#world.clock.after(retryMs, () => void this.#round());
  }
}
