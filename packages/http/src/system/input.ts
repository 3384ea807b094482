/**
 * What was read of a connection and not used yet: `bytes[at, end)`. Mostly it lies in the shared read buffer and is
 * used up before the read is over; what is left then is copied, and goes on growing in a buffer of its own.
 */
import { sharedBuffer } from "./read-buffers.js";

const grownBytesMin = 1_024;
const noBytes = Buffer.alloc(0);

export class Input {
  bytes: Buffer = noBytes;
  at = 0;
  end = 0;
  /** Nobody else writes into `bytes`. */
  isOwn = false;

  get isEmpty(): boolean {
    return this.at >= this.end;
  }

  get length(): number {
    return this.end - this.at;
  }

  take(bytes: Buffer, from: number, to: number): void {
    if (!this.isEmpty) return this.#append(bytes, from, to);
    this.bytes = bytes;
    this.at = from;
    this.end = to;
    this.isOwn = false;
  }

  /** The rest is thrown away. */
  skip(): void {
    this.at = this.end;
  }

  /** The bytes before `at` from there on, to be sent: as a string when they lie where others read to. */
  since(from: number): Buffer | string {
    if (this.bytes === sharedBuffer.bytes) return this.bytes.toString("latin1", from, this.at);
    return this.bytes.subarray(from, this.at);
  }

  /** The read is over: its buffer is about to be used for somebody else. */
  keep(): void {
    if (this.isEmpty) {
      this.bytes = noBytes;
      this.at = 0;
      this.end = 0;
    } else if (!this.isOwn) {
      this.bytes = Buffer.from(this.bytes.subarray(this.at, this.end));
      this.end -= this.at;
      this.at = 0;
      this.isOwn = true;
    }
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const count = to - from;
    if (!this.isOwn || this.bytes.length - this.end < count) {
      const held = this.length;
      const grown = Buffer.allocUnsafe(Math.max(grownBytesMin, 2 * (held + count)));
      this.bytes.copy(grown, 0, this.at, this.end);
      this.bytes = grown;
      this.at = 0;
      this.end = held;
      this.isOwn = true;
    }
    bytes.copy(this.bytes, this.end, from, to);
    this.end += count;
  }
}
