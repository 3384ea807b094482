/** The pools of all endpoints, by address. */
import { EndpointPool, type PoolOptions } from "./endpoint-pool.js";
import type { Ticking } from "./sweep.js";

export class EndpointPools implements Ticking {
  readonly #options: PoolOptions;
  readonly #pools = new Map<string, EndpointPool>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  of(address: string): EndpointPool {
    const known = this.#pools.get(address);
    if (known !== undefined) return known;
    const pool = new EndpointPool(address, this.#options);
    this.#pools.set(address, pool);
    this.#options.sweep.add(this);
    return pool;
  }

  inFlight(address: string): number {
    return this.#pools.get(address)?.inFlight ?? 0;
  }

  /** Connections to other addresses are not kept; what is on its way on them goes on. */
  retain(addresses: ReadonlySet<string>): void {
    for (const [address, pool] of this.#pools) {
      if (!addresses.has(address)) pool.retire();
      else pool.isRetired = false;
    }
  }

  counts(): { endpoints: number; idleEndpoints: number; inFlight: number } {
    const counts = { endpoints: 0, idleEndpoints: 0, inFlight: 0 };
    for (const pool of this.#pools.values()) {
      counts.endpoints += pool.count;
      counts.idleEndpoints += pool.idleCount;
      counts.inFlight += pool.inFlight;
    }
    return counts;
  }

  tick(nowMs: number): void {
    for (const [address, pool] of this.#pools) {
      pool.tick(nowMs);
      if (pool.isEmpty) this.#pools.delete(address);
    }
    if (this.#pools.size === 0) this.#options.sweep.delete(this);
  }

  destroy(): void {
    for (const pool of this.#pools.values()) pool.destroy();
    this.#pools.clear();
    this.#options.sweep.delete(this);
  }
}
