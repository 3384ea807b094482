/**
 * Runs in a folder, for engines that have no hub's store: one folder for each run.
 *
 *     <id>/run      {"version":1,"at":…}      every line with the start of its SHA-256 before it
 *                   {the plan}
 *                   [events of a batch] …     appended, synced
 *     <id>/end      what became of it, once it is over
 *     <id>/lock     whoever carries it out
 *
 * A line that was cut short by a crash can only be the last: it was never acknowledged, and is dropped. Any
 * other damage is refused, since a run that forgot something would do it twice.
 */
import { createHash } from "node:crypto";
import { open, readFile, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { parseJson, PropagitError } from "@propagit/protocol";
import {
  errnoOf,
  lockFolder,
  makeFolder,
  namesIn,
  nodeDisk,
  syncFolder,
  type FolderLock,
} from "@propagit/runtime";
import type { RunSummary } from "../core/run-status.js";
import type { Plan } from "../plan.js";
import type { RunEvent } from "../run-event.js";
import type { Journal, RunHead } from "../world.js";
import { Turns } from "./turns.js";

/** Raised with each change of the file; a newer one is refused. */
const version = 1;
const sumChars = 16;
/** Of a file's beginning: its first line is in them. */
const headBytes = 256;
/** What can be the name of a folder, and is none of ours. */
const idPattern = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

interface Header {
  readonly version: number;
  readonly at: number;
}

/** A run that this process carries out. */
interface Held {
  readonly lock: FolderLock;
  readonly file: FileHandle;
  /** Bytes that are whole and on disk. */
  length: number;
  /** There may be something after them. */
  isTorn: boolean;
}

/**
 * @param folder made if need be
 * @throws DATA_UNUSABLE when it cannot be made or written
 * @example
 * const journal = await openFolderJournal("/var/lib/propagit/plans");
 */
export async function openFolderJournal(folder: string): Promise<Journal> {
  await guarded(folder, () => makeFolder(folder, 0o700));
  return new FolderJournal(folder);
}

class FolderJournal implements Journal {
  readonly #folder: string;
  readonly #held = new Map<string, Held>();
  readonly #turns = new Turns();
  #newestAt = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async create(run: string, plan: Plan): Promise<void> {
    if (!idPattern.test(run)) {
      throw new PropagitError("BAD_NAME", `${run} cannot be the id of a plan's run`);
    }
    const folder = join(this.#folder, run);
    await guarded(folder, () => makeFolder(folder, 0o700));
    if (await isThere(this.#file(run))) throw exists(run);
    const lock = await this.#lock(run);
    if (!lock) throw exists(run);
    try {
      // Newer than any other, also of the same millisecond.
      this.#newestAt = Math.max(Date.now(), this.#newestAt + 1);
      const header: Header = { version, at: this.#newestAt };
      const text = lineOf(header) + lineOf(plan);
      await nodeDisk.writeAtomic(this.#file(run), text, { mode: 0o600 });
      await guarded(this.#folder, () => syncFolder(this.#folder));
      await this.#hold(run, lock, Buffer.byteLength(text));
    } catch (thrown) {
      await lock.release();
      throw thrown;
    }
  }

  append(run: string, events: readonly RunEvent[]): Promise<void> {
    return this.#turns.take(run, () => this.#append(run, events));
  }

  async read(run: string): Promise<{ readonly plan: Plan; readonly events: readonly RunEvent[] }> {
    const { values } = await this.#readAll(run);
    const [, plan, ...batches] = values;
    return { plan: plan as Plan, events: (batches as RunEvent[][]).flat() };
  }

  async list(): Promise<readonly RunHead[]> {
    const names = await guarded(this.#folder, () => namesIn(this.#folder));
    const heads: { readonly head: RunHead; readonly at: number }[] = [];
    for (const run of names.filter((name) => idPattern.test(name))) {
      const at = await this.#createdAt(run);
      if (at === undefined) continue;
      const summary = parseJson((await nodeDisk.read(this.#end(run))) ?? "");
      const end = summary === undefined ? {} : { summary: summary as RunSummary };
      heads.push({ head: { run, ...end }, at });
    }
    return heads.sort((left, right) => right.at - left.at).map(({ head }) => head);
  }

  async conclude(run: string, summary: RunSummary | undefined): Promise<void> {
    if (!(await isThere(this.#file(run)))) throw noPlan(run);
    if (summary === undefined) await nodeDisk.remove(this.#end(run));
    else await nodeDisk.writeAtomic(this.#end(run), JSON.stringify(summary), { mode: 0o600 });
  }

  async take(run: string): Promise<boolean> {
    if (this.#held.has(run)) return true;
    if (!(await isThere(this.#file(run)))) throw noPlan(run);
    const lock = await this.#lock(run);
    if (!lock) return false;
    try {
      await this.#hold(run, lock, (await this.#readAll(run)).length);
      return true;
    } catch (thrown) {
      await lock.release();
      throw thrown;
    }
  }

  async release(run: string): Promise<void> {
    const held = this.#held.get(run);
    this.#held.delete(run);
    await held?.file.close();
    await held?.lock.release();
  }

  async remove(run: string): Promise<void> {
    if (!idPattern.test(run)) return;
    // Without its file it is no run, whatever else is left.
    await guarded(this.#file(run), () => rm(this.#file(run), { force: true }));
    await this.release(run);
    const folder = join(this.#folder, run);
    await guarded(folder, () => rm(folder, { recursive: true, force: true }));
  }

  async close(): Promise<void> {
    for (const run of this.#held.keys()) await this.release(run);
  }

  async #append(run: string, events: readonly RunEvent[]): Promise<void> {
    const held = this.#held.get(run);
    if (!held) throw noPlan(run);
    const line = Buffer.from(lineOf(events));
    await guarded(this.#file(run), async () => {
      if (held.isTorn) await held.file.truncate(held.length);
      held.isTorn = true;
      await writeWhole(held.file, line, held.length);
      await held.file.datasync();
    });
    held.isTorn = false;
    held.length += line.length;
  }

  async #hold(run: string, lock: FolderLock, length: number): Promise<void> {
    const file = await guarded(this.#file(run), () => open(this.#file(run), "r+"));
    const { size } = await file.stat();
    this.#held.set(run, { lock, file, length, isTorn: size > length });
  }

  /** Undefined when another process has it. */
  async #lock(run: string): Promise<FolderLock | undefined> {
    try {
      return await lockFolder(join(this.#folder, run));
    } catch (thrown) {
      if (thrown instanceof PropagitError && thrown.code === "DATA_IN_USE") return undefined;
      throw thrown;
    }
  }

  /** What its lines say, and how many bytes of them are whole. */
  async #readAll(run: string): Promise<{ values: readonly unknown[]; length: number }> {
    const text = await readIfThere(this.#file(run));
    if (text === undefined) throw noPlan(run);
    const values: unknown[] = [];
    let length = 0;
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, length)) {
      const value = valueOf(text.subarray(length, end));
      if (value === undefined) {
        // What comes after it was written later, so it was whole once.
        if (end + 1 < text.length) throw damaged(run, `line ${values.length + 1} was changed`);
        break;
      }
      values.push(value);
      length = end + 1;
    }
    const header = values[0] as Header | undefined;
    if (header && header.version > version) throw damaged(run, "a newer version wrote it");
    if (values.length < 2) throw damaged(run, "its plan is not whole");
    return { values, length };
  }

  async #createdAt(run: string): Promise<number | undefined> {
    const start = await readStart(this.#file(run));
    if (start === undefined) return undefined;
    const header = valueOf(start.subarray(0, Math.max(0, start.indexOf(10))));
    // One that is damaged is listed, so that somebody learns of it.
    return (header as Header | undefined)?.at ?? 0;
  }

  #file(run: string): string {
    return join(this.#folder, run, "run");
  }

  #end(run: string): string {
    return join(this.#folder, run, "end");
  }
}

function lineOf(value: unknown): string {
  const text = JSON.stringify(value);
  return `${sumOf(text)} ${text}\n`;
}

function valueOf(line: Buffer): unknown {
  const text = line.subarray(sumChars + 1);
  const isWhole = line.subarray(0, sumChars).toString("latin1") === sumOf(text);
  return isWhole ? parseJson(text.toString("utf8")) : undefined;
}

function sumOf(text: string | Buffer): string {
  return createHash("sha256").update(text).digest("hex").slice(0, sumChars);
}

async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  return guarded(path, async () => {
    try {
      return await readFile(path);
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
  });
}

async function readStart(path: string): Promise<Buffer | undefined> {
  return guarded(path, async () => {
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  });
}

async function isThere(path: string): Promise<boolean> {
  return (await readStart(path)) !== undefined;
}

function isMissing(thrown: unknown): boolean {
  return errnoOf(thrown) === "ENOENT" || errnoOf(thrown) === "ENOTDIR";
}

/** What the disk says is the catalogue's DATA_UNUSABLE. */
async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof PropagitError) throw thrown;
    const reason = errnoOf(thrown) ?? String(thrown);
    throw new PropagitError("DATA_UNUSABLE", `${path} cannot be used: ${reason}`, {
      cause: thrown,
    });
  }
}

function exists(run: string): PropagitError {
  return new PropagitError("EXISTS", `there is a plan ${run} already`);
}

function noPlan(run: string): PropagitError {
  return new PropagitError("NO_PLAN", `there is no plan ${run}`);
}

function damaged(run: string, why: string): PropagitError {
  return new PropagitError("DATA_UNUSABLE", `the journal of plan ${run} is damaged: ${why}`);
}
