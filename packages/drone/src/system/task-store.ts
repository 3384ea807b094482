/**
 * Tasks on disk:
 *
 *     tasks/ID.json    what it is and how far it is, see core/task-record.ts
 *     tasks/ID.log     what it said, of one that ended
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Disk } from "@propagit/runtime";
import { outdated, readRecord, type TaskRecord } from "../core/task-record.js";
import type { TaskStore } from "../task-world.js";

const suffix = ".json";
/** What a task says may hold anything; it is for the drone's owner only. */
const mode = 0o600;

export class DiskTaskStore implements TaskStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #records: Map<string, TaskRecord>;

  private constructor(disk: Disk, folder: string, records: readonly TaskRecord[]) {
    this.#disk = disk;
    this.#folder = folder;
    this.#records = new Map(records.map((record) => [record.params.id, record]));
  }

  static async open(disk: Disk, folder: string): Promise<DiskTaskStore> {
    const names = await readdir(folder).catch(() => []);
    const records: TaskRecord[] = [];
    for (const name of names.filter((it) => it.endsWith(suffix))) {
      const record = readRecord((await disk.read(join(folder, name))) ?? "");
      if (record && `${record.params.id}${suffix}` === name) records.push(record);
      else await disk.remove(join(folder, name));
    }
    return new DiskTaskStore(disk, folder, records);
  }

  get records(): readonly TaskRecord[] {
    return [...this.#records.values()];
  }

  async write(record: TaskRecord): Promise<void> {
    const { id } = record.params;
    this.#records.set(id, record);
    await this.#disk.writeAtomic(this.#path(id, "json"), JSON.stringify(record), { mode });
    for (const old of outdated(this.records)) await this.remove(old);
  }

  async remove(id: string): Promise<void> {
    this.#records.delete(id);
    await this.#disk.remove(this.#path(id, "json"));
    await this.#disk.remove(this.#path(id, "log"));
  }

  async readLog(id: string): Promise<string> {
    return (await this.#disk.read(this.#path(id, "log"))) ?? "";
  }

  async writeLog(id: string, text: string): Promise<void> {
    await this.#disk.writeAtomic(this.#path(id, "log"), text, { mode });
  }

  #path(id: string, kind: "json" | "log"): string {
    return join(this.#folder, `${id}.${kind}`);
  }
}
