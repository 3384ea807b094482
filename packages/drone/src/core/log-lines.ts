/** Lines out of the bytes of a file, from its beginning or from its end; each bounded, however long it is. */

/** Bytes of a line that are shown; the protocol has room for 8,192 characters. */
export const lineBytesMax = 8_000;
const newLine = 0x0a;

/** A line as it lies in the file. */
export interface RawLine {
  /** Of its first byte. */
  readonly offset: number;
  /** At most the first `lineBytesMax` of it, and one more when it goes on. */
  readonly bytes: Buffer;
}

/** As it is shown: without what no terminal shows, and cut where it is too long. */
export function textOf({ bytes }: RawLine): string {
  const isCut = bytes.length > lineBytesMax;
  const text = bytes.toString("utf8", 0, Math.min(bytes.length, lineBytesMax));
  // A cut in the middle of a character leaves a replacement character.
  const clean = text.replaceAll("\0", "").replace(/\r$/, "");
  return isCut ? `${clean.replace(/\uFFFD$/, "")} … (line cut)` : clean;
}

/** Takes a file's bytes in order. */
export class LineSplitter {
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #lineStart: number;
  #position: number;

  constructor(offset: number) {
    this.#lineStart = offset;
    this.#position = offset;
  }

  /** Bytes taken so far, as an offset in the file. */
  get position(): number {
    return this.#position;
  }

  /** The lines that these bytes complete. */
  take(chunk: Buffer): RawLine[] {
    const lines: RawLine[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newLine, start);
      if (end < 0) break;
      this.#keep(chunk.subarray(start, end));
      lines.push(this.#finish(this.#position + end + 1));
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    this.#position += chunk.length;
    return lines;
  }

  /** What came after the last new line, when no more comes. */
  end(): RawLine | undefined {
    return this.#position > this.#lineStart ? this.#finish(this.#position) : undefined;
  }

  #keep(bytes: Buffer): void {
    const room = lineBytesMax + 1 - this.#keptBytes;
    if (room <= 0 || bytes.length === 0) return;
    // A copy: the chunk's memory is used again.
    const part = Buffer.from(bytes.subarray(0, room));
    this.#kept.push(part);
    this.#keptBytes += part.length;
  }

  #finish(next: number): RawLine {
    const line = { offset: this.#lineStart, bytes: Buffer.concat(this.#kept) };
    this.#kept = [];
    this.#keptBytes = 0;
    this.#lineStart = next;
    return line;
  }
}

/** Takes a file's bytes from its end on; gives the lines last first. */
export class BackwardSplitter {
  /** The beginning of what has been read of a line whose start has not been found. */
  #head = Buffer.alloc(0);
  #hasLine = false;
  #isFirst = true;

  /** The chunk that lies before those taken so far; its lines that are complete, last first. */
  take(chunk: Buffer, offset: number): RawLine[] {
    const lines: RawLine[] = [];
    let end = chunk.length;
    // The new line at the very end of a file closes its last line; behind it is none.
    if (this.#isFirst && chunk[end - 1] === newLine) end--;
    if (this.#isFirst && chunk.length > 0) this.#hasLine = true;
    this.#isFirst = false;
    for (;;) {
      const start = end === 0 ? -1 : chunk.lastIndexOf(newLine, end - 1);
      if (start < 0) break;
      lines.push(this.#finish(chunk.subarray(start + 1, end), offset + start + 1));
      this.#hasLine = true;
      end = start;
    }
    this.#head = this.#join(chunk.subarray(0, end));
    return lines;
  }

  /** The first line of the file. */
  end(): RawLine | undefined {
    return this.#hasLine ? this.#finish(Buffer.alloc(0), 0) : undefined;
  }

  #finish(front: Buffer, offset: number): RawLine {
    const bytes = this.#join(front);
    this.#head = Buffer.alloc(0);
    this.#hasLine = false;
    return { offset, bytes };
  }

  #join(front: Buffer): Buffer<ArrayBuffer> {
    return Buffer.concat([front, this.#head]).subarray(0, lineBytesMax + 1);
  }
}
