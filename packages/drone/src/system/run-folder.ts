/**
 * What is on disk about one process, so that the next life of the drone takes it over:
 *
 *     run/PROCESS/note.json   what it is, and during which boot it was started; there before the process is
 *     run/PROCESS/shim        who the shim is: its line of /proc/PID/stat
 *     run/PROCESS/pid         who the app is, as above
 *     run/PROCESS/alive       a FIFO that shim and app hold open, see shim-pipe.ts
 *     run/PROCESS/exit        how the app ended: a number and a new line
 *
 * `shim`, `pid` and `exit` are there with blanks in them before the process starts, and are written over:
 * a disk that is full by then keeps nobody from telling how it ended. Nothing is flushed to the disk: after
 * a power cut there are no processes to find.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseJson } from "@propagit/protocol";
import type { ProcessIdentity } from "@propagit/runtime";
import type { InstanceNote } from "../world.js";
import { diskError } from "./disk-error.js";

const run = promisify(execFile);

/** A line of /proc/PID/stat has 52 numbers of at most 20 digits, and a name of at most 64 characters. */
const statBytes = 1_200;
const exitBytes = 8;

export interface KnownProcess extends ProcessIdentity {
  readonly group: number;
}

export interface ReadNote {
  readonly note: InstanceNote;
  /** The boot during which it was started. */
  readonly boot: string;
}

export class RunFolder {
  readonly path: string;
  /** PROCESS_ID, by the folder's name. */
  readonly process: string;

  constructor(parent: string, process: string) {
    this.path = join(parent, process);
    this.process = process;
  }

  /** Of all processes that this drone started and has not seen the end of. */
  static async list(parent: string): Promise<readonly RunFolder[]> {
    const names = await readdir(parent).catch(() => []);
    return names.map((name) => new RunFolder(parent, name));
  }

  get pipe(): string {
    return join(this.path, "alive");
  }

  /** @throws DATA_UNUSABLE: what cannot be remembered must not be started */
  async create(note: InstanceNote, boot: string): Promise<void> {
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
      await this.writeNote(note, boot);
      await writeFile(join(this.path, "shim"), " ".repeat(statBytes), { mode: 0o600 });
      await writeFile(join(this.path, "pid"), " ".repeat(statBytes), { mode: 0o600 });
      await writeFile(join(this.path, "exit"), " ".repeat(exitBytes), { mode: 0o600 });
      // Node has no call for it.
      await run("mkfifo", ["-m", "600", this.pipe]);
    } catch (thrown) {
      await this.remove().catch(() => undefined);
      throw diskError(this.path, thrown);
    }
  }

  /** In one step: after a crash there is the old note or the new one. */
  async writeNote(note: InstanceNote, boot: string): Promise<void> {
    const path = join(this.path, "note.json");
    await writeFile(`${path}.new`, `${JSON.stringify({ boot, note })}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  /** Undefined when there is none that can be read. */
  async readNote(): Promise<ReadNote | undefined> {
    const text = await this.#read("note.json");
    const { boot, note } = (parseJson(text) ?? {}) as Partial<ReadNote>;
    if (typeof boot !== "string" || !isNote(note) || note.process !== this.process)
      return undefined;
    return { boot, note };
  }

  /** Undefined until it has started. */
  async readShim(): Promise<KnownProcess | undefined> {
    return parseStat(await this.#read("shim"));
  }

  /** Undefined until it has started. */
  async readApp(): Promise<KnownProcess | undefined> {
    return parseStat(await this.#read("pid"));
  }

  /** What the shell said about the end of the app: over 128 it was a signal; undefined before. */
  async readExit(): Promise<number | undefined> {
    const code = /^(\d{1,3})\n/.exec(await this.#read("exit"))?.[1];
    return code === undefined ? undefined : Number(code);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async #read(name: string): Promise<string> {
    return readFile(join(this.path, name), "utf8").catch(() => "");
  }
}

/** A whole line of /proc/PID/stat (proc(5)), or the pid alone where there is no /proc. */
function parseStat(text: string): KnownProcess | undefined {
  const end = text.indexOf("\n");
  if (end < 0) return undefined;
  const line = text.slice(0, end);
  const pid = Number.parseInt(line, 10);
  if (!Number.isInteger(pid) || pid < 2) return undefined;
  const close = line.lastIndexOf(")");
  if (close < 0) return { pid, group: pid, startTime: "" };
  const fields = line.slice(close + 2).split(" ");
  return { pid, group: Number(fields[2]), startTime: fields[19] ?? "" };
}

const texts = ["process", "repo", "commit", "deployment", "environment", "artifact", "service"];
const numbers = ["release", "slot", "restarts", "startedAt"];

function isNote(value: unknown): value is InstanceNote {
  if (typeof value !== "object" || value === null) return false;
  const note = value as Readonly<Record<string, unknown>>;
  return (
    texts.every((key) => typeof note[key] === "string") &&
    numbers.every((key) => typeof note[key] === "number") &&
    typeof note["wasReady"] === "boolean" &&
    Array.isArray(note["records"]) &&
    typeof note["ports"] === "object" &&
    note["ports"] !== null
  );
}
