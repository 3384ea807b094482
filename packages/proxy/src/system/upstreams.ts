/** Connections to endpoints: one pool per address, gone when the endpoint is. */
import { Pool } from "undici";
import { loadMax } from "../core/decision.js";

/** A neighbour in the same network connects in milliseconds; a lost SYN is sent again after one second. */
const connectMsMax = 3_000;
/** Below the 5 s after which Node closes a kept connection, so that the race is rare. */
const keepAliveMs = 4_000;
/** Longest head of an answer: four times what Node takes in a request, for apps with many cookies. */
const headBytesMax = 64 * 1024;
/** Longest silence within an answer or an upgraded connection: for event streams that rarely speak. */
export const idleMsMax = 60 * 60 * 1000;

export class Upstreams {
  readonly #pools = new Map<string, Pool>();

  poolOf(address: string): Pool {
    const known = this.#pools.get(address);
    if (known) return known;
    const pool = new Pool(`http://${address}`, {
      // The decision keeps the load below this, so that nothing ever waits inside the pool.
      connections: loadMax,
      pipelining: 1,
      connect: { timeout: connectMsMax },
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: headBytesMax,
      // The head has a deadline of our own, which also covers connecting.
      headersTimeout: 0,
      bodyTimeout: idleMsMax,
    });
    this.#pools.set(address, pool);
    return pool;
  }

  /** Ends the pools of all other addresses; what is on its way in them finishes. */
  retain(addresses: ReadonlySet<string>): void {
    for (const [address, pool] of this.#pools) {
      if (addresses.has(address)) continue;
      this.#pools.delete(address);
      // Closing only waits; what happens to each request is told to that request.
      pool.close().catch(() => undefined);
    }
  }

  /** Ends everything at once. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}
