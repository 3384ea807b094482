/**
 * What is in the file of an artifact: read again piece by piece, so that nothing waits for a long time.
 *
 * That all of it together has the hash of the manifest is not looked at again once every piece had its own:
 * it follows from them, would double the hashing (an eighth of a drone's CPU was measured), and git reads the
 * whole pack anyway and checks it by hashes of its own.
 */
import { PieceSet } from "./core/piece-set.js";
import { bytesOfPiece, hashOfPiece, pieceCountOf, type Manifest } from "./manifest.js";
import type { Digests, PieceFile } from "./world.js";

/** The pieces that an earlier life left whole. */
export async function findPieces(
  manifest: Manifest,
  file: PieceFile,
  digests: Digests,
): Promise<PieceSet> {
  const found = new PieceSet(pieceCountOf(manifest));
  const buffer = new Uint8Array(manifest.pieceBytes);
  for (let piece = 0; piece < found.size; piece++) {
    const bytes = buffer.subarray(0, bytesOfPiece(manifest, piece));
    await file.read(piece * manifest.pieceBytes, bytes);
    if (digests.sha256(bytes) === hashOfPiece(manifest, piece)) found.add(piece);
  }
  return found;
}
