/** The hashes of an artifact, taken while its bytes go by: of the whole and of each piece. */
import { createHash, type Hash } from "node:crypto";

export interface PieceHashes {
  readonly bytes: number;
  readonly pieceBytes: number;
  /** Of all bytes, 64 hex characters. */
  readonly sha256: string;
  /** Of each piece, one after the other. */
  readonly pieces: string;
}

export class PieceHasher {
  readonly #pieceBytes: number;
  readonly #whole = createHash("sha256");
  readonly #pieces: string[] = [];
  #piece: Hash = createHash("sha256");
  /** In the piece under way. */
  #filled = 0;
  #bytes = 0;

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes;
  }

  update(chunk: Uint8Array): void {
    this.#whole.update(chunk);
    this.#bytes += chunk.length;
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + this.#pieceBytes - this.#filled);
      this.#piece.update(part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#pieceBytes) this.#endPiece();
    }
  }

  /** What came by all in all; to be asked once. */
  end(): PieceHashes {
    if (this.#filled > 0) this.#endPiece();
    return {
      bytes: this.#bytes,
      pieceBytes: this.#pieceBytes,
      sha256: this.#whole.digest("hex"),
      pieces: this.#pieces.join(""),
    };
  }

  #endPiece(): void {
    this.#pieces.push(this.#piece.digest("hex"));
    this.#piece = createHash("sha256");
    this.#filled = 0;
  }
}
