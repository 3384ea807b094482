/**
 * Writes the access log: lines are gathered in memory and written together, so that a request waits for no
 * disk. What comes faster than the disk takes it is left out, and counted in the log itself.
 *
 *     FILE        what is written now
 *     FILE.1 …    the parts before, the newest first; the oldest goes when a part is full
 */
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { PropagitError } from "@propagit/protocol";
import { errnoOf, type Clock, type Log, type Timer } from "@propagit/runtime";
import { encodeDropped } from "../core/access-line.js";

export interface AccessLogOptions {
  /** A file, or `-` for the standard output. */
  readonly path: string;
  /** Of one part, in bytes; default 100 MB. */
  readonly partBytesMax?: number;
  /** Parts beside the one that is written; default 5. */
  readonly partsKept?: number;
  readonly clock: Clock;
  readonly log: Log;
}

const partBytesMaxDefault = 100 * 1024 * 1024;
const partsKeptDefault = 5;
/** Until gathered lines are written: a `tail -f` seems live, a busy proxy writes five times a second. */
const gatherMs = 200;
/** Written at once when so much has gathered. */
const gatherChars = 256 * 1024;
/** In memory at most; some seconds' worth of a busy proxy. */
const pendingCharsMax = 16 * 1024 * 1024;
/** Between two complaints about a disk that takes nothing. */
const complainMs = 60_000;

export class AccessLog {
  readonly #options: AccessLogOptions;
  /** Undefined: the standard output. */
  #file: FileHandle | undefined;
  #partBytes: number;
  #pending: string[] = [];
  #pendingChars = 0;
  #dropped = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #complainedAt = -Infinity;

  private constructor(options: AccessLogOptions, file: FileHandle | undefined, bytes: number) {
    this.#options = options;
    this.#file = file;
    this.#partBytes = bytes;
  }

  /** @throws DATA_UNUSABLE when the file cannot be written */
  static async open(options: AccessLogOptions): Promise<AccessLog> {
    if (options.path === "-") return new AccessLog(options, undefined, 0);
    try {
      const file = await openPart(options.path);
      return new AccessLog(options, file, (await file.stat()).size);
    } catch (thrown) {
      const why = errnoOf(thrown) ?? String(thrown);
      throw new PropagitError("DATA_UNUSABLE", `the access log ${options.path}: ${why}`, {
        hint: "name a file in a folder that exists and may be written with --access-log",
        cause: thrown,
      });
    }
  }

  /** Takes one or more whole lines. */
  write(lines: string): void {
    if (this.#pendingChars + lines.length > pendingCharsMax) {
      this.#dropped += countLines(lines);
      return;
    }
    this.#pending.push(lines);
    this.#pendingChars += lines.length;
    if (this.#pendingChars >= gatherChars) this.#writeSoon();
    else this.#timer ??= this.#options.clock.after(gatherMs, () => this.#writeSoon());
  }

  /** Resolves when all that was taken so far is written, or could not be. */
  async flush(): Promise<void> {
    this.#writeSoon();
    await this.#writing;
  }

  async stop(): Promise<void> {
    await this.flush();
    await this.#file?.close();
  }

  #writeSoon(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writing = this.#writeAll().finally(() => {
      this.#isWriting = false;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      if (this.#dropped > 0) {
        this.#pending.push(encodeDropped(this.#options.clock.now(), this.#dropped));
        this.#dropped = 0;
      }
      const lines = this.#pending.join("");
      this.#pending = [];
      this.#pendingChars = 0;
      try {
        await this.#writeLines(lines);
      } catch (thrown) {
        this.#dropped += countLines(lines);
        this.#complain(thrown);
        return;
      }
    }
  }

  async #writeLines(lines: string): Promise<void> {
    if (this.#options.path === "-") {
      await new Promise<void>((resolve, reject) => {
        process.stdout.write(lines, (error) => (error ? reject(error) : resolve()));
      });
      return;
    }
    const { partBytesMax = partBytesMaxDefault } = this.#options;
    if (this.#partBytes > partBytesMax || this.#file === undefined) await this.#turn();
    const bytes = Buffer.from(lines);
    await this.#file?.appendFile(bytes);
    this.#partBytes += bytes.length;
  }

  /** Begins a new part. When that fails halfway, the next lines try again. */
  async #turn(): Promise<void> {
    const { path, partsKept = partsKeptDefault } = this.#options;
    await this.#file?.close();
    this.#file = undefined;
    if (partsKept > 0) {
      for (let part = partsKept - 1; part >= 1; part--) {
        await rename(`${path}.${part}`, `${path}.${part + 1}`).catch(unlessMissing);
      }
      await rename(path, `${path}.1`).catch(unlessMissing);
    } else {
      await rm(path, { force: true });
    }
    this.#file = await openPart(path);
    this.#partBytes = (await this.#file.stat()).size;
  }

  #complain(thrown: unknown): void {
    const { clock, log, path } = this.#options;
    const now = clock.monotonic();
    if (now - this.#complainedAt < complainMs) return;
    this.#complainedAt = now;
    const why = errnoOf(thrown) ?? String(thrown);
    log.warn(`the access log ${path} cannot be written: ${why}; lines are left out meanwhile`);
  }
}

/** Others may not read who visited what. */
function openPart(path: string): Promise<FileHandle> {
  return open(path, "a", 0o600);
}

function unlessMissing(thrown: unknown): void {
  if (errnoOf(thrown) !== "ENOENT") throw thrown;
}

function countLines(lines: string): number {
  return lines.split("\n").length - 1;
}
