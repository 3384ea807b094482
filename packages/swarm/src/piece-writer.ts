/** Buffers for pieces that come in, and the way of those that are whole and right into the file. */
import { bytesOfPiece } from "./manifest.js";
import type { IntakeOptions } from "./intake-options.js";
import type { Peer } from "./peer.js";

/** Of a process, for pieces that are coming in; with longer pieces fewer lines are used at once. */
export const intakeBytesMax = 16 * 1024 * 1024;
/** Buffers that are kept for the next pieces. */
const freeMax = 4;

export class PieceWriter {
  readonly #options: Pick<IntakeOptions, "failed" | "file" | "manifest">;
  readonly #written: (piece: number) => void;
  readonly #free: Uint8Array[] = [];
  /** Checked, and not yet in the file. */
  readonly #writing = new Set<number>();
  #writingBytes = 0;
  #ended = false;

  /** @param written told of a piece that is in the file, unless it ended before */
  constructor(
    options: Pick<IntakeOptions, "failed" | "file" | "manifest">,
    written: (piece: number) => void,
  ) {
    this.#options = options;
    this.#written = written;
  }

  end(): void {
    this.#ended = true;
    this.#free.length = 0;
  }

  isWriting(piece: number): boolean {
    return this.#writing.has(piece);
  }

  /** Room for a piece; given back by `free` or `write`. */
  buffer(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.#options.manifest.pieceBytes);
  }

  free(buffer: Uint8Array): void {
    if (this.#free.length < freeMax && !this.#ended) this.#free.push(buffer);
  }

  /** The line that it came on is held while too much waits for the disk. */
  async write(peer: Peer, piece: number, buffer: Uint8Array): Promise<void> {
    const { failed, file, manifest } = this.#options;
    const length = bytesOfPiece(manifest, piece);
    this.#writing.add(piece);
    this.#writingBytes += length;
    const isHeld = this.#writingBytes > intakeBytesMax / 2;
    if (isHeld) peer.line.pause();
    try {
      await file.write(piece * manifest.pieceBytes, buffer.subarray(0, length));
    } catch (reason) {
      failed(reason);
      return;
    } finally {
      this.#writing.delete(piece);
      this.#writingBytes -= length;
      this.free(buffer);
      if (isHeld && !peer.isGone) peer.line.resume();
    }
    if (!this.#ended) this.#written(piece);
  }
}
