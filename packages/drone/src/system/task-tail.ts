/**
 * Follows the output file of a task while it is written, at a bounded rate: of a flood only the newest part
 * is read, and the file itself is cut when it grows too large.
 */
import { fstatSync, ftruncateSync, readSync } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import type { TaskListener } from "../task-world.js";

/** A person who watches sees no delay; a look at a file that does not grow costs nothing. */
const lookMs = 100;
/** Read with one look; of more than that the end. */
const readBytesMax = 1024 * 1024;
/** Of its beginning this much is read in any case. */
const headBytes = 64 * 1024;
/** The file begins again above it, see cut(). */
const fileBytesMax = 64 * 2 ** 20;

export class TaskTail {
  readonly #path: string;
  readonly #listener: TaskListener;
  readonly #decoder = new StringDecoder("utf8");
  #at = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;
  #hasBegun = false;

  constructor(path: string, listener: TaskListener) {
    this.#path = path;
    this.#listener = listener;
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Tells what is left; nobody writes any more. */
  async finish(): Promise<void> {
    const wasStopped = this.#isStopped;
    this.stop();
    await this.#looking;
    if (wasStopped) return;
    await this.#look().catch(() => undefined);
    const rest = this.#decoder.end();
    if (rest !== "") this.#listener(rest, 0);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      // A file that cannot be read now may be read later; the task goes on in any case.
      this.#looking = this.#look().catch(() => undefined);
      void this.#looking.then(() => this.#schedule());
    }, lookMs);
  }

  /** However much there is: causes stand at the beginning. */
  async #begin(file: FileHandle, size: number): Promise<void> {
    const buffer = await readPart(file, 0, Math.min(size, headBytes));
    this.#hasBegun = true;
    this.#at = buffer.length;
    this.#listener(this.#decoder.write(buffer), 0);
  }

  async #look(): Promise<void> {
    const { size } = await stat(this.#path);
    if (size <= this.#at) return;
    const file = await open(this.#path, "r+");
    try {
      if (!this.#hasBegun) await this.#begin(file, size);
      await this.#read(file, size);
      if (size > fileBytesMax) this.#cut(file);
    } finally {
      await file.close();
    }
  }

  async #read(file: FileHandle, size: number): Promise<void> {
    const from = Math.max(this.#at, size - readBytesMax);
    const buffer = await readPart(file, from, size - from);
    const leftOut = from - this.#at;
    this.#at = from + buffer.length;
    this.#listener(this.#decoder.write(buffer), leftOut);
  }

  /**
   * The file is appended to, so the next line lands at its beginning. What was written since the reading is
   * read in one uninterrupted step with the cut: otherwise the last words of a command that ends just then
   * would be lost, and they are those that say why.
   */
  #cut(file: FileHandle): void {
    const { size } = fstatSync(file.fd);
    const from = Math.max(this.#at, size - readBytesMax);
    const buffer = Buffer.alloc(size - from);
    const bytesRead = readSync(file.fd, buffer, 0, buffer.length, from);
    ftruncateSync(file.fd);
    const leftOut = from - this.#at;
    this.#at = 0;
    if (bytesRead + leftOut > 0) {
      this.#listener(this.#decoder.write(buffer.subarray(0, bytesRead)), leftOut);
    }
  }
}

async function readPart(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}
