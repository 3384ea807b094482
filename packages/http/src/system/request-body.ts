/** How far a request's body has come, by its own framing. */
import { ChunkedScanner } from "../core/chunked.js";
import { bad } from "../core/head.js";
import type { RequestHead } from "../core/request-head.js";

export class RequestBody {
  isDone = true;
  /** Data so far. */
  bytes = 0;
  /** Undefined: until the last chunk. */
  #left: number | undefined = 0;
  #chunks: ChunkedScanner | undefined;

  start(head: RequestHead): void {
    this.bytes = 0;
    if (head.isChunked) {
      this.#chunks ??= new ChunkedScanner();
      this.#chunks.reset();
      this.#left = undefined;
      this.isDone = false;
    } else {
      this.#left = Math.max(0, head.contentLength);
      this.isDone = this.#left === 0;
    }
  }

  /** Whether so many bytes or more are still to come, as far as anybody knows. */
  hasLeft(bytes: number): boolean {
    return !this.isDone && (this.#left === undefined || this.#left >= bytes);
  }

  get badReason(): string {
    return this.#chunks?.badReason ?? "";
  }

  /** @returns up to where `bytes[from, to)` belong to it, or `bad` */
  scan(bytes: Buffer, from: number, to: number): number {
    if (this.#left !== undefined) {
      const end = Math.min(to, from + this.#left);
      this.#left -= end - from;
      this.bytes += end - from;
      this.isDone = this.#left === 0;
      return end;
    }
    const chunks = this.#chunks as ChunkedScanner;
    const end = chunks.scan(bytes, from, to);
    this.bytes = chunks.dataBytes;
    this.isDone = end !== bad && chunks.isDone;
    return end;
  }
}
