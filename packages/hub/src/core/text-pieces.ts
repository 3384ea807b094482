/** Long texts in pieces that fit into frames. */

/** Of one piece; a character may take six bytes there. */
const pieceChars = 256 * 1024;

/** Gives all pieces but the last, which it returns: that one goes into the result. */
export function sendText(text: string, part: (piece: string) => void): string {
  let from = 0;
  for (; text.length - from > pieceChars; from += pieceChars) {
    part(text.slice(from, from + pieceChars));
  }
  return text.slice(from);
}
