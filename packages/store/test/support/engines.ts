/** Every engine, each opened fresh; what was opened is closed and removed with the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMemoryStore, openSqliteStore, type Store } from "../../src/index.js";

export const engines: Readonly<Record<string, (path: string) => Promise<Store>>> = {
  "in memory": async () => openMemoryStore(),
  "in an SQLite file": openSqliteStore,
};

export class Stores {
  readonly #open: (path: string) => Promise<Store>;
  readonly #folder = mkdtempSync(join(tmpdir(), "propagit-store-"));
  readonly #stores: Store[] = [];

  constructor(open: (path: string) => Promise<Store>) {
    this.#open = open;
  }

  async fresh(): Promise<Store> {
    const store = await this.#open(join(this.#folder, `${this.#stores.length}.db`));
    this.#stores.push(store);
    return store;
  }

  async remove(): Promise<void> {
    for (const store of this.#stores) await store.close();
    rmSync(this.#folder, { recursive: true });
  }
}
