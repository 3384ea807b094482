/**
 * A chunked body, followed over whatever buffers it comes in:
 *
 *             ┌────────────── data + CRLF ◄──────┐
 *             ▼                                  │
 *     size [; extension] CRLF ── size > 0 ──> data
 *             └── size 0 ──> trailer line* ──> CRLF: done
 *
 * It says how many bytes belong to the body, so that they can be forwarded as they came, and where the data lies
 * for those who frame it anew. Strict: sizes are up to eight hexadecimal digits and nothing else, every line ends with
 * CRLF, extensions are bounded in each chunk and in all, trailers are proper fields that frame nothing. Of an answer those
 * that must not be trailers are left out: who passes on its bytes ends at `passEnd`, and writes the trailers himself.
 */
import { CR, hexValues, LF, SEMICOLON } from "./characters.js";
import { type ExtensionPlace, stepExtension } from "./chunk-extension.js";
import { bad } from "./head.js";
import { isForbiddenTrailer, readTrailer } from "./trailers.js";

export interface ChunkedLimits {
  /** Of one chunk's extension. */
  readonly extensionBytesMax: number;
  /** Of all of them: else many small chunks carry what nobody looks at (as in CVE-2024-22019). */
  readonly extensionBytesTotalMax: number;
  readonly trailerBytesMax: number;
  readonly trailersMax: number;
}

const defaultChunkedLimits: ChunkedLimits = {
  extensionBytesMax: 256,
  extensionBytesTotalMax: 16 * 1024,
  trailerBytesMax: 8 * 1024,
  trailersMax: 32,
};

/** 4 GiB a chunk: more is sent by nobody, and overflows the arithmetic of some. */
const sizeDigitsMax = 8;

type State =
  "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailers" | "done" | "bad";

const rangesAtFirst = 16;

export class ChunkedScanner {
  readonly #limits: ChunkedLimits;
  #state: State = "size";
  /** Of the size in work. */
  #digits = 0;
  /** Of the chunk in work, still to come. */
  #chunkBytesLeft = 0;
  #extensionPlace: ExtensionPlace = "name-start";
  #extensionBytes = 0;
  #extensionBytesTotal = 0;
  #trailerBytes = 0;
  #trailerLine = "";
  #wantsRanges = false;
  #dropsForbidden = false;

  /** Why it is bad. */
  badReason = "";
  /** Data so far, in bytes: without its framing. */
  dataBytes = 0;
  /** Start and end of data in the bytes of the last scan, `rangeCount` of them, when they are wanted. */
  ranges = new Int32Array(2 * rangesAtFirst);
  rangeCount = 0;
  /** Names and values in turn, in the order in which they came. */
  trailers: string[] = [];
  /** Any came, also of those that were left out. */
  hasTrailers = false;
  /** Up to where the bytes of the last scan may be passed on as they came: not trailers, nor the line that ends them. */
  passEnd = 0;

  constructor(limits: ChunkedLimits = defaultChunkedLimits) {
    this.#limits = limits;
  }

  /** The last bytes of the body have been seen. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /** For the next body. @param dropsForbidden leaves out trailers that must not be any, instead of refusing it all */
  reset({
    wantsRanges = false,
    dropsForbidden = false,
  }: { readonly wantsRanges?: boolean; readonly dropsForbidden?: boolean } = {}): void {
    this.#state = "size";
    this.#digits = 0;
    this.#chunkBytesLeft = 0;
    this.#extensionBytes = 0;
    this.#extensionBytesTotal = 0;
    this.#trailerBytes = 0;
    this.#trailerLine = "";
    this.#wantsRanges = wantsRanges;
    this.#dropsForbidden = dropsForbidden;
    this.hasTrailers = false;
    this.badReason = "";
    this.dataBytes = 0;
    this.rangeCount = 0;
    if (this.trailers.length > 0) this.trailers = [];
  }

  /**
   * Follows the body through `bytes[start, end)`.
   *
   * @returns the index after what belongs to it: `end` as long as it goes on; or `bad`.
   */
  scan(bytes: Buffer, start: number, end: number): number {
    this.rangeCount = 0;
    this.passEnd = start;
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case "size":
          at = this.#scanSize(bytes, at, end);
          break;
        case "extension":
          at = this.#scanExtension(bytes, at, end);
          break;
        case "data":
          at = this.#skipData(at, end);
          break;
        case "size-lf":
          if (bytes[at++] !== LF) return this.#refuse("CR without LF behind a chunk size");
          this.#startChunk();
          break;
        case "data-cr":
          if (bytes[at++] !== CR) return this.#refuse("a chunk longer than its size");
          this.#state = "data-lf";
          break;
        case "data-lf":
          if (bytes[at++] !== LF) return this.#refuse("CR without LF behind a chunk");
          this.#state = "size";
          break;
        case "trailers":
          at = this.#scanTrailers(bytes, at, end);
          break;
        case "done":
          if (!this.hasTrailers) this.passEnd = at;
          return at;
        case "bad":
          return bad;
        default:
          this.#state satisfies never;
      }
      if (at < 0) return bad;
    }
    if (!this.hasTrailers) this.passEnd = at;
    return at;
  }

  #scanSize(bytes: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      const digit = hexValues[byte] as number;
      if (digit === 0) {
        if (this.#digits === 0) return this.#refuse("a chunk without a size");
        if (byte !== CR && byte !== SEMICOLON)
          return this.#refuse("a chunk size that is no number");
        this.#state = byte === CR ? "size-lf" : "extension";
        this.#extensionPlace = "name-start";
        return at + 1;
      }
      if (++this.#digits > sizeDigitsMax) return this.#refuse("a chunk size of too many digits");
      this.#chunkBytesLeft = this.#chunkBytesLeft * 16 + (digit - 1);
    }
    return end;
  }

  #scanExtension(bytes: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const place = stepExtension(this.#extensionPlace, bytes[at] as number);
      if (place === undefined) return this.#refuse("a chunk extension that is none");
      if (place === "end") {
        this.#state = "size-lf";
        return at + 1;
      }
      this.#extensionPlace = place;
      if (!this.#countExtensionByte()) return bad;
    }
    return end;
  }

  #countExtensionByte(): boolean {
    const { extensionBytesMax, extensionBytesTotalMax } = this.#limits;
    this.#extensionBytesTotal++;
    if (++this.#extensionBytes > extensionBytesMax) this.#refuse("a chunk extension too long");
    else if (this.#extensionBytesTotal > extensionBytesTotalMax) {
      this.#refuse("too many chunk extensions");
    }
    return this.#state !== "bad";
  }

  #startChunk(): void {
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#state = this.#chunkBytesLeft > 0 ? "data" : "trailers";
  }

  #skipData(start: number, end: number): number {
    const at = Math.min(end, start + this.#chunkBytesLeft);
    this.#chunkBytesLeft -= at - start;
    this.dataBytes += at - start;
    if (this.#wantsRanges) this.#addRange(start, at);
    if (this.#chunkBytesLeft === 0) this.#state = "data-cr";
    return at;
  }

  #addRange(start: number, end: number): void {
    const slot = this.rangeCount * 2;
    if (slot === this.ranges.length) {
      const grown = new Int32Array(slot * 2);
      grown.set(this.ranges);
      this.ranges = grown;
    }
    this.ranges[slot] = start;
    this.ranges[slot + 1] = end;
    this.rangeCount++;
  }

  /** Lines of trailers are few: they are read as texts, over buffers. */
  #scanTrailers(bytes: Buffer, start: number, end: number): number {
    if (!this.hasTrailers && this.#trailerLine === "" && bytes[start] !== CR) {
      this.hasTrailers = true;
      this.passEnd = start;
    }
    let at = start;
    while (at < end && bytes[at] !== LF) at++;
    const isWhole = at < end;
    if (isWhole) at++;
    this.#trailerBytes += at - start;
    if (this.#trailerBytes > this.#limits.trailerBytesMax) return this.#refuse("trailers too long");
    this.#trailerLine += bytes.toString("latin1", start, at);
    return isWhole ? this.#takeTrailerLine(at) : at;
  }

  #takeTrailerLine(at: number): number {
    const line = this.#trailerLine;
    this.#trailerLine = "";
    if (!line.endsWith("\r\n")) return this.#refuse("LF without CR in trailers");
    if (line.length === 2) {
      this.#state = "done";
      return at;
    }
    if (this.trailers.length === 2 * this.#limits.trailersMax)
      return this.#refuse("too many trailers");
    const trailer = readTrailer(line.slice(0, -2));
    if (typeof trailer === "string") return this.#refuse(trailer);
    if (isForbiddenTrailer(trailer.name)) {
      if (this.#dropsForbidden) return at;
      return this.#refuse(`a trailer that must not be one: ${trailer.name.toLowerCase()}`);
    }
    this.trailers.push(trailer.name, trailer.value);
    return at;
  }

  #refuse(reason: string): number {
    this.#state = "bad";
    this.badReason = reason;
    return bad;
  }
}
