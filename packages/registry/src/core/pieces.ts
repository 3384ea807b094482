/** Long lists in pieces that fit into frames. */
import { sizeOf } from "./table.js";
import type { Endpoint } from "@propagit/protocol";

/** Characters of a piece; far below a frame's limit, as characters may take several bytes each. */
const pieceCharsMax = 512 * 1024;

/** At least one piece, maybe an empty one; all together in the same order. */
export function piecesOf(endpoints: readonly Endpoint[], charsMax = pieceCharsMax): Endpoint[][] {
  let piece: Endpoint[] = [];
  const pieces = [piece];
  let chars = 0;
  for (const endpoint of endpoints) {
    const size = sizeOf(endpoint);
    if (piece.length > 0 && chars + size > charsMax) {
      piece = [];
      chars = 0;
      pieces.push(piece);
    }
    piece.push(endpoint);
    chars += size;
  }
  return pieces;
}
