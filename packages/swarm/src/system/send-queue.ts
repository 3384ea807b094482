/**
 * What waits to be sent on a line, cut into what is written at once: small messages are joined, large ones cut.
 *
 * A write of TLS encrypts all of its bytes into memory before the first of them leaves, so the size of one
 * bounds the memory of a line; and it costs a call of the kernel and records of its own, so tiny ones are dear.
 */

/**
 * A block of the exchange (256 KiB, or 512 on fast lines) with its head goes as one. Measured: 64 KiB cost a tenth more
 * per byte than 256 KiB, 1 MiB some percent less and four times the memory.
 */
const writeBytesMax = 528 * 1024;
/** Below it, messages are copied together: a copy costs less than a write. */
const smallBytesMax = 8 * 1024;

export class SendQueue {
  /** From `#first` on; what is before it is gone. */
  #waiting: Uint8Array[] = [];
  #first = 0;

  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
  }

  clear(): void {
    this.#waiting = [];
    this.#first = 0;
  }

  /** The bytes of the next write; undefined when nothing waits. */
  take(): Uint8Array | undefined {
    const next = this.#waiting[this.#first];
    if (next === undefined) return undefined;
    if (next.length > writeBytesMax) {
      this.#waiting[this.#first] = next.subarray(writeBytesMax);
      return next.subarray(0, writeBytesMax);
    }
    const count = next.length > smallBytesMax ? 1 : this.#smallOnes();
    const taken = this.#waiting.slice(this.#first, this.#first + count);
    this.#dropFirst(count);
    return taken.length === 1 ? next : Buffer.concat(taken);
  }

  /** How many small messages from the first one on go together. */
  #smallOnes(): number {
    let count = 0;
    let bytes = 0;
    for (let index = this.#first; index < this.#waiting.length; index++) {
      const { length } = this.#waiting[index] as Uint8Array;
      bytes += length;
      if (length > smallBytesMax || bytes > writeBytesMax) break;
      count++;
    }
    return count;
  }

  #dropFirst(count: number): void {
    this.#first += count;
    if (this.#first === this.#waiting.length) this.clear();
    else if (this.#first > 1_000) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
  }
}
