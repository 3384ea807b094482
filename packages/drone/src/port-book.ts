/** Ports promised to instances, so that two that start at the same moment never get the same one. */
import type { PortRange } from "@propagit/runtime";
import type { Ports } from "./world.js";

export class PortBook {
  readonly #ports: Ports;
  readonly #range: PortRange;
  readonly #promised = new Map<string, number>();
  /** Picks happen one after the other: between looking and promising nobody else looks. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: Ports, range: PortRange) {
    this.#ports = ports;
    this.#range = range;
  }

  /**
   * The wanted port when it is still free, else another.
   *
   * @throws NO_FREE_PORT
   */
  pick(process: string, wanted: number | undefined): Promise<number> {
    const picked = this.#last.then(() => this.#pick(process, wanted));
    this.#last = picked.catch(() => undefined);
    return picked;
  }

  release(process: string): void {
    this.#promised.delete(process);
  }

  async #pick(process: string, wanted: number | undefined): Promise<number> {
    this.#promised.delete(process);
    const taken = new Set(this.#promised.values());
    const port = await this.#ports.pick({
      range: this.#range,
      wanted,
      avoid: (candidate) => taken.has(candidate),
    });
    this.#promised.set(process, port);
    return port;
  }
}
