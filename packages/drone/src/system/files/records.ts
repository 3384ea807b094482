/** What was pushed where on this machine: `files/<hash of the destination>`, one record each. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { type Disk, namesIn } from "@propagit/runtime";
import {
  encodeFilesRecord,
  parseFilesRecord,
  parseRecordHead,
  type FilesRecord,
  type RecordHead,
} from "../../core/files-record.js";

/** Destinations of one drone; a guess, far above what anybody looks after. */
const recordsMax = 1_000;

export class FilesRecords {
  readonly #disk: Disk;
  readonly #folder: string;
  /** What is read again and again, by destination; the entries stay on disk. */
  readonly #heads = new Map<string, RecordHead>();

  private constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** @param folder the drone's data folder */
  static async open(disk: Disk, folder: string): Promise<FilesRecords> {
    const records = new FilesRecords(disk, join(folder, "files"));
    for (const name of await namesIn(records.#folder)) {
      if (!/^[0-9a-f]{32}$/.test(name)) continue;
      const text = (await disk.read(join(records.#folder, name))) ?? "";
      const head = parseRecordHead(text.slice(0, Math.max(0, text.indexOf("\n"))));
      if (head) records.#heads.set(head.path, head);
    }
    return records;
  }

  get heads(): readonly RecordHead[] {
    return [...this.#heads.values()];
  }

  /** Undefined when nothing was pushed there, or nobody can read what is noted. */
  async read(path: string): Promise<FilesRecord | undefined> {
    const record = parseFilesRecord((await this.#disk.read(this.#fileOf(path))) ?? "");
    return record?.path === path ? record : undefined;
  }

  /** On disk, whole, when it resolves. @throws DATA_UNUSABLE, OVERLOADED */
  async write(record: FilesRecord): Promise<void> {
    if (!this.#heads.has(record.path) && this.#heads.size >= recordsMax) {
      throw new PropagitError("OVERLOADED", `files were pushed to ${recordsMax} places here`, {
        hint: "push several folders to one place",
      });
    }
    await this.#disk.writeAtomic(this.#fileOf(record.path), encodeFilesRecord(record), {
      mode: 0o600,
    });
    const { owned: _, ...head } = record;
    this.#heads.set(record.path, head);
  }

  /** Of a destination that is gone. */
  async forget(path: string): Promise<void> {
    await this.#disk.remove(this.#fileOf(path));
    this.#heads.delete(path);
  }

  #fileOf(path: string): string {
    return join(this.#folder, createHash("sha256").update(path).digest("hex").slice(0, 32));
  }
}
