/** How far the output of a command may run ahead of whoever reads it, and its input ahead of the command. */

/** Untaken output: fills a long line, and is little for a hub that carries many. */
const aheadBytesMax = 1024 * 1024;
/** Waiting on the drone's own connection, which reports and tasks share. */
const bufferedBytesMax = 4 * 1024 * 1024;
/** Untaken input; a caller keeps to `aheadBytesMax`, what is typed before the command runs comes on top. */
const inputBytesMax = 4 * 1024 * 1024;

export class RunWindow {
  #told = 0;
  /** Undefined until the caller says so: then only the drone's own connection counts. */
  #taken: number | undefined;
  #typed = 0;
  #used = 0;

  /** Output was told. */
  told(bytes: number): void {
    this.#told += bytes;
  }

  /** The caller has taken so much output, all together; what is older than what it said is late, not less. */
  taken(total: number): void {
    this.#taken = Math.min(this.#told, Math.max(this.#taken ?? 0, total));
  }

  /** Whether the command must wait before it writes more. */
  isFull(bufferedBytes: number): boolean {
    const ahead = this.#taken === undefined ? 0 : this.#told - this.#taken;
    return ahead >= aheadBytesMax || bufferedBytes >= bufferedBytesMax;
  }

  /** Input came; false when the caller does not wait for the command to take it. */
  typed(bytes: number): boolean {
    this.#typed += bytes;
    return this.#typed - this.#used <= inputBytesMax;
  }

  /** The command has taken input; gives the sum of all. */
  used(bytes: number): number {
    this.#used += bytes;
    return this.#used;
  }
}
