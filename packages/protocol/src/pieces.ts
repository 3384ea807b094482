/** Long lists in pieces that fit into frames. */

/** Characters of a piece; far below a frame's limit, as characters may take several bytes each. */
const pieceCharsMax = 512 * 1024;

/** At least one piece, maybe an empty one; all together in the same order. */
export function piecesOf<T>(items: readonly T[], charsMax = pieceCharsMax): T[][] {
  let piece: T[] = [];
  const pieces = [piece];
  let chars = 0;
  for (const item of items) {
    const size = JSON.stringify(item).length;
    if (piece.length > 0 && chars + size > charsMax) {
      piece = [];
      chars = 0;
      pieces.push(piece);
    }
    piece.push(item);
    chars += size;
  }
  return pieces;
}

/** Sends all pieces of a list but the last, which it returns: that one goes into the result. */
export function sendPieces<T>(items: readonly T[], part: (piece: T[]) => void): T[] {
  const pieces = piecesOf(items);
  for (const piece of pieces.slice(0, -1)) part(piece);
  return pieces.at(-1) ?? [];
}
